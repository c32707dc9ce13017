-- What the life of an order needs beyond its row: events as they are sent, who leads the jobs, the search for a
-- rider; and vendors and riders as they see themselves.

-- --- Events --------------------------------------------------------------------------------------------

-- Who is to hear of it: 'user:ID', 'vendor:ID', 'rider:ID', 'order:ID', 'admin', and the audiences
-- 'users', 'vendors', 'riders'. A row without rooms goes to the consumers of the stream only.
ALTER TABLE outbox ADD COLUMN rooms text[] COLLATE "C" NOT NULL DEFAULT '{}';

-- What has been said, in the order in which everybody hears it. The one leading copy moves rows here from the
-- outbox, so ids grow in the order of commit and "id > last heard" misses nothing. Kept 72 hours.
CREATE TABLE events (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  aggregate  text COLLATE "C" NOT NULL,
  type       text COLLATE "C" NOT NULL,
  rooms      text[] COLLATE "C" NOT NULL,
  payload    json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_rooms ON events USING gin (rooms);
CREATE INDEX events_created ON events USING brin (created_at) WITH (autosummarize = on);

-- Work that one copy does for all: who leads, until when unless he renews it, and how far he has come.
-- A row and not a session's advisory lock: lanes reconnect, and a lock that went with the
-- connection would leave two copies that both believe to lead.
CREATE TABLE leases (
  name     text COLLATE "C" PRIMARY KEY,
  holder   text COLLATE "C" NOT NULL DEFAULT '',
  until    timestamptz NOT NULL DEFAULT '-infinity',
  position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO leases (name) VALUES ('relay'), ('dispatch'), ('timers');

-- Everybody who takes part in an order.
CREATE FUNCTION order_rooms(o orders) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_remove(ARRAY['order:' || o.id, 'user:' || o.user_id, 'vendor:' || o.vendor_id,
    'rider:' || o.rider_id, 'admin'], NULL)
$$;

-- --- The search for a rider ------------------------------------------------------------------------------

-- Orders that look for a rider: a row is written by the statement that makes the order need one (the vendor accepts,
-- a paid parcel is placed, a rider gives it back) and removed when it has one or is over.
CREATE TABLE dispatches (
  order_id   text COLLATE "C" PRIMARY KEY,
  next_at    timestamptz NOT NULL DEFAULT now(),  -- when to look again
  rounds     integer NOT NULL DEFAULT 0,          -- searches so far
  created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX dispatches_due ON dispatches (next_at);

-- One rider asked, or answering unasked. The last row of a rider is what counts.
CREATE TABLE offers (
  id          text COLLATE "C" PRIMARY KEY,       -- off_…
  order_id    text COLLATE "C" NOT NULL,
  rider_id    text COLLATE "C" NOT NULL,
  outcome     text COLLATE "C" NOT NULL DEFAULT 'OPEN'
              CHECK (outcome IN ('OPEN', 'ACCEPTED', 'REJECTED', 'EXPIRED', 'WITHDRAWN')),
  reason      text,
  score       double precision,                   -- NULL: was not asked
  offered_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL DEFAULT now(),
  answered_at timestamptz
);
CREATE UNIQUE INDEX offers_open ON offers (order_id) WHERE outcome = 'OPEN';
CREATE INDEX offers_order ON offers (order_id, rider_id);
CREATE INDEX offers_rider ON offers (rider_id, offered_at);

-- --- Vendors and riders, as they see themselves ------------------------------------------------------------

CREATE FUNCTION vendor_members(v vendors, zone text, distance double precision, fee bigint) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"vendorId":' || json_word(v.id) || ',"businessName":' || json_text(v.business_name)
    || ',"serviceType":' || json_word(v.service_type) || ',"businessType":' || json_text(v.business_type)
    || ',"description":' || json_text(v.description) || ',"logo":' || json_text(v.logo)
    || ',"coverImage":' || json_text(v.cover_image)
    || ',"location":{"address":' || json_text(v.address) || ',"city":' || json_text(v.city)
    || ',"coordinates":' || json_point(v.lat, v.lng) || '}'
    || ',"rating":' || mean_rating(v.rating_sum, v.total_ratings)
    || ',"totalRatings":' || v.total_ratings || ',"totalOrders":' || v.total_orders
    || ',"isOnline":' || json_flag(v.is_online)
    || ',"isOpen":' || json_flag(vendor_open(v, zone))
    || ',"businessHours":' || v.business_hours::text
    || ',"minOrderAmount":' || v.min_order_amount
    || ',"averagePreparationTime":' || v.average_preparation_time
    || ',"tags":' || array_to_json(v.tags)::text || ',"badges":' || array_to_json(v.badges)::text
    || ',"isHighDemand":' || json_flag(v.is_high_demand)
    || ',"distance":' || coalesce(round(distance::numeric, 2)::text, 'null')
    || ',"deliveryFee":' || coalesce(fee::text, 'null')
$$;

CREATE OR REPLACE FUNCTION vendor_json(v vendors, zone text, distance double precision DEFAULT NULL,
  fee bigint DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_members(v, zone, distance, fee)
    || ',"status":' || CASE WHEN v.is_online THEN '"online"' ELSE '"offline"' END || '}'
$$;

-- The Vendor (self) object.
CREATE FUNCTION vendor_self_json(v vendors) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT vendor_members(v, business_zone(), NULL, NULL)
    || ',"ownerName":' || json_text(v.owner_name) || ',"email":' || json_text(v.email)
    || ',"phone":' || json_text(v.phone) || ',"bankDetails":' || coalesce(v.bank_details::text, 'null')
    || ',"isEmailVerified":' || json_flag(v.email_verified)
    || ',"isPhoneVerified":' || json_flag(v.phone_verified)
    || ',"status":' || json_word(v.status) || ',"approvalStatus":' || json_word(v.approval_status)
    || ',"deliveryRadius":' || coalesce(v.delivery_radius::text, 'null')
    || ',"commissionRate":' || coalesce(v.commission_bps::numeric / 10000,
         (SELECT (value #>> '{}')::numeric / 10000 FROM settings
           WHERE key = 'services.' || lower(v.service_type) || '.commissionBps'), 0)::float8
    || ',"documents":' || v.documents::text || ',"rejectedReason":' || json_text(v.rejected_reason)
    || ',"createdAt":' || json_time(v.created_at) || ',"updatedAt":' || json_time(v.updated_at)
    || ',"lastLogin":' || json_time(v.last_login) || '}'
$$;

-- Where a rider was last, as the Rider object and the customer's Order show it; NULL when he never said.
CREATE FUNCTION rider_place_json(r riders) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.lat IS NOT NULL THEN '{"latitude":' || r.lat || ',"longitude":' || r.lng
    || ',"lat":' || r.lat || ',"lng":' || r.lng || ',"timestamp":' || json_time(r.located_at)
    || ',"updatedAt":' || json_time(r.located_at) || '}' END
$$;

-- OFFLINE, ONLINE, or BUSY while he carries something.
CREATE FUNCTION rider_availability(r riders) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.active_orders > 0 THEN 'BUSY' WHEN r.is_online THEN 'ONLINE' ELSE 'OFFLINE' END
$$;

-- The Rider object. documents are kept under their canonical names (idCardUrl …) and shown under both.
CREATE FUNCTION rider_json(r riders) RETURNS text
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

-- The admin object.
CREATE FUNCTION admin_json(a admins) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":' || json_word(a.id) || ',"name":' || json_text(a.name) || ',"email":' || json_text(a.email)
    || ',"role":' || json_word(a.role) || ',"status":' || json_word(a.status)
    || ',"last_login_at":' || json_time(a.last_login) || ',"created_at":' || json_time(a.created_at) || '}'
$$;

-- Who changed what, when: every write of an admin.
CREATE TABLE admin_acts (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  admin_id   text COLLATE "C" NOT NULL,
  act        text COLLATE "C" NOT NULL,   -- 'vendor.approve'
  subject    text COLLATE "C" NOT NULL,   -- the id of what was changed
  details    jsonb NOT NULL DEFAULT '{}',
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX admin_acts_subject ON admin_acts (subject, id);
