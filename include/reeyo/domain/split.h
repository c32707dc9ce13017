/* SPDX-License-Identifier: MIT
 *
 * Who gets what of a delivered order (contract §2.3). The parts always sum to the total, to the
 * franc.
 */
#ifndef REEYO_DOMAIN_SPLIT_H
#define REEYO_DOMAIN_SPLIT_H

#include <stdint.h>

#include "reeyo/domain/order.h"

/* What a split is made of: the order's money and the rates that held when it was placed. */
struct split_terms {
	enum order_type type;
	int64_t subtotal, delivery_fee,
		service_fee;    /* total is their sum; a PACKAGE has only delivery_fee */
	int64_t commission_bps; /* of the subtotal; PACKAGE: of the total */
	int64_t rider_cut_bps;  /* of the delivery fee, to the platform */
	int64_t waived_fee;     /* free delivery: the fee the platform pays the rider */
};

struct split {
	int64_t vendor, rider, platform; /* sum: the total, out of escrow */
	int64_t commission;              /* adminCut: the part of `platform` that is commission */
	int64_t subsidy;                 /* besides, from the platform to the rider */
};

struct split split_order(const struct split_terms *terms);

#endif
