/* SPDX-License-Identifier: MIT
 *
 * Configuration files: `key = value` lines, [section] lines before the keys of the section, and
 * comments (# or ;) on lines of their own, so that a value may contain these marks. Lines may have
 * any length; nothing is truncated silently.
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

static int config_file_refuse(const struct reading *reading, const char *why)
{
	fprintf(stderr, "reeyo: %s: %s\n", reading->where, why);
	return E_CONFIG;
}

static int config_section_read(struct reading *reading, struct text line)
{
	struct text name = text_trim((struct text){ line.at + 1, line.len - 2 });

	if (line.len < 3 || line.at[line.len - 1] != ']' || name.len >= sizeof(reading->section))
		return config_file_refuse(reading, "write [section]");
	snprintf(reading->section, sizeof(reading->section), "%.*s", TEXT_ARGS(name));
	return 0;
}

static int config_pair_read(struct reading *reading, struct text line)
{
	struct text rest = line, name = text_trim(text_cut(&rest, '='));
	char *value auto_free = NULL;
	char key[160];
	int len;

	if (!rest.at || !name.len)
		return config_file_refuse(reading, "write key = value");
	rest = text_trim(rest);
	len = snprintf(key, sizeof(key), "%s%s%.*s", reading->section,
		reading->section[0] ? "." : "", TEXT_ARGS(name));
	if (len < 0 || (size_t)len >= sizeof(key))
		return config_file_refuse(reading, "the key is too long");
	value = strndup(rest.at, rest.len);
	if (!value)
		return E_NO_MEMORY;
	return reading->line(
		reading->user, reading->where, (struct text){ key, (size_t)len }, value);
}

static int config_line_read(struct reading *reading, struct text line)
{
	line = text_trim(line);
	if (!line.len || line.at[0] == '#' || line.at[0] == ';')
		return 0;
	return line.at[0] == '[' ? config_section_read(reading, line)
				 : config_pair_read(reading, line);
}

static int config_file_unreadable(const char *path)
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
		return config_file_unreadable(path);
	for (unsigned number = 1; !error && (len = getline(&text, &room, file)) >= 0; number++) {
		size_t mark = number == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

		snprintf(reading.where, sizeof(reading.where), "%.480s, line %u", path, number);
		error = config_line_read(
			&reading, (struct text){ text + mark, (size_t)len - mark });
	}
	if (!error && ferror(file))
		error = config_file_unreadable(path);
	fclose(file);
	return error;
}

int config_secret_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size);

	if (len < 0)
		config_file_unreadable(path);
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
