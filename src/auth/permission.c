/* SPDX-License-Identifier: MIT
 *
 * The table of permissions and roles; see the header.
 */
#include "reeyo/auth/permission.h"

#include <stdlib.h>
#include <string.h>

#include "reeyo/core/memory.h"

/* Sets of roles. */
#define ROLE_ADMIN 1u
#define ROLE_SUPER 2u
#define ROLES_ALL (ROLE_ADMIN | ROLE_SUPER)

/* Sorted by word. */
static const struct permission {
	const char *word;
	unsigned roles; /* those that hold it */
	const char *summary;
} permissions[] = {
	/* clang-format off */
	{ "admins.manage",    ROLE_SUPER, "Create and change admins" },
	{ "analytics.read",   ROLES_ALL, "Read figures of the platform" },
	{ "broadcasts.send",  ROLES_ALL, "Send a message to many customers, vendors or riders" },
	{ "cash.read",        ROLES_ALL, "Read the cash that riders handed in" },
	{ "cash.write",       ROLES_ALL, "Record cash that a rider hands in" },
	{ "disputes.decide",  ROLES_ALL, "Resolve and reject disputes" },
	{ "disputes.read",    ROLES_ALL, "Read disputes" },
	{ "events.read",      ROLES_ALL, "Subscribe to events" },
	{ "finance.read",     ROLES_ALL, "Read the accounts of the platform" },
	{ "messages.read",    ROLES_ALL, "Read messages to people" },
	{ "messages.retry",   ROLES_ALL, "Send a failed message again" },
	{ "orders.read",      ROLES_ALL, "Read orders, their timeline and dispatch" },
	{ "orders.write",     ROLES_ALL, "Assign, cancel and complete orders" },
	{ "payments.decide",  ROLES_ALL, "Decide payments of a wrong amount" },
	{ "payments.read",    ROLES_ALL, "Read payments" },
	{ "payouts.decide",   ROLES_ALL, "Approve, reject and resolve pay-outs" },
	{ "payouts.read",     ROLES_ALL, "Read pay-outs" },
	{ "riders.approve",   ROLES_ALL, "Approve and reject riders and their documents" },
	{ "riders.read",      ROLES_ALL, "Read riders, their deliveries and positions" },
	{ "riders.suspend",   ROLES_ALL, "Suspend riders" },
	{ "riders.write",     ROLES_ALL, "Change the data of riders" },
	{ "settings.read",    ROLES_ALL, "Read the business configuration and feature flags" },
	{ "settings.write",   ROLE_SUPER, "Change the business configuration and feature flags" },
	{ "users.delete",     ROLES_ALL, "Delete customers" },
	{ "users.read",       ROLES_ALL, "Read customers and their orders" },
	{ "users.set_status", ROLES_ALL, "Suspend customers and change their status" },
	{ "vendors.approve",  ROLES_ALL, "Approve and reject vendors" },
	{ "vendors.read",     ROLES_ALL, "Read vendors, their orders and menus" },
	{ "vendors.suspend",  ROLES_ALL, "Suspend vendors" },
	{ "vendors.write",    ROLES_ALL, "Change the data and the commission of vendors" },
	{ "webhooks.read",    ROLES_ALL, "Read webhooks and their deliveries" },
	{ "webhooks.write",   ROLE_SUPER, "Register, change, test and replay webhooks" },
	{ "zones.read",       ROLES_ALL, "Read delivery zones" },
	{ "zones.write",      ROLES_ALL, "Change delivery zones" },
	/* clang-format on */
};

static int permission_compare(const void *word, const void *permission)
{
	return strcmp(word, ((const struct permission *)permission)->word);
}

static unsigned permission_roles(const char *word)
{
	const struct permission *found = bsearch(
		word, permissions, COUNT_OF(permissions), sizeof(*permissions), permission_compare);

	return found ? found->roles : 0;
}

static enum access roles_lowest(unsigned roles)
{
	return roles & ROLE_ADMIN ? ADMIN : roles & ROLE_SUPER ? SUPER_ADMIN : ACCESS_UNSET;
}

enum access permission_access(const char *word)
{
	return roles_lowest(permission_roles(word));
}

bool permission_granted(enum access role, const char *word)
{
	unsigned bit = role == ADMIN ? ROLE_ADMIN : role == SUPER_ADMIN ? ROLE_SUPER : 0;

	return (permission_roles(word) & bit) != 0;
}
