/* SPDX-License-Identifier: MIT
 *
 * Configuration files: `key = value` lines, [sections] that stand before their keys, and comments
 * on lines of their own (# or ;), so that a value may hold either mark. Lines may be as long as a
 * list of origins or keys needs; nothing is cut silently.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "config_value.h"
#include "reeyo/core/memory.h"

struct reading {
	char where[512];
	char section[64];
	int (*line)(void *user, const char *where, struct text key, const char *value);
	void *user;
};

static int refuse(const struct reading *reading, const char *why)
{
	fprintf(stderr, "reeyo: %s: %s\n", reading->where, why);
	return E_CONFIG;
}

static int section_read(struct reading *reading, struct text line)
{
	struct text name = text_trim((struct text){ line.at + 1, line.len - 2 });

	if (line.len < 3 || line.at[line.len - 1] != ']' || name.len >= sizeof(reading->section))
		return refuse(reading, "write [section]");
	snprintf(reading->section, sizeof(reading->section), "%.*s", TEXT_ARGS(name));
	return 0;
}

static int pair_read(struct reading *reading, struct text line)
{
	struct text rest = line, name = text_trim(text_cut(&rest, '='));
	char *value auto_free = NULL;
	char key[160];
	int len;

	if (!rest.at || !name.len)
		return refuse(reading, "write key = value");
	rest = text_trim(rest);
	len = snprintf(key, sizeof(key), "%s%s%.*s", reading->section,
		reading->section[0] ? "." : "", TEXT_ARGS(name));
	if (len < 0 || (size_t)len >= sizeof(key))
		return refuse(reading, "the key is too long");
	value = strndup(rest.at, rest.len);
	if (!value)
		return E_NO_MEMORY;
	return reading->line(reading->user, reading->where, (struct text){ key, (size_t)len },
		value);
}

static int line_read(struct reading *reading, struct text line)
{
	line = text_trim(line);
	if (!line.len || line.at[0] == '#' || line.at[0] == ';')
		return 0;
	return line.at[0] == '[' ? section_read(reading, line) : pair_read(reading, line);
}

static int cannot_read(const char *path)
{
	fprintf(stderr, "reeyo: cannot read %s: %s\n", path, strerror(errno));
	return E_CONFIG;
}

int config_file_read(const char *path,
	int (*line)(void *user, const char *where, struct text key, const char *value), void *user)
{
	struct reading reading = { .line = line, .user = user };
	FILE *file = fopen(path, "re");
	char *text auto_free = NULL;
	size_t room = 0;
	ssize_t len;
	int error = 0;

	if (!file)
		return cannot_read(path);
	for (unsigned number = 1; !error && (len = getline(&text, &room, file)) >= 0; number++) {
		size_t mark = number == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

		snprintf(reading.where, sizeof(reading.where), "%.480s, line %u", path, number);
		error = line_read(&reading, (struct text){ text + mark, (size_t)len - mark });
	}
	if (!error && ferror(file))
		error = cannot_read(path);
	fclose(file);
	return error;
}

int config_secret_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size);

	if (len < 0)
		cannot_read(path);
	if (fd >= 0)
		close(fd);
	if (len < 0)
		return E_CONFIG;
	if ((size_t)len == size) {
		fprintf(stderr, "reeyo: %s is too long for one value\n", path);
		return E_CONFIG;
	}
	while (len && (out[len - 1] == '\n' || out[len - 1] == '\r'))
		len--;
	out[len] = '\0';
	return 0;
}
