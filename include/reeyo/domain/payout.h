/* SPDX-License-Identifier: MIT
 *
 * Pay-outs in the words that rows and replies have for them; lists that end with NULL.
 */
#ifndef REEYO_DOMAIN_PAYOUT_H
#define REEYO_DOMAIN_PAYOUT_H

extern const char *const payout_status_words[];
extern const char *const payout_method_words[];

#endif
