/* SPDX-License-Identifier: MIT
 *
 * Riders: registration with documents, and the account itself. The handlers are those of every
 * kind, see api/account.h. A new rider is PENDING and INACTIVE. Such a rider may log in and read,
 * and may work once the phone is verified and an admin has approved the account.
 */
#include "reeyo/api/rider.h"

#include "reeyo/api/account.h"
#include "reeyo/db/queries/identity.h"
#include "rider.h"

static const char *const vehicles[] = { "MOTORCYCLE", "BICYCLE", "CAR", "VAN", NULL };

static const struct field session_rider_fields[] = {
	{ "rider", FIELD_OBJECT, .required = true, .of = rider_fields },
	SESSION_FIELDS,
	FIELD_END,
};
static const struct field vehicle_fields[] = {
	{ "brand", FIELD_TEXT, .min = 1, .max = 50, .aliases = "make" },
	{ "model", FIELD_TEXT, .min = 1, .max = 50 },
	{ "plateNumber", FIELD_TEXT, .min = 2, .max = 20,
		.aliases = "vehiclePlate vehicleNumber plate_number plate" },
	{ "color", FIELD_TEXT, .min = 1, .max = 30, .aliases = "colour" },
	FIELD_END,
};
/* URLs of pictures, or any id that the app's storage returned. */
static const struct field document_fields[] = {
	{ "idCardUrl", FIELD_URL_OR_ID, .min = 1, .aliases = "nationalId idCard id_card_url" },
	{ "drivingLicenseUrl", FIELD_URL_OR_ID, .min = 1,
		.aliases = "driverLicense drivingLicense driversLicense driving_license_url" },
	{ "vehicleRegistrationUrl", FIELD_URL_OR_ID, .min = 1,
		.aliases = "vehicleRegistration vehicle_registration_url" },
	{ "insuranceUrl", FIELD_URL_OR_ID, .min = 1, .aliases = "insurance insurance_url" },
	FIELD_END,
};
static const struct field contact_fields[] = {
	{ "name", FIELD_TEXT, .required = true, .min = 2, .max = 100 },
	{ "phone", FIELD_PHONE, .required = true, .aliases = "phoneNumber" },
	{ "relationship", FIELD_TEXT, .min = 2, .max = 50 },
	FIELD_END,
};
static const struct field register_body[] = {
	NAME_FIELDS,
	{ "phone", FIELD_PHONE, .required = true, .aliases = "phoneNumber" },
	{ "email", FIELD_EMAIL, .summary = "Kept in lower case" },
	{ "password", FIELD_PASSWORD, .required = true },
	{ "vehicleType", FIELD_ENUM, .required = true, .words = vehicles,
		.aliases = "vehicle_type" },
	{ "vehicleDetails", FIELD_OBJECT, .of = vehicle_fields,
		.aliases = "vehicle_details vehicle" },
	{ "plateNumber", FIELD_TEXT, .min = 2, .max = 20, .aliases = "vehiclePlate vehicleNumber",
		.summary = "Instead of vehicleDetails.plateNumber" },
	{ "documents", FIELD_OBJECT, .of = document_fields },
	{ "bankDetails", FIELD_OBJECT, .of = bank_fields, .aliases = "bank_details" },
	{ "emergencyContact", FIELD_OBJECT, .of = contact_fields, .aliases = "emergency_contact" },
	{ "profilePicture", FIELD_URL_OR_ID, .min = 1, .aliases = "profile_picture avatar" },
	{ "city", FIELD_TEXT, .min = 2, .max = 80 },
	FIELD_END,
};
static const struct field profile_body[] = {
	NAME_FIELDS,
	{ "email", FIELD_EMAIL, .clearable = true, .summary = "Kept in lower case" },
	{ "profilePicture", FIELD_URL_OR_ID, .min = 1, .clearable = true,
		.aliases = "profile_picture avatar" },
	{ "emergencyContact", FIELD_OBJECT, .clearable = true, .of = contact_fields,
		.aliases = "emergency_contact" },
	LANGUAGE_FIELD,
	FIELD_END,
};

/* --- Register --------------------------------------------------------------------------------- */

