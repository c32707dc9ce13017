/* SPDX-License-Identifier: MIT
 *
 * Any JSON against a table of every kind of field: no crash, and a canonical form is accepted again
 * unchanged.
 */
#include <stdlib.h>
#include <string.h>

#include "reeyo/http/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = { "WALLET", "CASH", NULL };
static const struct field inner[] = {
	{ "id", FIELD_ID, .required = true },
	{ "n", FIELD_INT, .min = 1, .max = 99, .aliases = "count q" },
	FIELD_END,
};
static const struct field table[] = {
	{ "text", FIELD_TEXT, .max = 20, .aliases = "note" },
	{ "money", FIELD_MONEY },
	{ "real", FIELD_NUMBER },
	{ "yes", FIELD_BOOL },
	{ "word", FIELD_ENUM, .words = words },
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL },
	{ "password", FIELD_PASSWORD },
	{ "secret", FIELD_SECRET },
	{ "code", FIELD_DIGITS, .min = 6, .max = 6 },
	{ "url", FIELD_URL },
	{ "time", FIELD_TIME },
	{ "date", FIELD_DATE },
	{ "point", FIELD_POINT },
	{ "object", FIELD_OBJECT, .of = inner },
	{ "list", FIELD_LIST, .max = 10, .of = inner },
	{ "tags", FIELD_LIST, .max = 5, .each = FIELD_TEXT, .each_max = 9 },
	FIELD_END,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct field_fault faults[FIELD_FAULTS_MAX];
	json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	json_t *first;

	if (json_is_object(object) && field_check(table, object, size & 1, faults) == 0) {
		first = json_deep_copy(object);
		if (field_check(table, object, size & 1, faults) != 0 || !json_equal(first, object))
			abort();
		json_decref(first);
	}
	json_decref(object);
	return 0;
}
