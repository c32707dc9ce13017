/* SPDX-License-Identifier: MIT
 *
 * Scalars of the field tables: texts, numbers, phones, addresses. Each check returns the value in
 * canonical form, or records a message that helps an app developer to correct it.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "field.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/unicode.h"
#include "reeyo/core/url.h"
#include "reeyo/domain/operator.h"
#include "reeyo/domain/order.h"

/* Maximum of a FIELD_TEXT without .max. */
#define TEXT_LENGTH_MAX 1000
/* Maximum of a FIELD_MONEY without .max: more than any real amount, and small enough that sums do
 * not overflow. */
#define MONEY_MAX INT64_C(1000000000000)
/* 2999-12-31T23:59:59.999Z */
#define TIME_LAST_MS INT64_C(32503679999999)

/* --- Texts ------------------------------------------------------------------------------------ */

static void text_length_fault(
	struct check *check, const struct field *field, const char *name, bool short_)
{
	if (short_ && field->required && field->min <= 1)
		check_fault(check, name, "must not be empty", "ne doit pas être vide");
	else if (short_)
		check_fault(check, name, "must have at least %lld characters",
			"doit avoir au moins %lld caractères", (long long)field->min);
	else
		check_fault(check, name, "must have at most %lld characters",
			"doit avoir au plus %lld caractères",
			(long long)(field->max ? field->max : TEXT_LENGTH_MAX));
}

/* The minimum counts characters that have a width, the maximum counts all. A text without a visible
 * character is empty. */
static json_t *text_bounds_check(
	struct check *check, const struct field *field, const char *name, struct text text)
{
	bool seen = unicode_visible(text) > 0;

	if (!seen)
		text.len = 0;
	if (unicode_has_control(text, field->lines)) {
		check_fault(check, name, "holds a control character",
			"contient un caractère de contrôle");
		return NULL;
	}
	if ((int64_t)unicode_room(text) < field->min || (!seen && field->required)) {
		text_length_fault(check, field, name, true);
		return NULL;
	}
	if ((int64_t)text_length(text) > (field->max ? field->max : TEXT_LENGTH_MAX)) {
		text_length_fault(check, field, name, false);
		return NULL;
	}
	return json_stringn(text.at, text.len);
}

static json_t *plain_text_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	char *composed auto_free = unicode_compose(unicode_trim(raw));

	if (composed)
		return text_bounds_check(check, field, name, text_of(composed));
	check_fault(check, name, "has too many marks on one letter",
		"a trop de signes sur une même lettre");
	return NULL;
}

static bool is_id(struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!isalnum((unsigned char)c) && c != '_' && c != '-' && c != '.')
			return false;
	}
	return text.len >= 1 && text.len <= 64;
}

static json_t *id_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	char number[ORDER_NUMBER_SIZE];

	if (strcmp(field->name, "orderId") == 0 && order_number_normalise(text, number))
		return json_string(number);
	if (is_id(text))
		return json_stringn(text.at, text.len);
	check_fault(check, name, "must be an id: 1 to 64 letters, digits, _ - .",
		"doit être un identifiant : 1 à 64 lettres, chiffres, _ - .");
	return NULL;
}

static json_t *enum_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	char all[120];
	size_t len = 0;

	for (const char *const *word = field->words; *word; word++)
		if (text_is_nocase(text, text_of(*word)))
			return json_string(*word);
	all[0] = '\0';
	for (const char *const *word = field->words; *word && len < sizeof(all); word++)
		len += (size_t)snprintf(
			all + len, sizeof(all) - len, "%s%s", len ? ", " : "", *word);
	check_fault(check, name, "must be one of %s", "doit être l'un de %s", all);
	return NULL;
}

static json_t *phone_check(struct check *check, const char *name, struct text raw)
{
	char phone[14];

	if (raw.len < 40 && phone_normalise(raw.at, phone))
		return json_string(phone);
	check_fault(check, name, "must be a Cameroon mobile number, e.g. +237670000001",
		"doit être un numéro mobile camerounais, p. ex. +237670000001");
	return NULL;
}

/* One @ with a local part before it and a domain with a dot after it. Whether the address exists
 * can only be found by sending mail. */
static bool is_email(struct text text)
{
	struct text domain = text;
	struct text local = text_cut(&domain, '@');

	if (!domain.at || local.len < 1 || local.len > 64 || domain.len < 3 || domain.len > 190)
		return false;
	if (domain.at[0] == '.' || domain.at[domain.len - 1] == '.' ||
		!memchr(domain.at, '.', domain.len))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),:;<>[\\]", c))
			return false;
	}
	return !memchr(domain.at, '@', domain.len);
}

