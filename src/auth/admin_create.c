/* SPDX-License-Identifier: MIT
 *
 * Creates admins; see the header. The input is checked by the rules of request bodies.
 */
#include "reeyo/auth/admin_create.h"

#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/db/queries/identity.h"

#define OUTCOME_SIZE 16

static const char *const admin_roles[] = { "ADMIN", "SUPER_ADMIN", NULL };
static const struct field appointment_fields[] = {
	{ "email", FIELD_EMAIL, .required = true },
	{ "name", FIELD_TEXT, .required = true, .min = 2, .max = 254 },
	{ "role", FIELD_ENUM, .required = true, .words = admin_roles },
	{ "password", FIELD_PASSWORD, .required = true },
	FIELD_END,
};

/* The checked input in canonical form; the caller owns it. NULL after reporting what is wrong. */
static json_t *admin_input_read(const struct admin_account *given)
{
	json_t *read = json_pack("{s:s*,s:s*,s:s,s:s*}", "email", given->email, "name",
		given->name ? given->name : given->email, "role",
		given->role ? given->role : "SUPER_ADMIN", "password", given->password);
	struct field_fault faults[FIELD_FAULTS_MAX];
	unsigned count = read ? field_check(appointment_fields, read, FIELDS_NEW, faults) : 0;

	for (unsigned i = 0; i < count; i++)
		fprintf(stderr, "reeyo: an admin's %s %s\n", faults[i].field, faults[i].message);
	if (count) {
		json_decref(read);
		return NULL;
	}
	return read;
}

static void admin_outcome_read(void *arg, int n, char *const *values)
{
	if (n == 1 && values[0])
		snprintf(arg, OUTCOME_SIZE, "%s", values[0]);
}

static int admin_store(struct db_session *session, const struct config *config, const json_t *who,
	bool only_first, char outcome[OUTCOME_SIZE])
{
	const struct digest_cost cost = { (size_t)config->argon2_memory,
		(unsigned long long)config->argon2_passes };
	char id[ID_SIZE], hash[PASSWORD_HASH_SIZE];
	int error = digest_create(&cost, member_text(who, "password"), hash);

	if (error)
		return error;
	id_new(id, "admin_");
	return db_session_call(session, admin_create, admin_outcome_read, outcome,
		&(struct admin_create){ .admin_id = id,
			.email = member_text(who, "email"),
			.name = member_text(who, "name"),
			.role = member_text(who, "role"),
			.password_hash = hash,
			.only_first = only_first,
			.access_life_s = config->access_ttl / 1000 });
}

int admin_create(
	const struct config *config, const struct admin_account *admin_account, bool *ret_changed)
{
	json_auto_t *who = admin_input_read(admin_account);
	struct db_session *session = NULL;
	char outcome[OUTCOME_SIZE] = "";
	int error = who ? db_session_open(config->database_url, &session) : E_CONFIG;

	if (!error)
		error = admin_store(session, config, who, false, outcome);
	db_session_close(session);
	if (!error)
		*ret_changed = strcmp(outcome, "CHANGED") == 0;
	return error;
}

int admin_create_first(const struct config *config)
{
	const struct admin_account first = { .email = config->super_admin_email,
		.password = config->super_admin_password };
	json_auto_t *who = NULL;
	struct db_session *session = NULL;
	char outcome[OUTCOME_SIZE] = "";
	int error;

	if (!first.email[0])
		return 0;
	error = db_session_open(config->database_url, &session);
	if (!error) /* checked before hashing; the storing statement checks again */
		error = db_session_call(session, admins_exist, admin_outcome_read, outcome);
	if (!error && strcmp(outcome, "EXISTS") != 0) {
		who = admin_input_read(&first);
		error = who ? admin_store(session, config, who, true, outcome) : E_CONFIG;
		if (!error && strcmp(outcome, "CREATED") == 0)
			log_line(LOG_INFO,
				"the first super-admin was created: remove "
				"super_admin_password from the configuration now");
	}
	db_session_close(session);
	return error;
}
