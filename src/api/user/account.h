/* SPDX-License-Identifier: MIT
 *
 * The customer's account as its routes share it.
 */
#ifndef REEYO_API_USER_ACCOUNT_H
#define REEYO_API_USER_ACCOUNT_H

#include "reeyo/http/request.h"

extern const struct field user_fields[];    /* User, as replies show it */
extern const struct field address_fields[]; /* Address, as replies show it */

#define CODE_LENGTH 6
#define CODE_LIFE_S "600"

/* A name from firstName and lastName, or from name, split at its first space. False when it has replied. */
bool name_take(struct request *rq, bool required, const char **ret_first, const char **ret_last);

/* Makes a one-time code for a phone: digits into code, its stored form into hash. */
void phone_code_new(struct request *rq, const char *account, char code[CODE_LENGTH + 1], char hash[65]);
void phone_code_send(struct request *rq, const char *phone, const char *code);

/* After a committed change: drops `user:{id}`, then replies with the User (finished JSON) it has become. */
void account_reply(struct request *rq, struct text user);
/* The error of a failed write, with the words for a taken phone or e-mail. */
void account_fail(struct request *rq, const struct db_result *result);

#endif
