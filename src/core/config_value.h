/* SPDX-License-Identifier: MIT
 *
 * Parts of reading a configuration: one value, one file, and the check of the whole.
 */
#ifndef REEYO_SRC_CORE_CONFIG_VALUE_H
#define REEYO_SRC_CORE_CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"

/* Reads "250", "30s" or "8k" in the smallest unit of the kind. A duration needs a unit, except 0.
 */
bool config_number(enum config_kind kind, const char *text, int64_t *ret);
/* 1 for on, true, yes, 1; 0 for off, false, no, 0; else -1. */
int config_bool(const char *text);
/* Describes the valid values of the kind, for error messages. */
const char *config_expected(enum config_kind kind);

/* True when the text is a valid value of the key. Keys without a list of allowed words accept any
 * text. *ret_wants: the allowed words, for error messages. */
bool config_choice_valid(const char *key, const char *value, const char **ret_wants);

/* Calls line for each `key = value` of a file, with the section before the key ("listen.user") and
 * where as "FILE, line 12". Returns 0, E_CONFIG after one line on stderr, or what line returned. */
int config_file_read(const char *path,
	int (*line)(void *user, const char *where, struct text key, const char *value),
	void *user) MUST_CHECK;
/* Reads a file that contains a secret, without the final line end. 0, or E_CONFIG after one line on
 * stderr. */
int config_secret_read(const char *path, char *out, size_t size) MUST_CHECK;
/* Checks values that depend on each other. 0, or E_CONFIG after one line on stderr. */
int config_check(const struct config *config) MUST_CHECK;

#endif
