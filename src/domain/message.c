/* SPDX-License-Identifier: MIT
 *
 * Messages and their wordings: see the header.
 */
#include "reeyo/domain/message.h"

#include <stdio.h>

static const struct kind {
	const char *name;
	unsigned channels;
	const char *words;
} kinds[] = {
#define X(name, file, channels, words) { file, channels, words },
	REEYO_MESSAGES(X)
#undef X
};

/* Values of these are XAF: shown in groups of three, and 0 is none. */
static const char *const money_words[] = { "total", "amount", "fee", "netAmount", "refundAmount",
	"deliveryFee" };

/* What an admin writes to be said as it stands; its length is bounded where it comes in. */
static const char *const whole_words[] = { "title", "body" };

/* How many characters of a value are said (0: all), and what stands for the rest. Phones' alphabet
 * has no "…": it would make the text message cost twice. */
static const struct {
	const char *name, *suffix, *title;
	size_t most;
	const char *rest;
} channels[] = {
	[CHANNEL_SMS] = { "SMS", "sms", NULL, 80, "..." },
	[CHANNEL_MAIL] = { "MAIL", "mail", "Subject:", 0, "" },
	[CHANNEL_PUSH] = { "PUSH", "push", "Title:", 500, "…" },
};

static const char *const languages[] = { [LANGUAGE_EN] = "en", [LANGUAGE_FR] = "fr" };

const char *channel_name(enum channel channel)
{
	return channels[channel].name;
}

const char *channel_suffix(enum channel channel)
{
	return channels[channel].suffix;
}

bool channel_named(struct text name, enum channel *ret)
{
	for (unsigned i = 0; i < CHANNELS; i++)
		if (text_is_nocase(name, text_of(channels[i].name))) {
			*ret = (enum channel)i;
			return true;
		}
	return false;
}

const char *language_name(enum language language)
{
	return languages[language];
}

enum language language_named(struct text name)
{
	return text_is(name, TEXT("en")) ? LANGUAGE_EN : LANGUAGE_FR;
}

const char *message_name(enum message_kind message)
{
	return kinds[message].name;
}

bool message_named(struct text name, enum message_kind *ret)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (text_is(name, text_of(kinds[i].name))) {
			*ret = (enum message_kind)i;
			return true;
		}
	return false;
}

bool message_goes_by(enum message_kind message, enum channel channel)
{
	return kinds[message].channels & 1u << channel;
}

/* --- Values ----------------------------------------------------------------------------------- */

static json_t *value_of(const char *word, unsigned count, json_t *const sources[])
{
	for (unsigned i = 0; i < count; i++) {
		json_t *value = json_object_get(sources[i], word);

		if (value && !json_is_null(value))
			return value;
	}
	return NULL;
}

/* The next word of a message; *ret_star: of one that people wrote. */
static struct text word_next(struct text *words, bool *ret_star)
{
	struct text word = text_cut(words, ' ');

	*ret_star = word.len && word.at[word.len - 1] == '*';
	word.len -= *ret_star;
	return word;
}

void message_params_impersonal(enum message_kind message, json_t *params)
{
	struct text words = text_of(kinds[message].words);
	char name[32];

	while (words.at) {
		bool star;
		struct text word = word_next(&words, &star);

		snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(word));
		if (star)
			json_object_del(params, name);
	}
}

json_t *message_params(enum message_kind message, unsigned count, json_t *const sources[])
{
	json_t *params = json_object();
	struct text words = text_of(kinds[message].words);
	char word[32];

	while (params && words.at) {
		bool star;
		struct text next = word_next(&words, &star);
		json_t *value;

		snprintf(word, sizeof(word), "%.*s", TEXT_ARGS(next));
		value = value_of(word, count, sources);
		if (value && json_object_set(params, word, value)) {
			json_decref(params);
			return NULL;
		}
	}
	return params;
}

static bool is_one_of(struct text word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(word, text_of(words[i])))
			return true;
	return false;
}

static bool is_money(struct text word)
{
	return is_one_of(word, money_words, COUNT_OF(money_words));
}

static const json_t *param(const json_t *params, struct text word)
{
	char name[32];

	snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(word));
	return json_object_get(params, name);
}

static bool is_there(const json_t *params, struct text word)
{
	const json_t *value = param(params, word);

	if (json_is_string(value))
		return json_string_length(value) > 0;
	return json_is_integer(value) && (json_integer_value(value) != 0 || !is_money(word));
}

/* 1250000 as "1 250 000". */
static void add_money(struct buf *out, long long amount)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", amount < 0 ? -amount : amount);

	if (amount < 0)
		buf_add_string(out, "-");
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_add(out, " ", 1);
		buf_add(out, digits + i, 1);
	}
}

/* The bytes of the first `most` characters; all of them when it has no more. */
static size_t length_of(struct text text, size_t most)
{
	size_t at = 0;

	for (size_t seen = 0; at < text.len; at++)
		if (((unsigned char)text.at[at] & 0xc0) != 0x80 && seen++ == most)
			break;
	return at;
}

static void add_text(struct buf *out, struct text value, enum channel channel)
{
	size_t most = channels[channel].most;

	if (!most || length_of(value, most) == value.len)
		return buf_add_text(out, value);
	buf_add(out, value.at,
		length_of(value, most - text_length(text_of(channels[channel].rest))));
	buf_add_string(out, channels[channel].rest);
}

static void add_value(struct buf *out, const json_t *params, struct text word, enum channel channel)
{
	const json_t *value = param(params, word);

	if (json_is_string(value))
		add_text(out, (struct text){ json_string_value(value), json_string_length(value) },
			is_one_of(word, whole_words, COUNT_OF(whole_words)) ? CHANNEL_MAIL :
				channel);
	else if (json_is_integer(value) && is_money(word))
		add_money(out, json_integer_value(value));
	else if (json_is_integer(value))
		buf_add_int(out, json_integer_value(value));
}

