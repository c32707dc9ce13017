/* SPDX-License-Identifier: MIT
 *
 * Reply fields of vendors, items and disputes.
 */
#include "reeyo/api/reply_objects.h"

const char *const period_words[] = { "today", "week", "month", "year", NULL };

static const char *const account_states[] = { "ACTIVE", "INACTIVE", NULL };
static const char *const dispute_states[] = { "OPEN", "RESOLVED", "REJECTED", NULL };
static const char *const dispute_priorities[] = { "LOW", "MEDIUM", "HIGH", NULL };
static const char *const approval_states[] = { "PENDING", "APPROVED", "REJECTED", "SUSPENDED",
	NULL };

static const struct field location_fields[] = {
	{ "address", FIELD_TEXT, .required = true },
	{ "city", FIELD_TEXT, .required = true },
	{ "coordinates", FIELD_POINT, .required = true },
	FIELD_END,
};
static const struct field bank_fields[] = {
	{ "accountName", FIELD_TEXT },
	{ "accountNumber", FIELD_TEXT },
	{ "bankName", FIELD_TEXT },
	{ "bankCode", FIELD_TEXT },
	FIELD_END,
};

/* The public members of a vendor. */
#define VENDOR_MEMBERS \
	{ "vendorId", FIELD_ID, .required = true }, \
		{ "businessName", FIELD_TEXT, .required = true }, \
		{ "serviceType", FIELD_TEXT, .required = true }, \
		{ "businessType", FIELD_TEXT, .required = true }, \
		{ "description", FIELD_TEXT, .required = true }, \
		{ "logo", FIELD_TEXT, .nullable = true }, \
		{ "coverImage", FIELD_TEXT, .nullable = true }, \
		{ "location", FIELD_OBJECT, .required = true, .of = location_fields }, \
		{ "rating", FIELD_NUMBER, .required = true }, \
		{ "totalRatings", FIELD_INT, .required = true }, \
		{ "totalOrders", FIELD_INT, .required = true }, \
		{ "isOnline", FIELD_BOOL, .required = true }, \
		{ "isOpen", FIELD_BOOL, .required = true, .summary = "By its business hours" }, \
		{ "businessHours", FIELD_OBJECT, .required = true }, \
		{ "minOrderAmount", FIELD_MONEY, .required = true }, \
		{ "averagePreparationTime", FIELD_INT, .required = true }, \
		{ "tags", FIELD_LIST, .required = true, .each = FIELD_TEXT }, \
		{ "badges", FIELD_LIST, .required = true, .each = FIELD_TEXT }, \
		{ "isHighDemand", FIELD_BOOL, .required = true }, \
		{ "distance", FIELD_NUMBER, .nullable = true, \
			.summary = "km; null without lat and lng" }, \
	{ \
		"deliveryFee", FIELD_MONEY, .nullable = true, \
					    .summary = "Estimate; null without lat and lng" \
	}

const struct field vendor_fields[] = { VENDOR_MEMBERS, FIELD_END_TITLED("Vendor") };
const struct field vendor_self_fields[] = { VENDOR_MEMBERS,
	{ "ownerName", FIELD_TEXT, .required = true }, { "email", FIELD_EMAIL, .nullable = true },
	{ "phone", FIELD_PHONE, .required = true },
	{ "bankDetails", FIELD_OBJECT, .nullable = true, .of = bank_fields },
	{ "isEmailVerified", FIELD_BOOL, .required = true },
	{ "isPhoneVerified", FIELD_BOOL, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = account_states },
	{ "approvalStatus", FIELD_ENUM, .required = true, .words = approval_states },
	{ "deliveryRadius", FIELD_NUMBER, .nullable = true, .summary = "km" },
	{ "commissionRate", FIELD_NUMBER, .required = true, .summary = "Fraction of the subtotal" },
	{ "documents", FIELD_OBJECT, .required = true },
	{ "rejectedReason", FIELD_TEXT, .nullable = true },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	{ "lastLogin", FIELD_TIME, .nullable = true }, FIELD_END_TITLED("VendorSelf") };
const struct field item_fields[] = { { "itemId", FIELD_ID, .required = true },
	{ "vendorId", FIELD_ID, .required = true }, { "name", FIELD_TEXT, .required = true },
	{ "description", FIELD_TEXT, .required = true },
	{ "category", FIELD_TEXT, .required = true }, { "price", FIELD_MONEY, .required = true },
	{ "originalPrice", FIELD_MONEY, .nullable = true },
	{ "preparationTime", FIELD_INT, .required = true },
	{ "available", FIELD_BOOL, .required = true },
	{ "isAvailable", FIELD_BOOL, .required = true },
	{ "inStock", FIELD_BOOL, .required = true },
	{ "stock", FIELD_INT, .nullable = true, .summary = "null: not counted" },
	{ "images", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	{ "tags", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	{ "variants", FIELD_LIST, .required = true, .each = FIELD_ANY },
	{ "addOns", FIELD_LIST, .required = true, .each = FIELD_ANY },
	{ "isUpsell", FIELD_BOOL, .required = true }, { "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true }, FIELD_END_TITLED("Item") };

/* The members of a dispute, for customers and admins. */
static const struct field dispute_user_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field dispute_order_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "order_number", FIELD_TEXT, .required = true },
	FIELD_END,
};
const struct field dispute_fields[] = { { "id", FIELD_ID, .required = true },
	{ "ticket_number", FIELD_TEXT, .required = true },
	{ "subject", FIELD_TEXT, .required = true }, { "category", FIELD_TEXT, .required = true },
	{ "description", FIELD_TEXT, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = dispute_states },
	{ "priority", FIELD_ENUM, .required = true, .words = dispute_priorities },
	{ "user", FIELD_OBJECT, .required = true, .of = dispute_user_fields },
	{ "order", FIELD_OBJECT, .required = true, .of = dispute_order_fields },
	{ "resolution", FIELD_TEXT, .nullable = true },
	{ "refund_amount", FIELD_MONEY, .nullable = true },
	{ "created_at", FIELD_TIME, .required = true },
	{ "resolved_at", FIELD_TIME, .nullable = true },
	{ "messages", FIELD_LIST, .required = true, .each = FIELD_ANY },
	FIELD_END_TITLED("Dispute") };
