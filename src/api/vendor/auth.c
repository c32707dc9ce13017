/* SPDX-License-Identifier: MIT
 *
 * Vendors: registration and verification. The handlers are those of every kind, see api/account.h.
 * A vendor may log in and prepare its menu while it waits for approval; it is listed and takes
 * orders only after approval.
 */
#include "reeyo/api/vendor.h"

#include "hours.h"
#include "location.h"
#include "reeyo/api/account.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/db/queries/identity.h"

static const char *const service_types[] = { "FOOD", "MART", NULL };
static const char *const business_types[] = { "RESTAURANT", "GROCERY", "PHARMACY", "OTHER", "FOOD",
	"MART", NULL };

static const struct field session_vendor_fields[] = {
	{ "vendor", FIELD_OBJECT, .required = true, .of = vendor_self_fields },
	SESSION_FIELDS,
	FIELD_END,
};
static const struct field register_body[] = {
	{ "businessName", FIELD_TEXT, .required = true, .min = 3, .max = 100,
		.aliases = "business_name" },
	{ "ownerName", FIELD_TEXT, .required = true, .min = 2, .max = 100,
		.aliases = "owner_name name" },
	{ "email", FIELD_EMAIL, .required = true, .summary = "Kept in lower case" },
	{ "phone", FIELD_PHONE, .required = true, .aliases = "phoneNumber" },
	{ "password", FIELD_PASSWORD, .required = true },
	{ "serviceType", FIELD_ENUM, .words = service_types, .aliases = "service_type" },
	{ "businessType", FIELD_ENUM, .words = business_types, .aliases = "business_type",
		.summary =
			"Instead of serviceType: GROCERY and PHARMACY are MART, the others FOOD" },
	{ "description", FIELD_TEXT, .lines = true, .max = 500 },
	SHOP_LOCATION_FIELDS,
	{ "bankDetails", FIELD_OBJECT, .of = bank_fields, .aliases = "bank_details" },
	{ "businessHours", FIELD_OBJECT, .of = day_fields,
		.aliases = "business_hours operatingHours",
		.summary = "{monday:{open:\"HH:MM\",close:\"HH:MM\",closed?},…}; a day that is "
			   "not named is closed, without any it is always open" },
	FIELD_END,
};
static const struct field verify_body[] = {
	{ "vendorId", FIELD_ID, .required = true, .aliases = "vendor_id" },
	{ "otp", FIELD_DIGITS, .required = true, .min = 6, .max = 6, .aliases = "code otpCode" },
	FIELD_END,
};
static const struct field resend_body[] = {
	{ "vendorId", FIELD_ID, .aliases = "vendor_id", .summary = "Not needed with a token" },
	FIELD_END,
};

/* --- Register --------------------------------------------------------------------------------- */

/* Derives both types from the given one. False: it has replied. */
static bool service_take(struct request *rq, const char **ret_service, const char **ret_business)
{
	const char *service = body_text(rq, "serviceType");
	const char *business = body_text(rq, "businessType");

	if (!service && !business) {
		reply_field(rq, "serviceType", "is required", "est obligatoire");
		return false;
	}
	if (!service)
		service = strcmp(business, "GROCERY") == 0 || strcmp(business, "PHARMACY") == 0 ||
				strcmp(business, "MART") == 0
			? "MART"
			: "FOOD";
	if (!business || strcmp(business, "FOOD") == 0 || strcmp(business, "MART") == 0)
		business = strcmp(service, "MART") == 0 ? "GROCERY" : "RESTAURANT";
	*ret_service = service;
	*ret_business = business;
	return true;
}

static void vendor_store(struct request *rq, void *params, const struct registration_common *common)
{
	struct vendor_register *vendor = params;

	REGISTRATION_FILL(vendor, common);
	sql_try_write(rq, vendor_register, account_registered, vendor);
}

static void register_vendor(struct request *rq)
{
	struct vendor_register *params = ARENA_NEW(rq->arena, struct vendor_register);
	const char *service, *business, *bank, *hours;
	struct shop_location place;

	if (!service_take(rq, &service, &business) || !shop_location_read(rq, true, &place) ||
		!hours_body_read(rq, member(rq->body, "businessHours"), &hours) ||
		!object_take(rq, member(rq->body, "bankDetails"), bank_fields, &bank))
		return;
	if (params)
		*params = (struct vendor_register){ .business_name = body_text(rq, "businessName"),
			.owner_name = body_text(rq, "ownerName"),
			.service_type = service,
			.business_type = business,
			.description = body_text(rq, "description"),
			.address = place.address,
			.city = place.city,
			.lat = *place.lat,
			.lng = *place.lng,
			.bank_details = bank,
			.business_hours = hours,
			.approved = rq->app->config->auto_approve };
	account_register(rq, params, vendor_store);
}

