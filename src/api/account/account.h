/* SPDX-License-Identifier: MIT
 *
 * Declarations shared by the files of this folder.
 */
#ifndef REEYO_API_ACCOUNT_ACCOUNT_H
#define REEYO_API_ACCOUNT_ACCOUNT_H

#include "reeyo/api/account.h"
#include "reeyo/db/queries/identity.h"

#define CODE_LENGTH 6
#define CODE_LIFE_S 600

/* Creates a one-time code for an account: writes its digits to code and its stored form to hash. */
void code_new(struct request *rq, const char *account, char code[CODE_LENGTH + 1],
	char hash[CODE_HASH_SIZE]);
/* Sends a code by SMS, to vendors also by e-mail. email may be NULL. */
void code_send(struct request *rq, const char *phone, const char *email, const char *code);

#endif
