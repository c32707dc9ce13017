-- Audit log of admins.

-- Every write of an admin: who changed what, and when.
CREATE TABLE admin_audit (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  admin_id   text COLLATE "C" NOT NULL,
  act        text COLLATE "C" NOT NULL,   -- 'vendor.approve'
  subject    text COLLATE "C" NOT NULL,   -- id of the changed row
  details    jsonb NOT NULL DEFAULT '{}',
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX admin_acts_subject ON admin_audit (subject, id);
