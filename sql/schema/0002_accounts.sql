-- Customers and admins. Vendors and riders have their own files.
--
-- Ids are prefixed ULIDs: with COLLATE "C" they compare with memcmp and sort by time. The row of an account is never deleted
-- (status DELETED), so references to accounts stay valid without foreign keys; 0006_orders.sql explains why tables with many
-- writes have none.

-- For indexes that search for parts of a text. A trusted extension: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Customers.
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
-- The expressions of the indexes …_search must equal those in the search statements.
CREATE INDEX users_search ON users USING gin (search_text(first_name || ' ' || last_name, phone, email) gin_trgm_ops);

-- A customer's addresses; at most one is the default.
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

-- Admins of the console.
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
