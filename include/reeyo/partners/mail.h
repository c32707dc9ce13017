/* SPDX-License-Identifier: MIT
 *
 * E-mail out. Written to the log in development; a provider comes with its issue.
 */
#ifndef REEYO_PARTNERS_MAIL_H
#define REEYO_PARTNERS_MAIL_H

#include "reeyo/core/config.h"

/* Hands a message over; a failure is logged, never the caller's. Any thread. */
void mail_send(const struct config *config, const char *to, const char *subject, const char *text);

#endif
