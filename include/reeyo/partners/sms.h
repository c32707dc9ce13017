/* SPDX-License-Identifier: MIT
 *
 * Text messages out. `log` writes them to the log (development); a provider comes with its issue.
 */
#ifndef REEYO_PARTNERS_SMS_H
#define REEYO_PARTNERS_SMS_H

#include "reeyo/core/config.h"
#include "reeyo/loop/loop.h"

struct sms;
int sms_new(struct loop *loop, const struct config *config, struct sms **ret) MUST_CHECK;
void sms_free(struct sms *sms);
/* Queues a message; a failure is logged and counted, never the caller's. to: +237#########. */
void sms_send(struct sms *sms, const char *to, const char *text);

#endif
