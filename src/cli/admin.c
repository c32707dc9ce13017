/* SPDX-License-Identifier: MIT
 *
 * `reeyo admin`: creates an admin or sets the password of one.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "commands.h"
#include "reeyo/auth/admin_create.h"

/* Reads a line of standard input; a terminal does not show it. */
static bool password_read(char *out, int size)
{
	struct termios shown, hidden;
	bool typed = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
	bool read;

	if (typed) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fputs("Password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	read = fgets(out, size, stdin) != NULL;
	if (typed) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (read)
		out[strcspn(out, "\r\n")] = '\0';
	return read;
}

/* argv: pairs of a name and its value, see command_flags_strip. */
int run_admin(const struct config *config, int argc, char **argv)
{
	struct admin_account admin = { .email = config->super_admin_email,
		.password = config->super_admin_password };
	char typed[256];
	bool changed;
	int error;

	for (int i = 0; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "email") == 0)
			admin.email = argv[i + 1];
		else if (strcmp(argv[i], "name") == 0)
			admin.name = argv[i + 1];
		else if (strcmp(argv[i], "role") == 0)
			admin.role = argv[i + 1];
		else
			argc = -1;
	}
	if (argc < 0 || argc % 2 || !admin.email[0]) {
		fprintf(stderr,
			"usage: reeyo admin --email E [--name N] [--role ADMIN|SUPER_ADMIN]\n");
		return E_CONFIG;
	}
	if (!admin.password[0]) {
		if (!password_read(typed, sizeof(typed))) {
			fprintf(stderr,
				"reeyo admin reads the password from "
				"REEYO_SUPER_ADMIN_PASSWORD or standard input\n");
			return E_CONFIG;
		}
		admin.password = typed;
	}
	error = admin_create(config, &admin, &changed);
	sodium_memzero(typed, sizeof(typed));
	if (!error)
		printf("%s %s\n", admin.email,
			changed ? "has the new password" : "was created as admin");
	return error;
}
