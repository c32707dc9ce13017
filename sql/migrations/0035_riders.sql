-- Riders at work: when they were online, whom dispatch asked and why.

-- Dispatch asks nobody twice in a round; a round begins when the order starts to look, and again when all in
-- reach have been asked.
ALTER TABLE dispatches ADD COLUMN round_at timestamptz NOT NULL DEFAULT now();

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

-- What an order must be to look for a rider.
CREATE FUNCTION order_seeks_rider(o orders) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT o.active AND o.rider_id IS NULL AND (o.status IN ('ACCEPTED', 'PREPARING', 'READY_FOR_PICKUP')
    OR o.order_type = 'PACKAGE' AND o.status = 'PENDING' AND (o.payment_status = 'PAID' OR o.payment_method = 'CASH'))
$$;

-- Minutes for so many kilometres: five at the doors, and 20 km/h in traffic.
CREATE FUNCTION ride_minutes(km double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 5 + ceil(km * 3)::integer
$$;

-- Who is online is few of all: found without reading the others. Positions change neither column, so they stay HOT.
CREATE INDEX riders_online ON riders (id) WHERE is_online;

-- When a rider was online; the present one has no end.
CREATE TABLE online_spans (
  rider_id text COLLATE "C" NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (rider_id, began_at)
);

-- A trigger, because more than one act takes a rider offline: himself, silence, a suspension.
CREATE FUNCTION riders_online_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.is_online THEN
    INSERT INTO online_spans (rider_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE online_spans SET ended_at = now() WHERE rider_id = NEW.id AND ended_at IS NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER riders_online_inserted AFTER INSERT ON riders
  FOR EACH ROW WHEN (NEW.is_online) EXECUTE FUNCTION riders_online_changed();
CREATE TRIGGER riders_online_changed AFTER UPDATE OF is_online ON riders
  FOR EACH ROW WHEN (OLD.is_online <> NEW.is_online) EXECUTE FUNCTION riders_online_changed();
