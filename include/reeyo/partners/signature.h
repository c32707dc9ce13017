/* SPDX-License-Identifier: MIT
 *
 * Signatures of webhooks in the form of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 of
 * "id.timestamp.body".
 */
#ifndef REEYO_PARTNERS_SIGNATURE_H
#define REEYO_PARTNERS_SIGNATURE_H

#include <stdint.h>

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

/* "whsec_" and 32 random bytes in base64. Any thread. */
#define WEBHOOK_SECRET_SIZE 52
void webhook_secret_new(char out[WEBHOOK_SECRET_SIZE]);

/* "v1," and the signature in base64, as in the header webhook-signature. E_CONFIG when the secret
 * is not "whsec_" and base64 of 24 to 64 bytes. Any thread. */
#define WEBHOOK_SIGNATURE_SIZE 48
int webhook_sign(const char *secret, const char *id, int64_t timestamp_s, struct text body,
	char ret[WEBHOOK_SIGNATURE_SIZE]) MUST_CHECK;

#endif
