/* SPDX-License-Identifier: MIT
 *
 * The defaults of the settings, written into a database that has just been migrated.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/memory.h"
#include "reeyo/db/queries/settings.h"
#include "reeyo/service/settings.h"

/* {"key": default, …} as text; NULL: out of memory. */
static char *settings_defaults_text(void)
{
	json_auto_t *defaults = json_object();

	for (int i = 0; defaults && i < SETTINGS; i++) {
		const struct setting_row *row = &setting_table[i];

		if (row->fallback[0] &&
			json_object_set_new(defaults, row->key, setting_default((enum setting)i)))
			return NULL;
	}
	return defaults ? json_dumps(defaults, JSON_COMPACT) : NULL;
}

static void settings_seed_print(void *arg, int n, char *const *values)
{
	(void)arg;
	if (n > SETTINGS_SEED_WRITTEN && atoi(values[SETTINGS_SEED_WRITTEN]) > 0)
		printf("added %s settings\n", values[SETTINGS_SEED_WRITTEN]);
}

int settings_seed(const char *url)
{
	char *defaults auto_free = settings_defaults_text();
	struct db_session *session = NULL;
	int error = defaults ? db_session_open(url, &session) : E_NO_MEMORY;

	if (!error)
		error = db_session_call(session, settings_seed, settings_seed_print, NULL,
			&(struct settings_seed){ .defaults = defaults });
	db_session_close(session);
	return error;
}
