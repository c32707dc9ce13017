/* SPDX-License-Identifier: MIT
 *
 * How the total of a delivered order is divided between vendor, rider and platform (contract §2.3).
 * Amounts are in XAF, rates in basis points. The parts always sum exactly to the total.
 */
#ifndef REEYO_DOMAIN_SPLIT_H
#define REEYO_DOMAIN_SPLIT_H

#include <stdint.h>

#include "reeyo/domain/order.h"

/* The amounts of the order and the rates that applied when it was placed. */
struct split_terms {
	enum order_type type;
	int64_t subtotal, delivery_fee;
	int64_t total; /* what the customer pays: with the service fee, less the discount */
	int64_t commission_bps; /* of the subtotal; PACKAGE: of the total */
	int64_t rider_cut_bps;  /* of the delivery fee: the platform's part */
	int64_t waived_fee;     /* free delivery: the fee that the platform pays instead */
};

struct split {
	int64_t vendor, rider, platform; /* their sum is the total, paid out of escrow */
	int64_t commission;              /* adminCut: the commission in `platform` */
	int64_t subsidy;                 /* paid in addition by the platform to the rider */
};

struct split split_order(const struct split_terms *terms);

#endif
