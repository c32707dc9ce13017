# Files of the product that become part of the binary: a small program of the build turns them into C.
add_executable(reeyo_embed ${CMAKE_SOURCE_DIR}/src/embed/embed.c ${CMAKE_SOURCE_DIR}/src/embed/queries.c
	${CMAKE_SOURCE_DIR}/src/embed/records.c)
target_compile_definitions(reeyo_embed PRIVATE _GNU_SOURCE)
set(REEYO_GENERATED ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${REEYO_GENERATED}/reeyo/db/queries)

# SQL: sql/queries/*.sql (named statements), sql/schema/*.sql, sql/functions/*.sql, sql/demo/*.sql and sql/audit/*.sql.
# Sets REEYO_EMBEDDED_SQL.
file(GLOB reeyo_sql CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/queries/*.sql
	${CMAKE_SOURCE_DIR}/sql/schema/*.sql ${CMAKE_SOURCE_DIR}/sql/functions/*.sql
	${CMAKE_SOURCE_DIR}/sql/demo/*.sql
	${CMAKE_SOURCE_DIR}/sql/audit/*.sql)
list(SORT reeyo_sql)
set(REEYO_EMBEDDED_SQL ${REEYO_GENERATED}/reeyo/db/queries.h ${REEYO_GENERATED}/reeyo/db/records.h ${REEYO_GENERATED}/embedded.c)
foreach(file ${reeyo_sql})
	if(file MATCHES "/sql/queries/")
		cmake_path(GET file STEM name)
		list(APPEND REEYO_EMBEDDED_SQL ${REEYO_GENERATED}/reeyo/db/queries/${name}.h)
	endif()
endforeach()
add_custom_command(OUTPUT ${REEYO_EMBEDDED_SQL}
	COMMAND reeyo_embed sql ${REEYO_GENERATED}/reeyo/db ${REEYO_GENERATED}/embedded.c ${reeyo_sql}
	DEPENDS reeyo_embed ${reeyo_sql}
	COMMENT "Embedding sql/"
	VERBATIM)

# Texts: config/messages/{en,fr}/*. Sets REEYO_EMBEDDED_MESSAGES.
file(GLOB reeyo_messages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/config/messages/*/*.sms
	${CMAKE_SOURCE_DIR}/config/messages/*/*.mail ${CMAKE_SOURCE_DIR}/config/messages/*/*.push)
list(SORT reeyo_messages)
set(REEYO_EMBEDDED_MESSAGES ${REEYO_GENERATED}/messages.c)
add_custom_command(OUTPUT ${REEYO_EMBEDDED_MESSAGES}
	COMMAND reeyo_embed texts embedded_messages ${REEYO_EMBEDDED_MESSAGES} ${reeyo_messages}
	DEPENDS reeyo_embed ${reeyo_messages}
	COMMENT "Embedding config/messages/"
	VERBATIM)