/* --- Trying again ----------------------------------------------------------------------------- */

int64_t message_wait_ms(unsigned tries, int64_t retry_after_s, unsigned permille)
{
	static const int64_t waits_s[MESSAGE_TRIES - 1] = { 5, 30, 120, 600, 1800, 3600, 5400 };
	size_t at = tries > COUNT_OF(waits_s) ? COUNT_OF(waits_s) - 1 : tries > 0 ? tries - 1 : 0;
	int64_t wait_ms = waits_s[at] * (800 + permille * 400 / 1000);

	if (retry_after_s > 3600)
		retry_after_s = 3600;
	return wait_ms > retry_after_s * 1000 ? wait_ms : retry_after_s * 1000 + permille;
}

/* --- Wordings --------------------------------------------------------------------------------- */

/* The next piece of a text: what stands before a mark, and the mark ('{', '[', ']'; 0 at the end).
 * Of '{', the word. */
struct piece {
	struct text plain, word;
	char mark;
};

static struct piece piece_next(struct text *rest)
{
	size_t len = 0;
	struct piece piece;

	while (len < rest->len && !strchr("{}[]", rest->at[len]))
		len++;
	piece = (struct piece){ .plain = { rest->at, len },
		.mark = len < rest->len ? rest->at[len] : '\0' };
	*rest = piece.mark ? (struct text){ rest->at + len + 1, rest->len - len - 1 } : TEXT_NONE;
	if (piece.mark == '{')
		piece.word = text_cut(rest, '}');
	return piece;
}

static bool word_known(enum message_kind message, struct text word, bool *ret_star)
{
	struct text words = text_of(kinds[message].words);

	while (words.at)
		if (text_is(word_next(&words, ret_star), word))
			return true;
	return false;
}

static int faulty(char fault[WORDING_FAULT], const char *why, struct text what)
{
	snprintf(fault, WORDING_FAULT, "%s%s%.*s", why, what.len ? " " : "",
		what.len > 40 ? 40 : (int)what.len, what.at ? what.at : "");
	return E_CONFIG;
}

static int text_check(enum message_kind message, enum channel channel, struct text rest,
	char fault[WORDING_FAULT])
{
	bool optional = false, star = false;

	while (rest.at) {
		struct piece piece = piece_next(&rest);

		if (piece.mark == '{' && !rest.at)
			return faulty(fault, "a { has no } after it:", piece.word);
		if (piece.mark == '{' && !word_known(message, piece.word, &star))
			return faulty(fault, "there is no word", piece.word);
		if (piece.mark == '{' && star && !optional && channel != CHANNEL_PUSH)
			return faulty(fault, "not in [ and ], as what may be left out:",
				piece.word);
		if (piece.mark == '}')
			return faulty(fault, "a } has no { before it", TEXT_NONE);
		if ((piece.mark == '[' && optional) || (piece.mark == ']' && !optional))
			return faulty(fault, "[ and ] do not match", TEXT_NONE);
		if (piece.mark == '[' || piece.mark == ']')
			optional = piece.mark == '[';
	}
	return optional ? faulty(fault, "[ and ] do not match", TEXT_NONE) : 0;
}

int wording_parse(enum message_kind message, enum channel channel, struct text file,
	struct wording *ret, char fault[WORDING_FAULT])
{
	const char *title = channels[channel].title;
	struct wording wording = { .body = file };

	if (!text_is_utf8(file))
		return faulty(fault, "it is not UTF-8", TEXT_NONE);
	if (title) {
		wording.title = text_cut(&wording.body, '\n');
		if (!text_starts(wording.title, text_of(title)))
			return faulty(fault, "it does not begin with", text_of(title));
		wording.title.at += strlen(title);
		wording.title.len -= strlen(title);
		wording.title = text_trim(wording.title);
		if (!wording.title.len)
			return faulty(fault, "nothing follows", text_of(title));
	}
	wording.body = text_trim(wording.body);
	if (!wording.body.len)
		return faulty(fault, "it has no text", TEXT_NONE);
	if ((title && text_check(message, channel, wording.title, fault)) ||
		text_check(message, channel, wording.body, fault))
		return E_CONFIG;
	*ret = wording;
	return 0;
}

/* Whether all values up to the next ']' are there. */
static bool part_holds(struct text rest, const json_t *params)
{
	while (rest.at) {
		struct piece piece = piece_next(&rest);

		if (piece.mark == ']')
			break;
		if (piece.mark == '{' && !is_there(params, piece.word))
			return false;
	}
	return true;
}

/* A full stop after a value that ends its own sentence would be one too many. */
static bool stops_twice(const struct buf *out, struct text plain)
{
	static const char *const ends[] = { ".", "!", "?", "…" };

	for (size_t i = 0; plain.len && plain.at[0] == '.' && i < COUNT_OF(ends); i++)
		if (out->len >= strlen(ends[i]) &&
			memcmp(out->at + out->len - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
			return true;
	return false;
}

void wording_fill(struct buf *out, struct text text, const json_t *params, enum channel channel)
{
	while (text.at) {
		struct piece piece = piece_next(&text);

		if (stops_twice(out, piece.plain))
			piece.plain = (struct text){ piece.plain.at + 1, piece.plain.len - 1 };
		buf_add_text(out, piece.plain);
		if (piece.mark == '{')
			add_value(out, params, piece.word, channel);
		else if (piece.mark == '[' && !part_holds(text, params))
			text_cut(&text, ']');
	}
}
