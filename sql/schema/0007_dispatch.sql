-- The search for a rider.

-- Orders that look for a rider: a row is written by the statement that makes the order need one (the vendor accepts,
-- a paid parcel is placed, a rider gives it back) and removed when it has one or is over.
CREATE TABLE dispatches (
  order_id   text COLLATE "C" PRIMARY KEY,
  next_at    timestamptz NOT NULL DEFAULT now(),  -- when to look again
  rounds     integer NOT NULL DEFAULT 0,          -- searches so far
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Nobody is asked twice in a round. A round begins when the order starts to look, and again when all in reach
  -- have been asked.
  round_at   timestamptz NOT NULL DEFAULT now()
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

-- Each decision of dispatch, so that one can read why: candidates [{"riderId","km","score","distance","completion",
-- "rating","load","asked"}], nearest first. rider_id: who was asked. Kept 90 days.
CREATE TABLE dispatch_decisions (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id   text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  round      integer NOT NULL,
  rider_id   text COLLATE "C" NOT NULL,
  candidates json NOT NULL
);
CREATE INDEX dispatch_decisions_order ON dispatch_decisions (order_id, id);
