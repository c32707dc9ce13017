/* SPDX-License-Identifier: MIT
 *
 * E-mail, written to the log for developers. It carries reset codes, so production logs only that a message
 * was not sent.
 */
#include "reeyo/partners/mail.h"

#include <string.h>

#include "reeyo/core/log.h"

void mail_send(const struct config *config, const char *to, const char *subject, const char *text)
{
	const char *domain = strchr(to, '@'); /* whose mailbox it is stays out of the log */

	if (strcmp(config->environment, "production") == 0)
		log_line(LOG_WARN, "e-mail not sent: no provider", LOG_T("subject", subject));
	else
		log_line(LOG_INFO, "e-mail", LOG_T("to", domain ? domain : ""),
			LOG_T("subject", subject), LOG_T("text", text));
}
