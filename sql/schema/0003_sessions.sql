-- What proves who somebody is: sessions, codes, tokens, and the devices that get push messages.

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
  -- When the last wrong code was given. Wrong codes are counted by account: another code does not bring new tries. They
  -- are forgotten when none was given for 15 minutes.
  tried_at   timestamptz,
  PRIMARY KEY (account_id, purpose)
);

-- Tokens of forgotten passwords. A newer one puts the older ones out of use.
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

-- Devices that get push messages.
CREATE TABLE device_tokens (
  token      text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  role       text NOT NULL CHECK (role IN ('USER', 'VENDOR', 'RIDER')),
  platform   text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- The session that gave the token: push messages to a device end with its session.
  session_id text COLLATE "C"
);
CREATE INDEX device_tokens_account ON device_tokens (account_id);