static json_t *email_check(struct check *check, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	char lower[256];

	if (text.len < sizeof(lower) && is_email(text)) {
		for (size_t i = 0; i < text.len; i++)
			lower[i] = (char)tolower((unsigned char)text.at[i]);
		return json_stringn(lower, text.len);
	}
	check_fault(check, name, "must be an e-mail address", "doit être une adresse e-mail");
	return NULL;
}

const char *password_fault(const char *password, bool french)
{
	size_t len = strlen(password);
	bool lower = false, upper = false, digit = false, other = false;

	for (const char *c = password; *c; c++) {
		lower |= islower((unsigned char)*c) != 0;
		upper |= isupper((unsigned char)*c) != 0;
		digit |= isdigit((unsigned char)*c) != 0;
		other |= strchr("@$!%*?&#", *c) != NULL;
	}
	if (len >= 8 && len <= 128 && lower && upper && digit && other)
		return NULL;
	return french
		? "doit avoir 8 à 128 caractères, dont une minuscule, une majuscule, un chiffre et "
		  "un de @$!%*?&#"
		: "must have 8 to 128 characters with a lower-case and an upper-case letter, a digit "
		  "and one of @$!%*?&#";
}

static json_t *password_check(struct check *check, const char *name, struct text raw)
{
	if (!password_fault(raw.at, false))
		return json_stringn(raw.at, raw.len);
	check_fault(check, name, "%s", "%s", password_fault(raw.at, false));
	snprintf(check->faults[check->count - 1].message_fr, sizeof(check->faults[0].message_fr),
		"%s", password_fault(raw.at, true));
	return NULL;
}

static json_t *secret_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	int64_t max = field->max ? field->max : 1024;

	if (raw.len >= 1 && (int64_t)raw.len <= max)
		return json_stringn(raw.at, raw.len);
	check_fault(check, name, "must have 1 to %lld characters", "doit avoir 1 à %lld caractères",
		(long long)max);
	return NULL;
}

static json_t *digits_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	bool right = (int64_t)text.len >= field->min && (int64_t)text.len <= field->max;

	for (size_t i = 0; i < text.len; i++)
		right &= isdigit((unsigned char)text.at[i]) != 0;
	if (right)
		return json_stringn(text.at, text.len);
	if (field->min == field->max)
		check_fault(check, name, "must be %lld digits", "doit être %lld chiffres",
			(long long)field->max);
	else
		check_fault(check, name, "must be %lld to %lld digits",
			"doit être %lld à %lld chiffres", (long long)field->min,
			(long long)field->max);
	return NULL;
}

static json_t *url_check(struct check *check, const char *name, struct text raw)
{
	struct text text = text_trim(raw);

	if (url_is_web(text))
		return json_stringn(text.at, text.len);
	check_fault(check, name, "must be an http or https address",
		"doit être une adresse http ou https");
	return NULL;
}

/* An empty text means no address: some apps always send the member. */
static json_t *url_or_id_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	bool none = text.len == 0 && !field->required && !field->min;

	if (none || is_id(text) || url_is_web(text))
		return json_stringn(text.at, text.len);
	check_fault(check, name, "must be an http or https address, or an id",
		"doit être une adresse http ou https, ou un identifiant");
	return NULL;
}

/* Writes the time as "2026-03-01T13:05:00.000Z", so that later readers and PostgreSQL get only this
 * form. */
static bool time_normalise(struct text text, char out[CLOCK_ISO_SIZE])
{
	char copy[48];
	int64_t ms;

	if (!text_copy_whole(copy, sizeof(copy), text) || clock_parse(copy, &ms) || ms < 0 ||
		ms > TIME_LAST_MS)
		return false;
	clock_iso(ms, out);
	return true;
}

static json_t *time_check(struct check *check, const char *name, struct text raw)
{
	char moment[CLOCK_ISO_SIZE];

	if (time_normalise(text_trim(raw), moment))
		return json_string(moment);
	check_fault(check, name, "must be a time, e.g. 2026-03-01T14:05:00Z",
		"doit être une date et heure, p. ex. 2026-03-01T14:05:00Z");
	return NULL;
}

