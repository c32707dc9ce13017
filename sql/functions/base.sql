-- What the tables themselves need (functions of triggers, of indexes on expressions and of defaults), and the words
-- that every other file uses. Applied before the schema, so nothing here names a table in its parameters or its result.

-- --- Errors -------------------------------------------------------------------------------------------

-- A statement that must undo itself calls fail('WALLET_SHORT', detail): the message is a name of
-- `enum err` without E_, the detail is free. Returns text only so that it fits into any expression.
CREATE OR REPLACE FUNCTION fail(name text, detail text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RY000', MESSAGE = name, DETAIL = detail;
END $$;

-- --- Text and JSON ------------------------------------------------------------------------------------

-- Times on the wire: UTC with milliseconds. A plain expression, so that it inlines.
CREATE OR REPLACE FUNCTION iso(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Milliseconds since 1970. Cut-offs and the issue of tokens are both read from the database's clock and compared in
-- milliseconds, so that what was issued after a cut-off counts.
CREATE OR REPLACE FUNCTION epoch_ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(extract(epoch FROM at) * 1000)::bigint
$$;

-- Members of JSON texts. Finished text is what goes on the wire, so nothing parses it again.
-- json_text quotes free text; json_word quotes what needs no escaping (ids, our own words).
CREATE OR REPLACE FUNCTION json_text(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_json(value)::text, 'null')
$$;

-- A word that needs no escaping, quoted; NULL is null.
CREATE OR REPLACE FUNCTION json_word(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('"' || value || '"', 'null')
$$;

-- A time, quoted, as iso writes it; NULL is null.
CREATE OR REPLACE FUNCTION json_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_char(at AT TIME ZONE 'UTC', '"\""YYYY-MM-DD"T"HH24:MI:SS.MS"Z\""'), 'null')
$$;

-- true, false or null.
CREATE OR REPLACE FUNCTION json_flag(value boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value THEN 'true' WHEN NOT value THEN 'false' ELSE 'null' END
$$;

-- A position; null when either half is NULL.
CREATE OR REPLACE FUNCTION json_point(lat double precision, lng double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('{"lat":' || lat::text || ',"lng":' || lng::text || '}', 'null')
$$;

-- A member of a JSON object that is a list of texts, as an array; `otherwise` when it is not there.
CREATE OR REPLACE FUNCTION json_texts(object jsonb, member text, otherwise text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN object ? member THEN ARRAY(SELECT jsonb_array_elements_text(object -> member)) ELSE otherwise END
$$;

-- Whole minutes from one time to another; null when either is NULL.
CREATE OR REPLACE FUNCTION minutes_json(since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(round(extract(epoch FROM until - since) / 60)::bigint::text, 'null')
$$;

-- The mean of ratings, rounded to two decimals; 0 without any.
CREATE OR REPLACE FUNCTION mean_rating(total bigint, count bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(trim_scale(round(total::numeric / nullif(count, 0), 2)), 0)::text
$$;

-- A text parameter of an update: NULL keeps the present value, an empty text clears it.
CREATE OR REPLACE FUNCTION changed(given text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given = '' THEN NULL ELSE coalesce(given, now) END
$$;

-- The same for a member of a JSON object: absent keeps the value, null or an empty text clears it.
CREATE OR REPLACE FUNCTION changed(given jsonb, member text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given ? member THEN nullif(given ->> member, '') ELSE now END
$$;

-- --- Search -------------------------------------------------------------------------------------------

-- Search ignores case and accents and knows one form of each letter. The searched text and the search text both go
-- through search_fold, so they cannot differ in it.
--
-- Compatibility forms are taken apart (é becomes e and its accent, a no-break space becomes a space), lower case, then
-- without marks and zero-width characters. Letters that no accent makes, and signs that keyboards swap, are listed. The
-- collation is named, so that the result does not depend on the database's. Indexes hold what this function returned:
-- a change of it needs a REINDEX of the indexes …_search in a schema file of the same release.
CREATE OR REPLACE FUNCTION search_fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT replace(replace(replace(translate(regexp_replace(lower(normalize(value, NFKD) COLLATE "und-x-icu"),
    '[\u0300-\u036F\u0483-\u0489\u0591-\u05BD\u0610-\u061A\u064B-\u065F\u0670\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF'
    || '\uFE00-\uFE0F\uFE20-\uFE2F\u00AD\u200B-\u200F\u2060\uFEFF]', '', 'g'),
    'ɓɗŋɲɛəǝɔɨʉøđłıħƴƙς’‘ʼʻ‛′`´‐‑–—', 'bdnneeeoiuodlihykσ''''''''''''''''----'),
    'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')
$$;

-- What one row is found by: its texts, each on a line of its own, which no search text reaches across.
CREATE OR REPLACE FUNCTION search_text(a text, b text DEFAULT NULL, c text DEFAULT NULL, d text DEFAULT NULL, e text DEFAULT NULL)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT search_fold(coalesce(a, '') || E'\n' || coalesce(b, '') || E'\n' || coalesce(c, '') || E'\n'
    || coalesce(d, '') || E'\n' || coalesce(e, ''))
$$;

-- A text as the pattern of "contains it": its own % and _ mean themselves.
CREATE OR REPLACE FUNCTION like_text(sought text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '%' || regexp_replace(sought, '([\\%_])', '\\\1', 'g') || '%'
$$;

-- The pattern that finds it.
CREATE OR REPLACE FUNCTION search_like(sought text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT like_text(search_fold(sought))
$$;

-- array_to_string is not immutable, for elements whose text depends on settings; these are texts.
CREATE OR REPLACE FUNCTION texts_joined(list text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN array_to_string(list, E'\n');
END $$;

-- --- Places and money ---------------------------------------------------------------------------------

-- Great-circle distance on a sphere of 6371 km. least() because rounding may exceed 1 at antipodes; it passes
-- over NULL, hence the CASE.
CREATE OR REPLACE FUNCTION distance_km(lat1 double precision, lng1 double precision,
  lat2 double precision, lng2 double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN lat1 + lng1 + lat2 + lng2 IS NOT NULL
    THEN 12742 * asin(sqrt(least(1, sind((lat2 - lat1) / 2) ^ 2
      + cosd(lat1) * cosd(lat2) * sind((lng2 - lng1) / 2) ^ 2))) END
$$;

-- Minutes for a number of kilometres: five at the doors, and 20 km/h in traffic.
CREATE OR REPLACE FUNCTION ride_minutes(km double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 5 + ceil(km * 3)::integer
$$;

-- Rounded half up, as domain/money.c does.
CREATE OR REPLACE FUNCTION money_share(amount bigint, bps bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (amount * bps + 5000) / 10000
$$;

-- --- Settings -----------------------------------------------------------------------------------------

-- The time zone in which business hours and "today" are meant.
CREATE OR REPLACE FUNCTION business_zone() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT value #>> '{}' FROM settings WHERE key = 'time_zone'), 'Africa/Douala')
$$;

-- A rate of the settings, in basis points.
CREATE OR REPLACE FUNCTION setting_bps(name text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT (value #>> '{}')::numeric::bigint FROM settings WHERE key = name), 0)
$$;

-- When a period began: today, this week, month or year, in the business's days.
CREATE OR REPLACE FUNCTION period_start(period text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT date_trunc(CASE period WHEN 'today' THEN 'day' ELSE period END, now() AT TIME ZONE business_zone())
    AT TIME ZONE business_zone()
$$;

-- --- Triggers -----------------------------------------------------------------------------------------

-- Numbers a changed setting anew, so that sum(seq) grows.
CREATE OR REPLACE FUNCTION settings_touched() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.seq := nextval('settings_seq');
  NEW.updated_at := now();
  RETURN NEW;
END $$;

-- A change of zones raises the setting `zones`, which instances watch.
CREATE OR REPLACE FUNCTION zones_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE settings SET value = to_jsonb((value #>> '{}')::bigint + 1) WHERE key = 'zones';
  RETURN NULL;
END $$;

-- Keeps online_spans. A trigger, because several statements take a rider offline: his own, silence, a suspension.
CREATE OR REPLACE FUNCTION riders_online_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.is_online THEN
    INSERT INTO online_spans (rider_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE online_spans SET ended_at = now() WHERE rider_id = NEW.id AND ended_at IS NULL;
  END IF;
  RETURN NULL;
END $$;

-- The ledger is immutable: a mistake is corrected by a further entry. Statement triggers cost inserts nothing.
CREATE OR REPLACE FUNCTION ledger_immutable() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only';
END $$;