/* --- Codes ------------------------------------------------------------------------------------ */

static void verify_otp(struct request *rq)
{
	account_verify_all(rq, body_text(rq, "vendorId"));
}

/* A vendor without a token names itself. That is safe: the code goes to the vendor's own phone. */
static void resend_otp(struct request *rq)
{
	const char *vendor = body_text(rq, "vendorId");
	int err = vendor ? 0 : caller_read(rq);

	if (!err && !vendor && rq->caller.role != VENDOR_ACCOUNT)
		err = E_WRONG_ROLE;
	if (err == E_NO_TOKEN)
		return reply_field(rq, "vendorId", "is required without a token",
			"est obligatoire sans jeton");
	if (err)
		return reply_error(rq, err);
	account_resend_code_to(rq, vendor ? vendor : rq->caller.id);
}

const struct route vendor_auth_routes[] = {
	{ POST, "/auth/register", .operation = "registerVendor", .access = ANYONE,
		.during_maintenance = true, .body = register_body, .reply = session_vendor_fields,
		.created = true, .limit = LIMIT_REGISTER, .limit_by = "phone",
		.run = register_vendor, .errors = { E_PHONE_TAKEN, E_EMAIL_TAKEN, E_BUSY },
		.summary = "Register a vendor, which waits for approval; a code is sent "
			   "to phone and e-mail" },
	{ POST, "/auth/login", .operation = "logInVendor", .access = ANYONE,
		.during_maintenance = true, .body = login_body, .reply = session_vendor_fields,
		.limit = LIMIT_LOGIN, .limit_by = "account", .run = account_log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_INACTIVE, E_TOO_MANY_REQUESTS,
			E_BUSY },
		.summary = "Log in by e-mail or phone" },
	{ POST, "/auth/refresh-token", .operation = "refreshVendorTokens",
		.aliases = "/auth/refresh", .access = ANYONE, .during_maintenance = true,
		.body = refresh_body, .reply = session_fields, .run = account_refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED, E_INACTIVE },
		.summary = "Exchange a refresh token for a new pair; reuse of an old one "
			   "ends the session" },
	{ GET, "/auth/me", .operation = "getVendorAccount", .aliases = "/profile /auth/profile",
		.access = VENDOR_ACCOUNT, .during_maintenance = true, .reply = vendor_self_fields,
		.run = account_me, .errors = { E_ACCOUNT_GONE },
		.summary = "The vendor as it sees itself" },
	{ POST, "/auth/verify-otp", .operation = "verifyVendorContacts", .access = ANYONE,
		.during_maintenance = true, .body = verify_body, .shape = REPLY_MESSAGE,
		.limit = LIMIT_VERIFY, .limit_by = "vendorId", .run = verify_otp,
		.errors = { E_ACCOUNT_NOT_FOUND, E_OTP_ALREADY, E_OTP_NONE, E_OTP_EXPIRED,
			E_OTP_WRONG },
		.summary = "Verify phone and e-mail with the code that was sent to them" },
	{ POST, "/auth/verify-phone", .operation = "verifyVendorPhone", .access = VENDOR_ACCOUNT,
		.during_maintenance = true, .body = otp_body, .reply = vendor_self_fields,
		.limit = LIMIT_VERIFY, .limit_by = "caller", .run = account_verify_phone,
		.errors = { E_OTP_ALREADY, E_OTP_NONE, E_OTP_EXPIRED, E_OTP_WRONG, E_ACCOUNT_GONE },
		.summary = "Verify the phone" },
	{ POST, "/auth/verify-email", .operation = "verifyVendorEmail", .access = VENDOR_ACCOUNT,
		.during_maintenance = true, .body = otp_body, .reply = vendor_self_fields,
		.limit = LIMIT_VERIFY, .limit_by = "caller", .run = account_verify_email,
		.errors = { E_OTP_ALREADY, E_OTP_NONE, E_OTP_EXPIRED, E_OTP_WRONG, E_ACCOUNT_GONE },
		.summary = "Verify the e-mail" },
	{ POST, "/auth/resend-otp", .operation = "resendVendorCode", .access = ANYONE,
		.during_maintenance = true, .body = resend_body, .shape = REPLY_MESSAGE,
		.limit = LIMIT_CODE, .limit_by = "vendorId caller", .run = resend_otp,
		.errors = { E_NO_TOKEN, E_BAD_TOKEN, E_ACCOUNT_NOT_FOUND, E_OTP_ALREADY },
		.summary = "Send a new code; the previous code becomes invalid, and wrong "
			   "tries are kept" },
	ACCOUNT_ROUTES("Vendor", VENDOR_ACCOUNT),
	ROUTE_END,
};
