/* SPDX-License-Identifier: MIT
 *
 * Field tables: what a JSON object may hold. The same table checks request bodies and queries,
 * describes replies, and becomes the schema in the OpenAPI document.
 */
#ifndef REEYO_HTTP_FIELD_H
#define REEYO_HTTP_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum field_kind {
	FIELD_NONE,
	FIELD_TEXT,     /* min…max characters, of which min take room; trimmed, in NFC, no
	                 * control characters (.lines: but tab and line end) */
	FIELD_ID,       /* 1…64 of A-Z a-z 0-9 _ - . */
	FIELD_INT,      /* whole number, min…max (both 0: any int64) */
	FIELD_MONEY,    /* whole XAF, min…max (no max: 10^12); 10.0 is whole, 10.5 is not */
	FIELD_NUMBER,   /* finite number, min…max (both 0: any); .above: greater than min */
	FIELD_BOOL,
	FIELD_ENUM,     /* one of .words, case-blind; the table's spelling is kept */
	FIELD_PHONE,    /* a Cameroon mobile in any spelling; kept as +237######### */
	FIELD_EMAIL,    /* kept in lower case */
	FIELD_PASSWORD, /* a new password: 8…128 with lower, upper, digit and one of @$!%*?&# */
	FIELD_SECRET,   /* 1…max (default 1024) bytes, never trimmed, never echoed */
	FIELD_DIGITS,   /* decimal digits, min…max of them; a JSON integer is accepted too */
	FIELD_URL,      /* http or https (core/url.h) */
	FIELD_URL_OR_ID, /* the same, or an id: of a picture or document kept elsewhere; without a
	                 * min also "" */
	FIELD_TIME,     /* RFC 3339 date and time, 1970 to 2999; kept in UTC with milliseconds */
	FIELD_DATE,     /* YYYY-MM-DD */
	FIELD_POINT,    /* {lat,lng}, also {latitude,longitude}; kept as {lat,lng}; ranges
	                 * checked */
	FIELD_OBJECT,   /* fields of .of (NULL: any object) */
	FIELD_LIST,     /* min…max elements: objects of .of, or scalars of kind .each with
	                 * .each_max, .words */
	FIELD_ANY,      /* any JSON */
};

struct field {
	const char *name;
	enum field_kind kind;
	bool required;
	bool above;                    /* FIELD_NUMBER: strictly above min */
	bool lines;                    /* FIELD_TEXT: of several lines */
	bool nullable;                 /* of a reply: may be null */
	bool clearable;                /* of an update: null empties it. Of every other member, and
	                                * of all when something is created, null is absent */
	int64_t min, max;
	const struct field *of;
	enum field_kind each;
	int64_t each_max;
	const char *const *words;      /* NULL-terminated */
	const char *also;              /* other accepted spellings, space separated */
	const char *does;              /* for the API document */
};
#define FIELD_END { .name = NULL }
/* The same for a table that many routes show: the document describes it once, under this title. */
#define FIELD_END_TITLED(title) { .name = NULL, .does = title }

/* One thing wrong with a body. */
struct field_fault {
	char field[96];                /* "items[2].quantity" */
	char message[160];             /* in English */
	char message_fr[160];
};
#define FIELD_FAULTS_MAX 20

/* How an object is read; any of these together. */
#define FIELDS_TEXTS 1u  /* values are strings as in a query or form: "5" and "true" are accepted
			  * for numbers and booleans */
#define FIELDS_NEW 2u    /* the object creates something: nothing is there to be cleared */

/* Checks `object` against the table and puts it into canonical form in place: other spellings
 * renamed, strings trimmed and normalised, enums in the table's spelling, and no null but that of a
 * clearable member. Of several spellings the first that is not null counts. Members that the table
 * does not name stay untouched, unless they are null. Returns the number of faults (at most
 * FIELD_FAULTS_MAX are written). */
unsigned field_check(const struct field *table, json_t *object, unsigned how,
	struct field_fault faults[FIELD_FAULTS_MAX]);

/* "+237670000001" from any accepted spelling into out (14 bytes); false when it is none. */
bool phone_normalise(const char *text, char out[14]);
/* Why a new password is not good enough, in English / French; NULL when it is. */
const char *password_fault(const char *password, bool french);

#endif
