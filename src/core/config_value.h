/* SPDX-License-Identifier: MIT
 *
 * The parts of reading a configuration: one value, one file, and the check of the whole.
 */
#ifndef REEYO_SRC_CORE_CONFIG_VALUE_H
#define REEYO_SRC_CORE_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"

/* "250", "30s", "8k", in the kind's smallest unit. A duration needs its unit, except 0. */
bool config_number(enum config_kind kind, const char *text, int64_t *ret);
/* 1 for on, true, yes, 1; 0 for off, false, no, 0; else -1. */
int config_bool(const char *text);
/* What a value of the kind looks like, for messages. */
const char *config_wants(enum config_kind kind);

/* Whether a text may be the value of the key; ret_wants says what would be right when it may not.
 * Keys that are not a choice of words take any text. */
bool config_words(const char *key, const char *value, const char **ret_wants);

/* Calls line for each `key = value` of a file, with the section before the key ("listen.user") and
 * where as "FILE, line 12". Returns 0, E_CONFIG after one line on stderr, or what line returned. */
int config_file_read(const char *path,
	int (*line)(void *user, const char *where, struct text key, const char *value), void *user)
	MUST_CHECK;
/* The content of a file that holds a secret, without its last line end. 0, or E_CONFIG after one
 * line on stderr. */
int config_secret_read(const char *path, char *out, size_t size) MUST_CHECK;
/* What no single value can tell. 0, or E_CONFIG after one line on stderr. */
int config_check(const struct config *config) MUST_CHECK;

#endif
