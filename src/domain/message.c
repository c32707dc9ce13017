/* SPDX-License-Identifier: MIT
 *
 * Messages and their templates: see the header.
 */
#include "reeyo/domain/message.h"

#include <stdio.h>

static const struct message_spec {
	const char *name;
	unsigned channels;
	const char *words;
} message_specs[] = {
#define X(name, file, channels, words) { file, channels, words },
	REEYO_MESSAGES(X)
#undef X
};

/* Values of these are XAF: printed in groups of three digits. 0 counts as missing. */
static const char *const money_words[] = { "total", "amount", "fee", "netAmount", "refundAmount",
	"deliveryFee" };

/* Texts of an admin that are never cut; their length is checked on input. */
static const char *const uncut_words[] = { "title", "body" };

/* length_max: characters of a value that are printed (0: all); ellipsis replaces the rest. The SMS
 * alphabet has no "…": with it a text message would cost twice as much. */
static const struct {
	const char *name, *suffix, *title;
	size_t length_max;
	const char *ellipsis;
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
	return message_specs[message].name;
}

bool message_named(struct text name, enum message_kind *ret)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (text_is(name, text_of(message_specs[i].name))) {
			*ret = (enum message_kind)i;
			return true;
		}
	return false;
}

bool message_has_channel(enum message_kind message, enum channel channel)
{
	return message_specs[message].channels & 1u << channel;
}

unsigned message_channels(enum message_kind message)
{
	return message_specs[message].channels;
}

/* --- Values ----------------------------------------------------------------------------------- */

static json_t *param_find(const char *word, unsigned count, json_t *const sources[])
{
	for (unsigned i = 0; i < count; i++) {
		json_t *value = json_object_get(sources[i], word);

		if (value && !json_is_null(value))
			return value;
	}
	return NULL;
}

/* The next word of a message's list; *ret_star: its value was written by other people. */
static struct text word_spec_next(struct text *words, bool *ret_star)
{
	struct text word = text_cut(words, ' ');

	*ret_star = word.len && word.at[word.len - 1] == '*';
	word.len -= *ret_star;
	return word;
}

void message_params_strip_personal(enum message_kind message, json_t *params)
{
	struct text words = text_of(message_specs[message].words);
	char name[32];

	while (words.at) {
		bool star;
		struct text word = word_spec_next(&words, &star);

		snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(word));
		if (star)
			json_object_del(params, name);
	}
}

json_t *message_params(enum message_kind message, unsigned count, json_t *const sources[])
{
	json_t *params = json_object();
	struct text words = text_of(message_specs[message].words);
	char word[32];

	while (params && words.at) {
		bool star;
		struct text next = word_spec_next(&words, &star);
		json_t *value;

		snprintf(word, sizeof(word), "%.*s", TEXT_ARGS(next));
		value = param_find(word, count, sources);
		if (value && json_object_set(params, word, value)) {
			json_decref(params);
			return NULL;
		}
	}
	return params;
}

static bool word_is_one_of(struct text word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(word, text_of(words[i])))
			return true;
	return false;
}

static bool word_is_money(struct text word)
{
	return word_is_one_of(word, money_words, COUNT_OF(money_words));
}

static const json_t *param_get(const json_t *params, struct text word)
{
	char name[32];

	snprintf(name, sizeof(name), "%.*s", TEXT_ARGS(word));
	return json_object_get(params, name);
}

static bool param_is_present(const json_t *params, struct text word)
{
	const json_t *value = param_get(params, word);

	if (json_is_string(value))
		return json_string_length(value) > 0;
	return json_is_integer(value) && (json_integer_value(value) != 0 || !word_is_money(word));
}

/* 1250000 as "1 250 000". */
static void amount_add(struct buf *out, long long amount)
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

/* The number of bytes of the first length_max characters, or of the whole text. */
static size_t text_prefix_bytes(struct text text, size_t length_max)
{
	size_t at = 0;

	for (size_t seen = 0; at < text.len; at++)
		if (((unsigned char)text.at[at] & 0xc0) != 0x80 && seen++ == length_max)
			break;
	return at;
}

static void param_add_text(struct buf *out, struct text value, enum channel channel)
{
	size_t length_max = channels[channel].length_max;

	if (!length_max || text_prefix_bytes(value, length_max) == value.len)
		return buf_add_text(out, value);
	buf_add(out, value.at,
		text_prefix_bytes(
			value, length_max - text_length(text_of(channels[channel].ellipsis))));
	buf_add_string(out, channels[channel].ellipsis);
}

static void param_add(struct buf *out, const json_t *params, struct text word, enum channel channel)
{
	const json_t *value = param_get(params, word);

	if (json_is_string(value))
		param_add_text(out,
			(struct text){ json_string_value(value), json_string_length(value) },
			word_is_one_of(word, uncut_words, COUNT_OF(uncut_words)) ? CHANNEL_MAIL
										 : channel);
	else if (json_is_integer(value) && word_is_money(word))
		amount_add(out, json_integer_value(value));
	else if (json_is_integer(value))
		buf_add_int(out, json_integer_value(value));
}

/* --- Back-off --------------------------------------------------------------------------------- */

