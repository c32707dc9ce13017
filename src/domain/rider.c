/* SPDX-License-Identifier: MIT
 *
 * Eligibility of riders: see the header.
 */
#include "reeyo/domain/rider.h"

#include <string.h>

int rider_ineligibility(const struct rider_standing *rider, unsigned needs)
{
	if (strcmp(rider->approval_status, "SUSPENDED") == 0)
		return E_SUSPENDED;
	if ((needs & RIDER_NEEDS_PHONE) && !rider->phone_verified)
		return E_PHONE_UNVERIFIED;
	if (strcmp(rider->approval_status, "APPROVED") != 0)
		return E_NOT_APPROVED;
	if (strcmp(rider->status, "ACTIVE") != 0)
		return E_INACTIVE;
	return (needs & RIDER_NEEDS_ONLINE) && !rider->is_online ? E_RIDER_OFFLINE : 0;
}
