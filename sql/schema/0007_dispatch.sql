-- The search for a rider.

-- Orders that need a rider. The row is written by the statement that creates the need (the vendor accepts, a paid parcel is
-- placed, a rider gives the order back), and removed when the order has a rider or ends.
CREATE TABLE dispatches (
  order_id   text COLLATE "C" PRIMARY KEY,
  next_at    timestamptz NOT NULL DEFAULT now(),  -- time of the next search
  rounds     integer NOT NULL DEFAULT 0,          -- number of searches
  created_at timestamptz NOT NULL DEFAULT now(),
  -- A rider gets at most one offer per round. A round begins with the first search, and again when all riders in reach have
  -- had an offer.
  round_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX dispatches_due ON dispatches (next_at);

-- Offers to riders, and riders who accepted without an offer. The last row of a rider is the valid one.
CREATE TABLE offers (
  id          text COLLATE "C" PRIMARY KEY,       -- off_…
  order_id    text COLLATE "C" NOT NULL,
  rider_id    text COLLATE "C" NOT NULL,
  outcome     text COLLATE "C" NOT NULL DEFAULT 'OPEN'
              CHECK (outcome IN ('OPEN', 'ACCEPTED', 'REJECTED', 'EXPIRED', 'WITHDRAWN')),
  reason      text,
  score       double precision,                   -- NULL: accepted without an offer
  offered_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL DEFAULT now(),
  answered_at timestamptz
);
CREATE UNIQUE INDEX offers_open ON offers (order_id) WHERE outcome = 'OPEN';
CREATE INDEX offers_order ON offers (order_id, rider_id);
CREATE INDEX offers_rider ON offers (rider_id, offered_at);

-- Each decision of dispatch with its reasons: candidates [{"riderId","km","score","distance","completion","rating","load",
-- "asked"}], nearest first. rider_id: the rider who got the offer. Kept 90 days.
CREATE TABLE dispatch_decisions (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id   text COLLATE "C" NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  round      integer NOT NULL,
  rider_id   text COLLATE "C" NOT NULL,
  candidates json NOT NULL
);
CREATE INDEX dispatch_decisions_order ON dispatch_decisions (order_id, id);
