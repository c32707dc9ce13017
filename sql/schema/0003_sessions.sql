-- Sessions, one-time codes, reset tokens, revocations, and the devices that get push messages.

-- A session is a family of refresh tokens. Only the newest (jti) may be used, once. The use of an older token ends the session,
-- except for the previous one: a client that lost the reply may repeat it shortly after.
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
  end_reason    text
) WITH (fillfactor = 80);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expires ON sessions USING brin (expires_at) WITH (autosummarize = on);

-- One open code per account and purpose; a new request replaces it.
CREATE TABLE one_time_codes (
  account_id text COLLATE "C" NOT NULL,
  purpose    text NOT NULL CHECK (purpose IN ('VERIFY_PHONE', 'VERIFY_EMAIL')),
  code_hash  text NOT NULL,
  tries      integer NOT NULL DEFAULT 0,
  sent_at    timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  -- The time of the last wrong code. Wrong codes are counted per account: a new code does not reset the count. The count is
  -- reset when no wrong code was given for 15 minutes.
  tried_at   timestamptz,
  PRIMARY KEY (account_id, purpose)
);

-- Tokens for forgotten passwords. A newer token invalidates the older ones.
CREATE TABLE reset_tokens (
  token_hash text COLLATE "C" PRIMARY KEY,
  account_id text COLLATE "C" NOT NULL,
  role       text NOT NULL CHECK (role IN ('USER', 'VENDOR', 'RIDER', 'ADMIN')),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);
CREATE INDEX reset_tokens_account ON reset_tokens (account_id);

-- Accounts and sessions whose access tokens issued up to `before` are revoked. Every loop reads new rows each second
-- (revocations_since). A row is not needed any more when those tokens have expired.
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
  -- The session that registered the token: push messages to a device end with its session.
  session_id text COLLATE "C"
);
CREATE INDEX device_tokens_account ON device_tokens (account_id);
