/* SPDX-License-Identifier: MIT
 *
 * Text messages, written to the log for developers. They carry one-time codes, so in production the log says
 * only that a message was not sent; a provider is another `sms` word, with its own issue.
 */
#include "reeyo/partners/sms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/log.h"

struct sms {
	bool logs, shows_text;
};

int sms_new(struct loop *loop, const struct config *config, struct sms **ret)
{
	bool production = strcmp(config->environment, "production") == 0;
	bool logs = strcmp(config->sms, "log") == 0;
	struct sms *sms;

	if (!logs && strcmp(config->sms, "off") != 0) {
		log_line(LOG_ERROR, "sms: log or off", LOG_T("is", config->sms));
		return E_CONFIG;
	}
	sms = calloc(1, sizeof(*sms));
	if (!sms)
		return E_NO_MEMORY;
	sms->logs = logs;
	sms->shows_text = logs && !production;
	if (production && loop_index(loop) == 0)
		log_line(LOG_WARN, "no SMS provider: customers get no codes");
	*ret = sms;
	return 0;
}

void sms_free(struct sms *sms)
{
	free(sms);
}

void sms_send(struct sms *sms, const char *to, const char *text)
{
	size_t len = strlen(to);
	char masked[24];

	if (!sms->logs)
		return;
	/* The last two digits tell two test phones apart and nobody's number. */
	snprintf(masked, sizeof(masked), "…%s", len > 2 ? to + len - 2 : "");
	if (sms->shows_text)
		log_line(LOG_INFO, "sms", LOG_T("to", masked), LOG_T("text", text));
	else
		log_line(LOG_WARN, "sms not sent: no provider", LOG_T("to", masked));
}
