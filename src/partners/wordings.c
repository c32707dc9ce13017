/* SPDX-License-Identifier: MIT
 *
 * Wordings: see the header. A slip of somebody who writes texts must be found at start and not when
 * the message is due, so all of it is looked at: files that name nothing too.
 */
#include "reeyo/partners/wordings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "embedded.h"

#define FILE_MAX 16384
#define NAME_ROOM 64

struct wordings {
	struct wording texts[MESSAGES][CHANNELS][LANGUAGES];
	char *files[MESSAGES][CHANNELS][LANGUAGES]; /* read from messages_dir; NULL: built in */
};

struct place {
	enum message_kind message;
	enum channel channel;
	enum language language;
};

static int refuse(const char *file, const char *why)
{
	fprintf(stderr, "reeyo: %s: %s\n", file, why);
	return E_CONFIG;
}

/* "order_accepted.sms": the message and the channel. */
static bool place_named(const char *name, struct place *ret)
{
	const char *dot = strrchr(name, '.');

	if (!dot || !message_named((struct text){ name, (size_t)(dot - name) }, &ret->message))
		return false;
	return channel_named(text_of(dot + 1), &ret->channel) &&
		strcmp(dot + 1, channel_suffix(ret->channel)) == 0 &&
		message_goes_by(ret->message, ret->channel);
}

static int wording_put(struct wordings *wordings, struct place at,
	const char *file, const char *text)
{
	char fault[WORDING_FAULT];
	int error = wording_parse(at.message, at.channel, text_of(text),
		&wordings->texts[at.message][at.channel][at.language], fault);

	return error ? refuse(file, fault) : 0;
}

/* --- Built in --------------------------------------------------------------------------------- */

static int built_in(struct wordings *wordings)
{
	int error = 0;

	for (const struct embedded_text *file = embedded_messages; file->name && !error; file++) {
		struct place at = { .language = language_named((struct text){ file->name, 2 }) };

		if (!place_named(file->name + 3, &at))
			return refuse(file->name, "there is no such message");
		error = wording_put(wordings, at, file->name, file->text);
	}
	return error;
}

static int complete(const struct wordings *wordings)
{
	char name[NAME_ROOM];

	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned l = 0; l < LANGUAGES; l++) {
				if (!message_goes_by(m, c) || wordings->texts[m][c][l].body.at)
					continue;
				snprintf(name, sizeof(name), "%s/%s.%s", language_name(l),
					message_name(m), channel_suffix(c));
				return refuse(name, "this wording is missing");
			}
	return 0;
}

/* --- A folder's ------------------------------------------------------------------------------- */

static int file_read(const char *path, char **ret)
{
	char *text auto_free = malloc(FILE_MAX + 1);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (!text || file < 0) {
		if (file >= 0)
			close(file);
		return text ? refuse(path, strerror(errno)) : E_NO_MEMORY;
	}
	while (got > 0 && len < FILE_MAX) {
		got = read(file, text + len, FILE_MAX - len);
		len += got > 0 ? (size_t)got : 0;
	}
	close(file);
	if (got != 0)
		return refuse(path, got < 0 ? "it cannot be read" : "it is larger than 16 KB");
	text[len] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

static int file_take(struct wordings *wordings, const char *folder,
	const char *name, enum language language)
{
	struct place at = { .language = language };
	char path[4096], **kept;
	int error;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!place_named(name, &at))
		return refuse(path, "there is no such message");
	kept = &wordings->files[at.message][at.channel][at.language];
	error = file_read(path, kept);
	return error ? error : wording_put(wordings, at, path, *kept);
}

/* Files whose name begins with a dot, and what editors leave (ending in ~), are nobody's. */
static int folder_take(struct wordings *wordings, const char *dir, enum language language)
{
	struct dirent *entry;
	char folder[2048];
	int error = 0;
	DIR *open;

	snprintf(folder, sizeof(folder), "%s/%s", dir, language_name(language));
	open = opendir(folder);
	if (!open)
		return refuse(folder, strerror(errno));
	while (!error && (entry = readdir(open))) {
		const char *name = entry->d_name;

		if (name[0] != '.' && name[strlen(name) - 1] != '~')
			error = file_take(wordings, folder, name, language);
	}
	closedir(open);
	return error;
}

/* A message worded anew in one language only would say two different things. */
static int both_languages(const struct wordings *wordings, const char *dir)
{
	char name[2048];

	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++) {
			char *const *files = wordings->files[m][c];

			if (!files[LANGUAGE_EN] == !files[LANGUAGE_FR])
				continue;
			snprintf(name, sizeof(name), "%s/%s/%s.%s", dir,
				language_name(files[LANGUAGE_EN] ? LANGUAGE_FR : LANGUAGE_EN),
				message_name(m), channel_suffix(c));
			return refuse(name, "this wording is missing: the other language has one");
		}
	return 0;
}

/* --- The whole -------------------------------------------------------------------------------- */

int wordings_new(const char *dir, struct wordings **ret)
{
	struct wordings *wordings = calloc(1, sizeof(*wordings));
	int error = wordings ? built_in(wordings) : E_NO_MEMORY;

	if (!error)
		error = complete(wordings);
	for (unsigned l = 0; dir[0] && l < LANGUAGES && !error; l++)
		error = folder_take(wordings, dir, (enum language)l);
	if (!error && dir[0])
		error = both_languages(wordings, dir);
	if (error) {
		wordings_free(wordings);
		return error;
	}
	*ret = wordings;
	return 0;
}

void wordings_free(struct wordings *wordings)
{
	if (!wordings)
		return;
	for (unsigned m = 0; m < MESSAGES; m++)
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned l = 0; l < LANGUAGES; l++)
				free(wordings->files[m][c][l]);
	free(wordings);
}

static const char *fill(struct arena *arena, struct text text,
	const json_t *params, enum channel channel)
{
	struct buf out = buf_in(arena, text.len + 64);

	wording_fill(&out, text, params, channel);
	return buf_string(&out);
}

int wordings_say(const struct wordings *wordings, struct arena *arena, enum message_kind message,
	enum channel channel, enum language language, const json_t *params, struct said *ret)
{
	const struct wording *wording = &wordings->texts[message][channel][language];
	struct said said = { NULL, NULL };

	if (!wording->body.at)
		return E_NOT_FOUND;
	said.body = fill(arena, wording->body, params, channel);
	if (wording->title.at)
		said.title = fill(arena, wording->title, params, channel);
	if (!said.body || (wording->title.at && !said.title))
		return E_NO_MEMORY;
	*ret = said;
	return 0;
}
