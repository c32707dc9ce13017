/* SPDX-License-Identifier: MIT
 *
 * Whether a rider may work: one rule for admission, going online, offers and assignments.
 */
#ifndef REEYO_DOMAIN_RIDER_H
#define REEYO_DOMAIN_RIDER_H

#include <stdbool.h>

#include "reeyo/core/error.h"

/* What the rule depends on. */
struct rider_standing {
	const char *approval_status; /* PENDING, APPROVED, REJECTED, SUSPENDED */
	const char *status;          /* ACTIVE, INACTIVE */
	bool phone_verified, is_online;
};

/* What an act needs beyond approval and an active account. */
enum rider_needs {
	RIDER_MAY_CARRY = 0,   /* keep an order, or be assigned one by an admin */
	RIDER_NEEDS_PHONE = 1, /* a verified phone */
	RIDER_NEEDS_ONLINE = 2,
	RIDER_MAY_WORK = RIDER_NEEDS_PHONE, /* use the routes of riders, go online */
	RIDER_MAY_TAKE = RIDER_NEEDS_PHONE | RIDER_NEEDS_ONLINE /* get an offer, accept an order */
};

/* 0: the rider is eligible. Otherwise the first reason that applies, of E_SUSPENDED,
 * E_PHONE_UNVERIFIED, E_NOT_APPROVED, E_INACTIVE, E_RIDER_OFFLINE. needs: of enum rider_needs. The
 * SQL function rider_ineligibility repeats the rule for statements that select or lock riders;
 * tests/unit/service/sql_rules_test.c runs both on the same cases. */
int rider_ineligibility(const struct rider_standing *rider, unsigned needs);

#endif
