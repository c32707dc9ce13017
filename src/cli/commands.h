/* SPDX-License-Identifier: MIT
 *
 * The commands that have a file of their own.
 */
#ifndef REEYO_SRC_CLI_COMMANDS_H
#define REEYO_SRC_CLI_COMMANDS_H

#include "reeyo/core/config.h"

/* A command. argv: its argc arguments that are not configuration flags. Returns 0 or an error after
 * a line on stderr. */
int run_check(const struct config *config, int argc, char **argv);
int run_admin(const struct config *config, int argc, char **argv);
int run_routes(const struct config *config, int argc, char **argv);
int run_openapi(const struct config *config, int argc, char **argv);

#endif