/* Reads the vehicle with its plate, which may be a separate member. False: it has replied. */
static bool vehicle_take(struct request *rq, const char **ret)
{
	json_t *vehicle = member(rq->body, "vehicleDetails");
	json_t *plate = member(rq->body, "plateNumber");

	if (!vehicle && plate) {
		vehicle = json_object();
		if (json_object_set_new(rq->body, "vehicleDetails", vehicle))
			vehicle = NULL;
	}
	if (vehicle && plate && !member(vehicle, "plateNumber"))
		json_object_set(vehicle, "plateNumber", plate);
	if (!vehicle || !member(vehicle, "plateNumber")) {
		reply_field(rq, "vehicleDetails.plateNumber", "is required", "est obligatoire");
		return false;
	}
	return object_take(rq, vehicle, vehicle_fields, ret);
}

static void rider_store(struct request *rq, void *params, const struct registration_common *common)
{
	struct rider_register *rider = params;

	REGISTRATION_FILL(rider, common);
	sql_try_write(rq, rider_register, account_registered, rider);
}

static void register_rider(struct request *rq)
{
	struct rider_register *params = ARENA_NEW(rq->arena, struct rider_register);
	const char *first, *last, *vehicle, *documents, *bank, *contact;

	if (!name_take(rq, true, &first, &last) || !vehicle_take(rq, &vehicle) ||
		!object_take(rq, member(rq->body, "documents"), document_fields, &documents) ||
		!object_take(rq, member(rq->body, "bankDetails"), bank_fields, &bank) ||
		!object_take(rq, member(rq->body, "emergencyContact"), contact_fields, &contact))
		return;
	if (params)
		*params = (struct rider_register){ .first_name = first,
			.last_name = last,
			.vehicle_type = body_text(rq, "vehicleType"),
			.vehicle_details = vehicle,
			.documents = documents,
			.bank_details = bank,
			.emergency_contact = contact,
			.profile_picture = body_text(rq, "profilePicture"),
			.city = body_text(rq, "city"),
			.approved = rq->app->config->auto_approve };
	account_register(rq, params, rider_store);
}

/* --- The account ------------------------------------------------------------------------------ */

static void rider_change_profile(struct request *rq)
{
	const char *first, *last, *contact;

	if (!name_take(rq, false, &first, &last) ||
		!object_take(rq, member(rq->body, "emergencyContact"), contact_fields, &contact))
		return;
	sql_try_write(rq, rider_change_profile, account_profile_stored,
		&(struct rider_change_profile){ .rider_id = rq->caller.id,
			.first_name = first,
			.last_name = last,
			.email = arg_change(rq, "email"),
			.profile_picture = arg_change(rq, "profilePicture"),
			.emergency_contact = contact,
			.language = body_text(rq, "language") });
}

const struct route rider_auth_routes[] = {
	{ POST, "/auth/register", .operation = "registerRider", .access = ANYONE,
		.during_maintenance = true, .body = register_body, .reply = session_rider_fields,
		.created = true, .limit = LIMIT_REGISTER, .limit_by = "phone",
		.run = register_rider, .errors = { E_PHONE_TAKEN, E_EMAIL_TAKEN, E_BUSY },
		.summary =
			"Register a rider, who waits for approval; a code is sent to the phone" },
	{ POST, "/auth/login", .operation = "logInRider", .access = ANYONE,
		.during_maintenance = true, .body = login_body, .reply = session_rider_fields,
		.limit = LIMIT_LOGIN, .limit_by = "account", .run = account_log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_TOO_MANY_REQUESTS, E_BUSY },
		.summary = "Log in by phone or e-mail" },
	{ POST, "/auth/refresh", .operation = "refreshRiderTokens",
		.aliases = "/auth/refresh-token", .access = ANYONE, .during_maintenance = true,
		.body = refresh_body, .reply = session_fields, .run = account_refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED },
		.summary = "Exchange a refresh token for a new pair; reuse of an old one "
			   "ends the session" },
	{ GET, "/auth/me", .operation = "getRiderAccount", .aliases = "/auth/profile",
		.access = RIDER_ACCOUNT, .during_maintenance = true, .reply = rider_fields,
		.run = account_me, .errors = { E_ACCOUNT_GONE }, .summary = "The rider" },
	{ PUT, "/auth/profile", .operation = "updateRiderAccount", .aliases = "/auth/me",
		.access = RIDER_ACCOUNT, .during_maintenance = true, .any_write = true,
		.body = profile_body, .reply = rider_fields, .run = rider_change_profile,
		.errors = { E_EMAIL_TAKEN, E_ACCOUNT_GONE },
		.summary = "Change name, e-mail, picture or emergency contact" },
	ACCOUNT_CODE_ROUTES("Rider", RIDER_ACCOUNT, rider_fields),
	ACCOUNT_ROUTES("Rider", RIDER_ACCOUNT),
	ROUTE_END,
};
