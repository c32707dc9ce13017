-- Riders, the decisions about their documents, and their online times.

-- Riders, with their last reported position.
CREATE TABLE riders (
  id                   text COLLATE "C" PRIMARY KEY,
  phone                text COLLATE "C" NOT NULL CONSTRAINT riders_phone_key UNIQUE,
  email                text COLLATE "C" CONSTRAINT riders_email_key UNIQUE CHECK (email = lower(email)),
  first_name           text NOT NULL,
  last_name            text NOT NULL DEFAULT '',
  password_hash        text NOT NULL,
  profile_picture      text,
  vehicle_type         text NOT NULL CHECK (vehicle_type IN ('MOTORCYCLE', 'BICYCLE', 'CAR', 'VAN')),
  vehicle_details      jsonb NOT NULL DEFAULT '{}',
  documents            jsonb NOT NULL DEFAULT '{}',
  bank_details         jsonb,
  emergency_contact    jsonb,
  phone_verified       boolean NOT NULL DEFAULT false,
  email_verified       boolean NOT NULL DEFAULT false,
  approval_status      text NOT NULL DEFAULT 'PENDING'
                       CHECK (approval_status IN ('PENDING', 'APPROVED', 'REJECTED', 'SUSPENDED')),
  status               text NOT NULL DEFAULT 'INACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  rejected_reason      text,
  is_online            boolean NOT NULL DEFAULT false,
  active_orders        integer NOT NULL DEFAULT 0 CHECK (active_orders >= 0),
  lat                  double precision,
  lng                  double precision,
  located_at           timestamptz,
  last_online          timestamptz,
  rating_sum           bigint NOT NULL DEFAULT 0,
  total_ratings        bigint NOT NULL DEFAULT 0,
  total_deliveries     bigint NOT NULL DEFAULT 0,
  completed_deliveries bigint NOT NULL DEFAULT 0,
  cancelled_deliveries bigint NOT NULL DEFAULT 0,
  city                 text NOT NULL DEFAULT '',
  country_code         text NOT NULL DEFAULT 'CM',
  language             text NOT NULL DEFAULT 'fr' CHECK (language IN ('en', 'fr')),
  last_login           timestamptz,
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
-- Few riders are online at a time; the index finds them without reading the others. Position updates change no indexed
-- column, so they stay HOT.
CREATE INDEX riders_online ON riders (id) WHERE is_online;
CREATE INDEX riders_search ON riders
  USING gin (search_text(first_name || ' ' || last_name, phone, email, vehicle_details ->> 'plateNumber') gin_trgm_ops);
CREATE TRIGGER riders_online_inserted AFTER INSERT ON riders
  FOR EACH ROW WHEN (NEW.is_online) EXECUTE FUNCTION riders_online_changed();
CREATE TRIGGER riders_online_changed AFTER UPDATE OF is_online ON riders
  FOR EACH ROW WHEN (OLD.is_online <> NEW.is_online) EXECUTE FUNCTION riders_online_changed();

-- The decision about a document. It applies only to the file it was made for: a new file is pending again.
CREATE TABLE rider_documents (
  rider_id      text COLLATE "C" NOT NULL,
  document_type text COLLATE "C" NOT NULL
                CHECK (document_type IN ('NATIONAL_ID', 'DRIVERS_LICENSE', 'VEHICLE_REGISTRATION', 'PROFILE_PHOTO', 'INSURANCE')),
  url           text NOT NULL,
  status        text NOT NULL CHECK (status IN ('APPROVED', 'REJECTED')),
  reason        text,
  decided_by    text COLLATE "C" NOT NULL,
  decided_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (rider_id, document_type)
);

-- The times when a rider was online; the current one has no end.
CREATE TABLE online_spans (
  rider_id text COLLATE "C" NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (rider_id, began_at)
);
