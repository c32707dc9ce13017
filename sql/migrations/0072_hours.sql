-- Business hours: which days are closed, and when the next change is.

-- Whether business hours {"monday":{"open":"08:00","close":"22:00","closed":false},…} say open at a local time. A day
-- that is not named is closed; without any day all are open. A close that is not after its open spans midnight.
CREATE OR REPLACE FUNCTION hours_open(hours jsonb, local timestamp) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH day AS (
    SELECT hours -> (ARRAY['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
                           'saturday'])[extract(dow FROM d)::int + 1] AS h, d
      FROM (VALUES (local), (local - interval '1 day')) v(d)
  ), span AS (
    SELECT d = local AS today, coalesce((h ->> 'closed')::boolean, false) AS shut,
           h ->> 'open' AS opens, h ->> 'close' AS closes, to_char(local, 'HH24:MI') AS clock
      FROM day
  )
  SELECT NOT coalesce(hours ?| ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'], false)
    OR bool_or(CASE
      WHEN shut OR opens IS NULL OR closes IS NULL THEN false
      WHEN today AND closes > opens THEN clock >= opens AND clock < closes
      WHEN today THEN clock >= opens
      ELSE closes <= opens AND clock < closes
    END) FROM span
$$;

-- For how many milliseconds from a local time the hours say the same: until the next open or close of today or of what
-- began yesterday, or the next day's first. NULL: there is none, so for longer than anything is remembered.
CREATE FUNCTION hours_hold_ms(hours jsonb, local timestamp) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT floor(extract(epoch FROM min(edge) - local) * 1000)::bigint
    FROM (VALUES (-1), (0), (1)) near(days)
    CROSS JOIN LATERAL (SELECT date_trunc('day', local) + days * interval '1 day' AS midnight) m
    CROSS JOIN LATERAL (SELECT hours -> (ARRAY['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday',
      'saturday'])[extract(dow FROM midnight)::int + 1] AS h) d
    CROSS JOIN LATERAL (VALUES (midnight + (h ->> 'open')::interval), (midnight + (h ->> 'close')::interval
      + CASE WHEN h ->> 'close' <= h ->> 'open' THEN interval '1 day' ELSE interval '0' END)) e(edge)
   WHERE edge > local
$$;
