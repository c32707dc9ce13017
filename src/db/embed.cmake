# The SQL of the product becomes part of the binary: sql/queries/*.sql (named statements),
# sql/migrations/*.sql, sql/demo/*.sql and sql/audit/*.sql are turned into C by a small program of the build.
# Sets REEYO_GENERATED (include folder) and REEYO_EMBEDDED_SQL (generated files).
set(REEYO_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${REEYO_GENERATED}/reeyo/db)
file(GLOB reeyo_sql CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/queries/*.sql
	${CMAKE_SOURCE_DIR}/sql/migrations/*.sql ${CMAKE_SOURCE_DIR}/sql/demo/*.sql
	${CMAKE_SOURCE_DIR}/sql/audit/*.sql)
list(SORT reeyo_sql)

add_executable(reeyo_embed ${CMAKE_SOURCE_DIR}/src/db/embed/embed.c)

set(REEYO_EMBEDDED_SQL ${REEYO_GENERATED}/reeyo/db/queries.h ${REEYO_GENERATED}/embedded.c)
add_custom_command(OUTPUT ${REEYO_EMBEDDED_SQL}
	COMMAND reeyo_embed ${REEYO_GENERATED}/reeyo/db/queries.h ${REEYO_GENERATED}/embedded.c ${reeyo_sql}
	DEPENDS reeyo_embed ${reeyo_sql}
	COMMENT "Embedding sql/"
	VERBATIM)
