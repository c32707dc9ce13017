/* SPDX-License-Identifier: MIT
 *
 * States and methods of pay-outs, as in rows and replies. The lists end with NULL.
 */
#ifndef REEYO_DOMAIN_PAYOUT_H
#define REEYO_DOMAIN_PAYOUT_H

extern const char *const payout_status_words[];
extern const char *const payout_method_words[];

#endif
