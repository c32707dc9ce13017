-- Who changed what.

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
