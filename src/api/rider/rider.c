/* SPDX-License-Identifier: MIT
 *
 * The Rider object in replies.
 */
#include "rider.h"

static const char *const verifications[] = { "PENDING", "VERIFIED", NULL };
static const char *const approvals[] = { "PENDING", "APPROVED", "REJECTED", "SUSPENDED", NULL };
static const char *const statuses[] = { "ACTIVE", "INACTIVE", NULL };
static const char *const availabilities[] = { "ONLINE", "OFFLINE", "BUSY", NULL };

static const struct field current_location_fields[] = {
	{ "latitude", FIELD_NUMBER, .required = true },
	{ "longitude", FIELD_NUMBER, .required = true },
	{ "lat", FIELD_NUMBER, .required = true, .summary = "The same" },
	{ "lng", FIELD_NUMBER, .required = true, .summary = "The same" },
	{ "timestamp", FIELD_TIME, .nullable = true },
	{ "updatedAt", FIELD_TIME, .nullable = true },
	FIELD_END,
};

const struct field rider_fields[] = {
	{ "riderId", FIELD_ID, .required = true },
	{ "firstName", FIELD_TEXT, .required = true },
	{ "lastName", FIELD_TEXT, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "phone", FIELD_PHONE, .required = true },
	{ "email", FIELD_EMAIL, .nullable = true },
	{ "profilePicture", FIELD_TEXT, .nullable = true },
	{ "vehicleType", FIELD_TEXT, .required = true },
	{ "vehicleDetails", FIELD_OBJECT, .required = true,
		.summary = "brand (also as make), model, plateNumber, color" },
	{ "documents", FIELD_OBJECT, .required = true,
		.summary = "Under both spellings: idCardUrl and nationalId, …" },
	{ "bankDetails", FIELD_OBJECT, .nullable = true },
	{ "emergencyContact", FIELD_OBJECT, .nullable = true },
	{ "isPhoneVerified", FIELD_BOOL, .required = true },
	{ "verificationStatus", FIELD_ENUM, .required = true, .words = verifications },
	{ "approvalStatus", FIELD_ENUM, .required = true, .words = approvals },
	{ "status", FIELD_ENUM, .required = true, .words = statuses },
	{ "rejectedReason", FIELD_TEXT, .nullable = true },
	{ "isOnline", FIELD_BOOL, .required = true },
	{ "availability", FIELD_ENUM, .required = true, .words = availabilities },
	{ "currentLocation", FIELD_OBJECT, .nullable = true, .of = current_location_fields },
	{ "rating", FIELD_NUMBER, .required = true },
	{ "totalRatings", FIELD_INT, .required = true },
	{ "totalDeliveries", FIELD_INT, .required = true },
	{ "completedDeliveries", FIELD_INT, .required = true },
	{ "cancelledDeliveries", FIELD_INT, .required = true },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	FIELD_END,
};
