/* SPDX-License-Identifier: MIT
 *
 * The User object of replies.
 */
#include "user.h"

static const char *const statuses[] = { "ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", NULL };

const struct field address_fields[] = { { "id", FIELD_ID, .required = true },
	{ "addressId", FIELD_ID, .required = true, .summary = "The same id" },
	{ "label", FIELD_TEXT, .required = true }, { "address", FIELD_TEXT, .required = true },
	{ "fullAddress", FIELD_TEXT, .required = true, .summary = "The same text" },
	{ "city", FIELD_TEXT, .nullable = true }, { "coordinates", FIELD_POINT, .required = true },
	{ "instructions", FIELD_TEXT, .nullable = true },
	{ "isDefault", FIELD_BOOL, .required = true },
	{ "createdAt", FIELD_TIME, .required = true }, FIELD_END_TITLED("Address") };

const struct field user_fields[] = { { "userId", FIELD_ID, .required = true },
	{ "firstName", FIELD_TEXT, .required = true }, { "lastName", FIELD_TEXT, .required = true },
	{ "name", FIELD_TEXT, .required = true }, { "phone", FIELD_PHONE, .required = true },
	{ "email", FIELD_EMAIL, .nullable = true },
	{ "profilePicture", FIELD_TEXT, .nullable = true },
	{ "isPhoneVerified", FIELD_BOOL, .required = true },
	{ "isEmailVerified", FIELD_BOOL, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = statuses },
	{ "addresses", FIELD_LIST, .required = true, .of = address_fields },
	{ "favoriteVendors", FIELD_LIST, .required = true, .each = FIELD_ID },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	{ "lastLogin", FIELD_TIME, .nullable = true, .summary = "To within five minutes" },
	FIELD_END_TITLED("User") };
