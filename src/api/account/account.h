/* SPDX-License-Identifier: MIT
 *
 * What the files of accounts share.
 */
#ifndef REEYO_API_ACCOUNT_ACCOUNT_H
#define REEYO_API_ACCOUNT_ACCOUNT_H

#include "reeyo/api/account.h"

#define CODE_LENGTH 6
#define CODE_LIFE_S "600"

/* Makes a one-time code of an account: digits into code, its stored form into hash. */
void code_new(struct request *rq, const char *account, char code[CODE_LENGTH + 1],
	char hash[CODE_HASH_SIZE]);
/* By SMS, to vendors by e-mail too. email may be NULL. */
void code_send(struct request *rq, const char *phone, const char *email, const char *code);

#endif
