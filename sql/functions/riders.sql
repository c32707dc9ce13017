-- The Rider object, and whether a rider may work.

-- A rider's last position, as the Rider object and the customer's Order show it; NULL without one.
CREATE OR REPLACE FUNCTION rider_place_json(r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.lat IS NOT NULL THEN '{"latitude":' || r.lat || ',"longitude":' || r.lng
    || ',"lat":' || r.lat || ',"lng":' || r.lng || ',"timestamp":' || json_time(r.located_at)
    || ',"updatedAt":' || json_time(r.located_at) || '}' END
$$;

-- OFFLINE, ONLINE, or BUSY while the rider carries an order.
CREATE OR REPLACE FUNCTION rider_availability(r riders) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.active_orders > 0 THEN 'BUSY' WHEN r.is_online THEN 'ONLINE' ELSE 'OFFLINE' END
$$;

-- The Rider object. documents are stored under their canonical names (idCardUrl …) and shown under both.
CREATE OR REPLACE FUNCTION rider_json(r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"riderId":' || json_word(r.id)
    || ',"firstName":' || json_text(r.first_name) || ',"lastName":' || json_text(r.last_name)
    || ',"name":' || json_text(btrim(r.first_name || ' ' || r.last_name))
    || ',"phone":' || json_text(r.phone) || ',"email":' || json_text(r.email)
    || ',"profilePicture":' || json_text(r.profile_picture)
    || ',"vehicleType":' || json_word(r.vehicle_type)
    || ',"vehicleDetails":' || (r.vehicle_details || jsonb_strip_nulls(jsonb_build_object(
         'make', r.vehicle_details -> 'brand')))::text
    || ',"documents":' || (r.documents || jsonb_strip_nulls(jsonb_build_object(
         'nationalId', r.documents -> 'idCardUrl', 'driverLicense', r.documents -> 'drivingLicenseUrl',
         'vehicleRegistration', r.documents -> 'vehicleRegistrationUrl',
         'insurance', r.documents -> 'insuranceUrl')))::text
    || ',"bankDetails":' || coalesce(r.bank_details::text, 'null')
    || ',"emergencyContact":' || coalesce(r.emergency_contact::text, 'null')
    || ',"isPhoneVerified":' || json_flag(r.phone_verified)
    || ',"verificationStatus":' || CASE WHEN r.phone_verified THEN '"VERIFIED"' ELSE '"PENDING"' END
    || ',"approvalStatus":' || json_word(r.approval_status) || ',"status":' || json_word(r.status)
    || ',"rejectedReason":' || json_text(r.rejected_reason)
    || ',"isOnline":' || json_flag(r.is_online) || ',"availability":' || json_word(rider_availability(r))
    || ',"currentLocation":' || coalesce(rider_place_json(r), 'null')
    || ',"rating":' || mean_rating(r.rating_sum, r.total_ratings)
    || ',"totalRatings":' || r.total_ratings || ',"totalDeliveries":' || r.total_deliveries
    || ',"completedDeliveries":' || r.completed_deliveries
    || ',"cancelledDeliveries":' || r.cancelled_deliveries
    || ',"createdAt":' || json_time(r.created_at) || ',"updatedAt":' || json_time(r.updated_at) || '}'
$$;

-- Why a rider is not eligible, as the name of an error; NULL: eligible. needs_phone: a verified phone (to work, get offers
-- and accept orders); needs_online: to get offers and accept orders. The rule is rider_ineligibility of
-- src/domain/rider.c; tests/unit/service/sql_rules_test.c runs both on the same cases.
CREATE OR REPLACE FUNCTION rider_ineligibility(r riders, needs_phone boolean, needs_online boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.approval_status = 'SUSPENDED' THEN 'SUSPENDED'
    WHEN needs_phone AND NOT r.phone_verified THEN 'PHONE_UNVERIFIED'
    WHEN r.approval_status <> 'APPROVED' THEN 'NOT_APPROVED'
    WHEN r.status <> 'ACTIVE' THEN 'INACTIVE'
    WHEN needs_online AND NOT r.is_online THEN 'RIDER_OFFLINE' END
$$;

-- Whether a rider may carry orders (whether online or not).
CREATE OR REPLACE FUNCTION rider_may_work(r riders) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT rider_ineligibility(r, false, false) IS NULL
$$;

-- The RiderIssue object.
CREATE OR REPLACE FUNCTION rider_issue_json(i rider_issues) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"issueId":' || json_word(i.id) || ',"orderId":' || json_word(i.order_id)
    || ',"riderId":' || json_word(i.rider_id) || ',"issueType":' || json_word(i.issue_type)
    || ',"description":' || json_text(i.description) || ',"photo":' || json_text(i.photo)
    || ',"status":"OPEN","occurredAt":' || json_time(i.occurred_at)
    || ',"createdAt":' || json_time(i.created_at) || '}'
$$;
