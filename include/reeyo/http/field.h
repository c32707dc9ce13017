/* SPDX-License-Identifier: MIT
 *
 * Field tables: the members that a JSON object may have. The same table validates request bodies
 * and queries, describes replies, and becomes the schema in the OpenAPI document.
 */
#ifndef REEYO_HTTP_FIELD_H
#define REEYO_HTTP_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct db_record_type;

enum field_kind {
	FIELD_NONE,
	FIELD_TEXT,   /* min…max characters, of which at least min have a width; trimmed, in NFC,
		       * no control characters (.lines allows tab and line feed) */
	FIELD_ID,     /* 1…64 of A-Z a-z 0-9 _ - . */
	FIELD_INT,    /* whole number, min…max (both 0: any int64) */
	FIELD_MONEY,  /* integer XAF, min…max (no max: 10^12); 10.0 is accepted, 10.5 is not */
	FIELD_NUMBER, /* finite number, min…max (both 0: any); .above: greater than min */
	FIELD_BOOL,
	FIELD_ENUM,      /* one of .words, case-insensitive; stored in the table's spelling */
	FIELD_PHONE,     /* a Cameroon mobile number in any spelling; stored as +237######### */
	FIELD_EMAIL,     /* stored in lower case */
	FIELD_PASSWORD,  /* a new password: 8…128 with lower, upper, digit and one of @$!%*?&# */
	FIELD_SECRET,    /* 1…max (default 1024) bytes, never trimmed, never echoed */
	FIELD_DIGITS,    /* decimal digits, min…max of them; a JSON integer is accepted too */
	FIELD_URL,       /* http or https (core/url.h) */
	FIELD_URL_OR_ID, /* the same, or the id of a picture or document stored elsewhere; without
			  * a min also "" */
	FIELD_TIME,      /* RFC 3339 date and time, 1970 to 2999; stored in UTC with milliseconds */
	FIELD_DATE,      /* YYYY-MM-DD */
	FIELD_POINT,     /* {lat,lng}, also {latitude,longitude}; stored as {lat,lng}; ranges
			  * checked */
	FIELD_OBJECT,    /* fields of .of (NULL: any object) */
	FIELD_LIST,      /* min…max elements: objects of .of, or scalars of kind .each with
			  * .each_max, .words */
	FIELD_ANY,       /* any JSON */
};

struct field {
	const char *name;
	enum field_kind kind;
	bool required;
	bool above;     /* FIELD_NUMBER: strictly greater than min */
	bool lines;     /* FIELD_TEXT: may have several lines */
	bool nullable;  /* reply: may be null */
	bool clearable; /* update: null clears it. In every other member, and in all
			 * members of a create request, null equals absent */
	int64_t min, max;
	const struct field *of;
	enum field_kind each;
	int64_t each_max;
	const char *const *words; /* NULL-terminated */
	const char *aliases;      /* other accepted spellings, space separated */
	const char *summary;      /* description in the API document */
	/* Of a reply that is rendered from a record (http/render.h): the number of the record's
	 * member that it shows (a point: of its latitude, the longitude follows), or a fixed text.
	 */
	unsigned column;
	const char *fixed;
	const struct db_record_type *record; /* at the end of a table: what it is rendered from */
};
#define FIELD_END \
	{ \
		.name = NULL \
	}
/* The end of a table that many routes return: the document has its schema once, under this
 * title. */
#define FIELD_END_TITLED(title) \
	{ \
		.name = NULL, .summary = title \
	}
/* The same, and the record from which the object is rendered (http/render.h). */
#define FIELD_END_RECORD(title, shown) \
	{ \
		.name = NULL, .summary = title, .record = &(shown) \
	}

/* One error in a body or query. */
struct field_fault {
	char field[96];    /* "items[2].quantity" */
	char message[160]; /* in English */
	char message_fr[160];
};
#define FIELD_FAULTS_MAX 20

/* Flags of field_check. */
#define FIELDS_TEXTS \
	1u            /* values are strings as in a query or form: "5" and "true" are accepted \
		       * for numbers and booleans */
#define FIELDS_NEW 2u /* the object creates something, so null never clears a member */

/* Validates `object` against the table and puts it into canonical form in place: other spellings
 * are renamed, strings trimmed and normalised, enums take the table's spelling, and null is removed
 * except in a clearable member. If a member comes under several spellings, the first one that is
 * not null is used. Members that are not in the table stay, unless they are null. Returns the
 * number of faults (at most FIELD_FAULTS_MAX are written). */
unsigned field_check(const struct field *table, json_t *object, unsigned how,
	struct field_fault faults[FIELD_FAULTS_MAX]);

/* Why a new password is refused, in English or French; NULL when it is accepted. */
const char *password_fault(const char *password, bool french);

#endif
