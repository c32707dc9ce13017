-- Accounts of the four namespaces, and what proves who they are.
--
-- Ids are prefixed ULIDs: COLLATE "C" makes their comparison a memcmp, and their order that of time.
-- An account is never deleted as a row (status DELETED), so nothing that names one needs a foreign
-- key to stay sound; see 0003_orders for why the hot tables have none.

-- A statement that must undo itself calls fail('WALLET_SHORT', detail): the message is a name of
-- `enum err` without E_, the detail is free. Returns text only so that it fits into any expression.
CREATE FUNCTION fail(name text, detail text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RY000', MESSAGE = name, DETAIL = detail;
END $$;

-- Times on the wire: UTC with milliseconds. A plain expression, so that it inlines.
CREATE FUNCTION iso(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Members of JSON texts. Finished text is what goes on the wire, so nothing parses it again:
-- json_text quotes free text, json_word quotes what needs no escaping (ids, our own words, times).
CREATE FUNCTION json_text(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_json(value)::text, 'null')
$$;
CREATE FUNCTION json_word(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('"' || value || '"', 'null')
$$;
CREATE FUNCTION json_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_char(at AT TIME ZONE 'UTC', '"\""YYYY-MM-DD"T"HH24:MI:SS.MS"Z\""'), 'null')
$$;
CREATE FUNCTION json_flag(value boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value THEN 'true' WHEN NOT value THEN 'false' ELSE 'null' END
$$;
CREATE FUNCTION json_point(lat double precision, lng double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('{"lat":' || lat::text || ',"lng":' || lng::text || '}', 'null')
$$;

CREATE TABLE users (
  id                text COLLATE "C" PRIMARY KEY,
  phone             text COLLATE "C" NOT NULL CONSTRAINT users_phone_key UNIQUE,
  email             text COLLATE "C" CONSTRAINT users_email_key UNIQUE CHECK (email = lower(email)),
  first_name        text NOT NULL,
  last_name         text NOT NULL DEFAULT '',
  password_hash     text NOT NULL,
  phone_verified    boolean NOT NULL DEFAULT false,
  email_verified    boolean NOT NULL DEFAULT false,
  status            text NOT NULL DEFAULT 'ACTIVE'
                    CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED', 'DELETED')),
  profile_picture   text,
  language          text NOT NULL DEFAULT 'fr' CHECK (language IN ('en', 'fr')),
  country_code      text NOT NULL DEFAULT 'CM',
  referral_code     text,
  favourite_vendors text[] NOT NULL DEFAULT '{}',
  suspended_reason  text,
  last_login        timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

CREATE TABLE addresses (
  id           text COLLATE "C" PRIMARY KEY,
  user_id      text COLLATE "C" NOT NULL REFERENCES users,
  label        text NOT NULL DEFAULT '',
  address      text NOT NULL,
  city         text NOT NULL DEFAULT '',
  lat          double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
  lng          double precision NOT NULL CHECK (lng BETWEEN -180 AND 180),
  instructions text,
  is_default   boolean NOT NULL DEFAULT false,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX addresses_user ON addresses (user_id);
CREATE UNIQUE INDEX addresses_default ON addresses (user_id) WHERE is_default;

CREATE TABLE vendors (
  id                       text COLLATE "C" PRIMARY KEY,
  email                    text COLLATE "C" CONSTRAINT vendors_email_key UNIQUE CHECK (email = lower(email)),
  phone                    text COLLATE "C" NOT NULL CONSTRAINT vendors_phone_key UNIQUE,
  password_hash            text NOT NULL,
  owner_name               text NOT NULL,
  business_name            text NOT NULL,
  service_type             text NOT NULL CHECK (service_type IN ('FOOD', 'MART')),
  business_type            text NOT NULL,
  description              text NOT NULL DEFAULT '',
  logo                     text,
  cover_image              text,
  address                  text NOT NULL,
  city                     text NOT NULL DEFAULT '',
  zone                     text,
  region                   text,
  country_code             text NOT NULL DEFAULT 'CM',
  lat                      double precision NOT NULL,
  lng                      double precision NOT NULL,
  rating_sum               bigint NOT NULL DEFAULT 0,
  total_ratings            bigint NOT NULL DEFAULT 0,
  total_orders             bigint NOT NULL DEFAULT 0,
  total_revenue            bigint NOT NULL DEFAULT 0,
  is_online                boolean NOT NULL DEFAULT false,
  business_hours           jsonb NOT NULL DEFAULT '{}',
  min_order_amount         bigint NOT NULL DEFAULT 0 CHECK (min_order_amount >= 0),
  average_preparation_time integer NOT NULL DEFAULT 30,
  delivery_radius          double precision,
  tags                     text[] NOT NULL DEFAULT '{}',
  badges                   text[] NOT NULL DEFAULT '{}',
  is_high_demand           boolean NOT NULL DEFAULT false,
  featured                 boolean NOT NULL DEFAULT false,
  commission_bps           integer CHECK (commission_bps BETWEEN 0 AND 10000),
  bank_details             jsonb,
  mobile_money_provider    text,
  mobile_money_number      text,
  documents                jsonb NOT NULL DEFAULT '{}',
  phone_verified           boolean NOT NULL DEFAULT false,
  email_verified           boolean NOT NULL DEFAULT false,
  status                   text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  approval_status          text NOT NULL DEFAULT 'PENDING'
                           CHECK (approval_status IN ('PENDING', 'APPROVED', 'REJECTED', 'SUSPENDED')),
  rejected_reason          text,
  language                 text NOT NULL DEFAULT 'fr' CHECK (language IN ('en', 'fr')),
  last_login               timestamptz,
  created_at               timestamptz NOT NULL DEFAULT now(),
  updated_at               timestamptz NOT NULL DEFAULT now(),
  -- Orderable and listed: going online needs approval, whoever writes.
  CONSTRAINT vendors_online CHECK (NOT is_online OR approval_status = 'APPROVED')
) WITH (fillfactor = 70);
CREATE INDEX vendors_listed ON vendors (service_type) WHERE approval_status = 'APPROVED';

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

CREATE TABLE admins (
  id            text COLLATE "C" PRIMARY KEY,
  email         text COLLATE "C" NOT NULL CONSTRAINT admins_email_key UNIQUE CHECK (email = lower(email)),
  name          text NOT NULL,
  password_hash text NOT NULL,
  role          text NOT NULL DEFAULT 'ADMIN' CHECK (role IN ('ADMIN', 'SUPER_ADMIN')),
  status        text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'SUSPENDED')),
  failures      integer NOT NULL DEFAULT 0,
  locked_until  timestamptz,
  last_login    timestamptz,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);

-- A session is a family of refresh tokens: only the newest (jti) may be used, once. One that was
-- already used ends the family, except the one just before, which a client whose answer got lost may repeat at once.
CREATE TABLE sessions (
  id           text COLLATE "C" PRIMARY KEY,
  account_id   text COLLATE "C" NOT NULL,
  role         text NOT NULL CHECK (role IN ('USER', 'VENDOR', 'RIDER', 'ADMIN', 'SUPER_ADMIN')),
  jti          text COLLATE "C" NOT NULL,
  previous_jti text COLLATE "C",
  device       text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  refreshed_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  ended_at     timestamptz,
  ended_why    text
) WITH (fillfactor = 80);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expires ON sessions USING brin (expires_at) WITH (autosummarize = on);

-- One open code per account and purpose; asking again replaces it.
CREATE TABLE one_time_codes (
  account_id text COLLATE "C" NOT NULL,
  purpose    text NOT NULL CHECK (purpose IN ('VERIFY_PHONE', 'VERIFY_EMAIL')),
  code_hash  text NOT NULL,
  tries      integer NOT NULL DEFAULT 0,
  sent_at    timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, purpose)
);

CREATE TABLE reset_tokens (
  token_hash text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  role       text NOT NULL CHECK (role IN ('USER', 'VENDOR', 'RIDER', 'ADMIN')),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX reset_tokens_account ON reset_tokens (account_id);

-- Accounts and sessions whose access tokens issued up to `before` no longer count. Every loop reads
-- what is new each second (revocations_since); a row is of no use once such tokens have expired.
CREATE TABLE revocations (
  seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject    text COLLATE "C" NOT NULL,
  before     timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

CREATE TABLE device_tokens (
  token      text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  role       text NOT NULL CHECK (role IN ('USER', 'VENDOR', 'RIDER')),
  platform   text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX device_tokens_account ON device_tokens (account_id);

CREATE FUNCTION address_json(a addresses) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":' || json_word(a.id) || ',"addressId":' || json_word(a.id)
    || ',"label":' || json_text(a.label)
    || ',"address":' || json_text(a.address) || ',"fullAddress":' || json_text(a.address)
    || ',"city":' || json_text(a.city) || ',"coordinates":' || json_point(a.lat, a.lng)
    || ',"instructions":' || json_text(a.instructions)
    || ',"isDefault":' || json_flag(a.is_default) || ',"createdAt":' || json_time(a.created_at) || '}'
$$;

-- The User object. addresses: the finished array, so that a statement that has just written one can
-- give its own (a statement does not see its own writes); user_json(u) reads them.
CREATE FUNCTION user_json(u users, addresses text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"userId":' || json_word(u.id)
    || ',"firstName":' || json_text(u.first_name) || ',"lastName":' || json_text(u.last_name)
    || ',"name":' || json_text(btrim(u.first_name || ' ' || u.last_name))
    || ',"phone":' || json_text(u.phone) || ',"email":' || json_text(u.email)
    || ',"profilePicture":' || json_text(u.profile_picture)
    || ',"isPhoneVerified":' || json_flag(u.phone_verified)
    || ',"isEmailVerified":' || json_flag(u.email_verified)
    || ',"status":' || json_word(u.status) || ',"language":' || json_word(u.language)
    || ',"addresses":' || addresses
    || ',"favoriteVendors":' || array_to_json(u.favourite_vendors)::text
    || ',"createdAt":' || json_time(u.created_at) || ',"updatedAt":' || json_time(u.updated_at)
    || ',"lastLogin":' || json_time(u.last_login) || '}'
$$;

CREATE FUNCTION addresses_json(owner text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(address_json(a), ',' ORDER BY a.is_default DESC, a.id), '') || ']'
    FROM addresses a WHERE a.user_id = owner
$$;

CREATE FUNCTION user_json(u users) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT user_json(u, addresses_json(u.id))
$$;