int64_t message_backoff_ms(unsigned tries, int64_t retry_after_s, unsigned permille)
{
	static const int64_t waits_s[MESSAGE_TRIES_MAX - 1] = { 5, 30, 120, 600, 1800, 3600, 5400 };
	size_t at = tries > COUNT_OF(waits_s) ? COUNT_OF(waits_s) - 1 : tries > 0 ? tries - 1 : 0;
	int64_t wait_ms = waits_s[at] * (800 + permille * 400 / 1000);

	if (retry_after_s > 3600)
		retry_after_s = 3600;
	return wait_ms > retry_after_s * 1000 ? wait_ms : retry_after_s * 1000 + permille;
}

/* --- Templates -------------------------------------------------------------------------------- */

/* A piece of a template: plain text up to a mark, and the mark ('{', '[', ']'; 0 at the end). word:
 * only after '{'. */
struct template_piece {
	struct text plain, word;
	char mark;
};

static struct template_piece template_piece_next(struct text *rest)
{
	size_t len = 0;
	struct template_piece piece;

	while (len < rest->len && !strchr("{}[]", rest->at[len]))
		len++;
	piece = (struct template_piece){ .plain = { rest->at, len },
		.mark = len < rest->len ? rest->at[len] : '\0' };
	*rest = piece.mark ? (struct text){ rest->at + len + 1, rest->len - len - 1 } : TEXT_NONE;
	if (piece.mark == '{')
		piece.word = text_cut(rest, '}');
	return piece;
}

static bool message_has_word(enum message_kind message, struct text word, bool *ret_star)
{
	struct text words = text_of(message_specs[message].words);

	while (words.at)
		if (text_is(word_spec_next(&words, ret_star), word))
			return true;
	return false;
}

static int template_refuse(char fault[TEMPLATE_FAULT], const char *why, struct text what)
{
	snprintf(fault, TEMPLATE_FAULT, "%s%s%.*s", why, what.len ? " " : "",
		what.len > 40 ? 40 : (int)what.len, what.at ? what.at : "");
	return E_CONFIG;
}

static int template_text_check(enum message_kind message, enum channel channel, struct text rest,
	char fault[TEMPLATE_FAULT])
{
	bool optional = false, star = false;

	while (rest.at) {
		struct template_piece piece = template_piece_next(&rest);

		if (piece.mark == '{' && !rest.at)
			return template_refuse(fault, "a { has no } after it:", piece.word);
		if (piece.mark == '{' && !message_has_word(message, piece.word, &star))
			return template_refuse(fault, "the message has no word", piece.word);
		if (piece.mark == '{' && star && !optional && channel != CHANNEL_PUSH)
			return template_refuse(fault,
				"must stand in [ and ] because it may be missing:", piece.word);
		if (piece.mark == '}')
			return template_refuse(fault, "a } has no { before it", TEXT_NONE);
		if ((piece.mark == '[' && optional) || (piece.mark == ']' && !optional))
			return template_refuse(fault, "[ and ] do not match", TEXT_NONE);
		if (piece.mark == '[' || piece.mark == ']')
			optional = piece.mark == '[';
	}
	return optional ? template_refuse(fault, "[ and ] do not match", TEXT_NONE) : 0;
}

int template_parse(enum message_kind message, enum channel channel, struct text file,
	struct message_template *ret, char fault[TEMPLATE_FAULT])
{
	const char *title = channels[channel].title;
	struct message_template message_template = { .body = file };

	if (!text_is_utf8(file))
		return template_refuse(fault, "it is not UTF-8", TEXT_NONE);
	if (title) {
		message_template.title = text_cut(&message_template.body, '\n');
		if (!text_starts(message_template.title, text_of(title)))
			return template_refuse(fault, "it does not begin with", text_of(title));
		message_template.title.at += strlen(title);
		message_template.title.len -= strlen(title);
		message_template.title = text_trim(message_template.title);
		if (!message_template.title.len)
			return template_refuse(fault, "there is no text after", text_of(title));
	}
	message_template.body = text_trim(message_template.body);
	if (!message_template.body.len)
		return template_refuse(fault, "it has no text", TEXT_NONE);
	if ((title && template_text_check(message, channel, message_template.title, fault)) ||
		template_text_check(message, channel, message_template.body, fault))
		return E_CONFIG;
	*ret = message_template;
	return 0;
}

/* Whether all values up to the next ']' are present. */
static bool optional_part_is_complete(struct text rest, const json_t *params)
{
	while (rest.at) {
		struct template_piece piece = template_piece_next(&rest);

		if (piece.mark == ']')
			break;
		if (piece.mark == '{' && !param_is_present(params, piece.word))
			return false;
	}
	return true;
}

/* True when plain starts with a full stop, and the text before it already ends a sentence. */
static bool full_stop_is_double(const struct buf *out, struct text plain)
{
	static const char *const ends[] = { ".", "!", "?", "…" };

	for (size_t i = 0; plain.len && plain.at[0] == '.' && i < COUNT_OF(ends); i++)
		if (out->len >= strlen(ends[i]) &&
			memcmp(out->at + out->len - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
			return true;
	return false;
}

void template_fill(struct buf *out, struct text text, const json_t *params, enum channel channel)
{
	while (text.at) {
		struct template_piece piece = template_piece_next(&text);

		if (full_stop_is_double(out, piece.plain))
			piece.plain = (struct text){ piece.plain.at + 1, piece.plain.len - 1 };
		buf_add_text(out, piece.plain);
		if (piece.mark == '{')
			param_add(out, params, piece.word, channel);
		else if (piece.mark == '[' && !optional_part_is_complete(text, params))
			text_cut(&text, ']');
	}
}
