/* SPDX-License-Identifier: MIT
 *
 * Templates: see the header. A mistake in a template must be found at start and not when the
 * message is sent, so every file is checked, also one whose name is unknown.
 */
#include "reeyo/partners/templates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "embedded.h"

#define FILE_MAX 16384
#define NAME_ROOM 64

struct templates {
	struct message_template texts[MESSAGES][CHANNELS][LANGUAGES];
	char *files[MESSAGES][CHANNELS][LANGUAGES]; /* read from messages_dir; NULL: built in */
};

struct template_key {
	enum message_kind message;
	enum channel channel;
	enum language language;
};

static int templates_refuse(const char *file, const char *why)
{
	fprintf(stderr, "reeyo: %s: %s\n", file, why);
	return E_CONFIG;
}

/* "order_accepted.sms": the message and the channel. */
static bool template_key_parse(const char *name, struct template_key *ret)
{
	const char *dot = strrchr(name, '.');

	if (!dot || !message_named((struct text){ name, (size_t)(dot - name) }, &ret->message))
		return false;
	return channel_named(text_of(dot + 1), &ret->channel) &&
		strcmp(dot + 1, channel_suffix(ret->channel)) == 0 &&
		message_has_channel(ret->message, ret->channel);
}

static int templates_set(
	struct templates *templates, struct template_key at, const char *file, const char *text)
{
	char fault[TEMPLATE_FAULT];
	int error = template_parse(at.message, at.channel, text_of(text),
		&templates->texts[at.message][at.channel][at.language], fault);

	return error ? templates_refuse(file, fault) : 0;
}

/* --- Built in --------------------------------------------------------------------------------- */

static int templates_load_built_in(struct templates *templates)
{
	int error = 0;

	for (const struct embedded_text *file = embedded_messages; file->name && !error; file++) {
		struct template_key at = { .language = language_named(
						   (struct text){ file->name, 2 }) };

		if (!template_key_parse(file->name + 3, &at))
			return templates_refuse(file->name, "there is no such message");
		error = templates_set(templates, at, file->name, file->text);
	}
	return error;
}

static int templates_check_complete(const struct templates *templates)
{
	char name[NAME_ROOM];

	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned l = 0; l < LANGUAGES; l++) {
				if (!message_has_channel(m, c) || templates->texts[m][c][l].body.at)
					continue;
				snprintf(name, sizeof(name), "%s/%s.%s", language_name(l),
					message_name(m), channel_suffix(c));
				return templates_refuse(name, "this template is missing");
			}
	return 0;
}

/* --- From a folder ---------------------------------------------------------------------------- */

static int template_file_read(const char *path, char **ret)
{
	char *text auto_free = malloc(FILE_MAX + 1);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (!text || file < 0) {
		if (file >= 0)
			close(file);
		return text ? templates_refuse(path, strerror(errno)) : E_NO_MEMORY;
	}
	while (got > 0 && len < FILE_MAX) {
		got = read(file, text + len, FILE_MAX - len);
		len += got > 0 ? (size_t)got : 0;
	}
	close(file);
	if (got != 0)
		return templates_refuse(
			path, got < 0 ? "it cannot be read" : "it is larger than 16 KB");
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

static int templates_load_file(
	struct templates *templates, const char *folder, const char *name, enum language language)
{
	struct template_key at = { .language = language };
	char path[4096], **kept;
	int error;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!template_key_parse(name, &at))
		return templates_refuse(path, "there is no such message");
	kept = &templates->files[at.message][at.channel][at.language];
	error = template_file_read(path, kept);
	return error ? error : templates_set(templates, at, path, *kept);
}

/* Files whose name begins with a dot, and backups of editors (ending in ~), are ignored. */
static int templates_load_folder(
	struct templates *templates, const char *dir, enum language language)
{
	struct dirent *entry;
	char folder[2048];
	int error = 0;
	DIR *open;

	snprintf(folder, sizeof(folder), "%s/%s", dir, language_name(language));
	open = opendir(folder);
	if (!open)
		return templates_refuse(folder, strerror(errno));
	while (!error && (entry = readdir(open))) {
		const char *name = entry->d_name;

		if (name[0] != '.' && name[strlen(name) - 1] != '~')
			error = templates_load_file(templates, folder, name, language);
	}
	closedir(open);
	return error;
}

/* With one language replaced and the other built in, the two could have different meanings. */
static int templates_check_languages(const struct templates *templates, const char *dir)
{
	char name[2048];

	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++) {
			char *const *files = templates->files[m][c];

			if (!files[LANGUAGE_EN] == !files[LANGUAGE_FR])
				continue;
			snprintf(name, sizeof(name), "%s/%s/%s.%s", dir,
				language_name(files[LANGUAGE_EN] ? LANGUAGE_FR : LANGUAGE_EN),
				message_name(m), channel_suffix(c));
			return templates_refuse(
				name, "this template is missing: the other language has one");
		}
	return 0;
}

/* --- Life and rendering ----------------------------------------------------------------------- */

int templates_new(const char *dir, struct templates **ret)
{
	struct templates *templates = calloc(1, sizeof(*templates));
	int error = templates ? templates_load_built_in(templates) : E_NO_MEMORY;

	if (!error)
		error = templates_check_complete(templates);
	for (unsigned l = 0; dir[0] && l < LANGUAGES && !error; l++)
		error = templates_load_folder(templates, dir, (enum language)l);
	if (!error && dir[0])
		error = templates_check_languages(templates, dir);
	if (error) {
		templates_free(templates);
		return error;
	}
	*ret = templates;
	return 0;
}

void templates_free(struct templates *templates)
{
	if (!templates)
		return;
	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned l = 0; l < LANGUAGES; l++)
				free(templates->files[m][c][l]);
	free(templates);
}

static const char *template_text_fill(
	struct arena *arena, struct text text, const json_t *params, enum channel channel)
{
	struct buf out = buf_in(arena, text.len + 64);

	template_fill(&out, text, params, channel);
	return buf_string(&out);
}

int templates_render(const struct templates *templates, struct arena *arena,
	enum message_kind message, enum channel channel, enum language language,
	const json_t *params, struct rendered *ret)
{
	const struct message_template *message_template =
		&templates->texts[message][channel][language];
	struct rendered rendered = { NULL, NULL };

	if (!message_template->body.at)
		return E_NOT_FOUND;
	rendered.body = template_text_fill(arena, message_template->body, params, channel);
	if (message_template->title.at)
		rendered.title = template_text_fill(
			arena, message_template->title, params, channel);
	if (!rendered.body || (message_template->title.at && !rendered.title))
		return E_NO_MEMORY;
	*ret = rendered;
	return 0;
}