static json_t *date_check(struct check *check, const char *name, struct text raw)
{
	struct text text = text_trim(raw);
	char whole[32], moment[CLOCK_ISO_SIZE];

	if (text.len == CLOCK_DAY_SIZE - 1) {
		snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", text.at);
		if (time_normalise(text_of(whole), moment))
			return json_stringn(moment, CLOCK_DAY_SIZE - 1);
	}
	check_fault(check, name, "must be a date, e.g. 2026-03-01",
		"doit être une date, p. ex. 2026-03-01");
	return NULL;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static bool integer_in_range(
	struct check *check, const struct field *field, const char *name, int64_t value)
{
	int64_t max = field->max ? field->max : field->kind == FIELD_MONEY ? MONEY_MAX : INT64_MAX;
	bool bounded = field->min || field->max || field->kind == FIELD_MONEY;
	int64_t min = bounded ? field->min : INT64_MIN;

	if (value >= min && value <= max)
		return true;
	if (max < INT64_MAX && (field->max || value > max))
		check_fault(check, name, "must be from %lld to %lld",
			"doit être compris entre %lld et %lld", (long long)min, (long long)max);
	else
		check_fault(check, name, "must be at least %lld", "doit être au moins %lld",
			(long long)min);
	return false;
}

/* Reads 10, 10.0 and (in forms and queries) "10". */
static bool integer_read(struct check *check, const json_t *value, int64_t *ret)
{
	double real;

	if (json_is_integer(value)) {
		*ret = json_integer_value(value);
		return true;
	}
	if (json_is_string(value) && check->texts)
		return text_to_int(
			text_trim(text_of(json_string_value(value))), INT64_MIN, INT64_MAX, ret);
	real = json_real_value(value);
	if (!json_is_real(value) || real != floor(real) || fabs(real) > 9007199254740992.0)
		return false;
	*ret = (int64_t)real;
	return true;
}

static json_t *int_check(
	struct check *check, const struct field *field, const char *name, json_t *value)
{
	int64_t number;

	if (!integer_read(check, value, &number)) {
		if (field->kind == FIELD_MONEY)
			check_fault(check, name, "must be a whole amount in XAF",
				"doit être un montant entier en XAF");
		else
			check_fault(check, name, "must be a whole number",
				"doit être un nombre entier");
		return NULL;
	}
	return integer_in_range(check, field, name, number) ? json_integer(number) : NULL;
}

static json_t *number_check(
	struct check *check, const struct field *field, const char *name, json_t *value)
{
	double number;

	if (json_is_number(value)) {
		number = json_number_value(value);
	} else if (!json_is_string(value) || !check->texts ||
		!text_to_double(text_trim(text_of(json_string_value(value))), &number)) {
		check_fault(check, name, "must be a number", "doit être un nombre");
		return NULL;
	}
	if (!isfinite(number) ||
		((field->min || field->max) &&
			(number < (double)field->min || number > (double)field->max)) ||
		(field->above && number <= (double)field->min)) {
		check_fault(check, name,
			field->above ? "must be greater than %lld and at most %lld"
				     : "must be from %lld to %lld",
			field->above ? "doit être supérieur à %lld et au plus %lld"
				     : "doit être compris entre %lld et %lld",
			(long long)field->min, (long long)field->max);
		return NULL;
	}
	return json_real(number + 0.0); /* -0 is 0 */
}

static json_t *bool_check(struct check *check, const char *name, json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value))
		return json_incref(value);
	if (check->texts && text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0))
		return json_true();
	if (check->texts && text && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0))
		return json_false();
	check_fault(check, name, "must be true or false", "doit être true ou false");
	return NULL;
}

/* --- Dispatch --------------------------------------------------------------------------------- */

static json_t *string_check(
	struct check *check, const struct field *field, const char *name, struct text raw)
{
	switch (field->kind) {
	case FIELD_ID:
		return id_check(check, field, name, raw);
	case FIELD_ENUM:
		return enum_check(check, field, name, raw);
	case FIELD_PHONE:
		return phone_check(check, name, raw);
	case FIELD_EMAIL:
		return email_check(check, name, raw);
	case FIELD_PASSWORD:
		return password_check(check, name, raw);
	case FIELD_SECRET:
		return secret_check(check, field, name, raw);
	case FIELD_DIGITS:
		return digits_check(check, field, name, raw);
	case FIELD_URL:
		return url_check(check, name, raw);
	case FIELD_URL_OR_ID:
		return url_or_id_check(check, field, name, raw);
	case FIELD_TIME:
		return time_check(check, name, raw);
	case FIELD_DATE:
		return date_check(check, name, raw);
	default:
		return plain_text_check(check, field, name, raw);
	}
}

json_t *scalar_check(
	struct check *check, const struct field *field, const char *name, json_t *value)
{
	char digits[24];

	switch (field->kind) {
	case FIELD_INT:
	case FIELD_MONEY:
		return int_check(check, field, name, value);
	case FIELD_NUMBER:
		return number_check(check, field, name, value);
	case FIELD_BOOL:
		return bool_check(check, name, value);
	default:
		break;
	}
	if (field->kind == FIELD_DIGITS && json_is_integer(value) &&
		json_integer_value(value) >= 0) {
		snprintf(digits, sizeof(digits), "%0*lld", (int)field->min,
			(long long)json_integer_value(value));
		return digits_check(check, field, name, text_of(digits));
	}
	if (json_is_string(value))
		return string_check(check, field, name,
			(struct text){ json_string_value(value), json_string_length(value) });
	check_fault(check, name, "must be text", "doit être du texte");
	return NULL;
}
