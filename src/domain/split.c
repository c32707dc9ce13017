/* SPDX-License-Identifier: MIT
 *
 * The last part is the remainder of the others, so that rounding loses nothing.
 */
#include "reeyo/domain/split.h"

#include "reeyo/domain/money.h"

struct split split_order(const struct split_terms *terms)
{
	struct split split = { 0 };
	int64_t cut;

	if (terms->type == PACKAGE) {
		split.commission = money_share(terms->total, terms->commission_bps);
		split.platform = split.commission;
		split.rider = terms->total - split.commission;
		return split;
	}
	cut = money_share(terms->delivery_fee, terms->rider_cut_bps);
	split.commission = money_share(terms->subtotal, terms->commission_bps);
	split.vendor = terms->subtotal - split.commission;
	split.rider = terms->delivery_fee - cut;
	split.platform = terms->total - split.vendor - split.rider;
	split.subsidy = terms->waived_fee - money_share(terms->waived_fee, terms->rider_cut_bps);
	return split;
}
