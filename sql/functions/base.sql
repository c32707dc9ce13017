-- Functions that the tables need (for triggers, indexes on expressions and defaults), and helpers that every other file
-- uses. Applied before the schema, so no parameter or result here has the type of a table.

-- --- Errors -------------------------------------------------------------------------------------------

-- A statement that must roll back calls fail('WALLET_SHORT', detail). The message is a name of `enum err` without E_,
-- the detail is free. It returns text only to fit into any expression.
CREATE OR REPLACE FUNCTION fail(name text, detail text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'RY000', MESSAGE = name, DETAIL = detail;
END $$;

-- --- Text and JSON ------------------------------------------------------------------------------------

-- A time as it is sent to clients: UTC with milliseconds. A plain expression, so that PostgreSQL can inline it.
CREATE OR REPLACE FUNCTION iso(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Milliseconds since 1970. The issue time of a token and the time of a revocation both come from the database's clock and
-- are compared in milliseconds, so a token issued after the revocation is valid.
CREATE OR REPLACE FUNCTION epoch_ms(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT floor(extract(epoch FROM at) * 1000)::bigint
$$;

-- Values for JSON that is built as text. The text is sent to the client as it is and not parsed again.
-- json_text quotes any text; json_word quotes text that needs no escaping (ids, our own words).
CREATE OR REPLACE FUNCTION json_text(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_json(value)::text, 'null')
$$;

-- A text that needs no escaping, quoted. NULL gives null.
CREATE OR REPLACE FUNCTION json_word(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('"' || value || '"', 'null')
$$;

-- A time in the format of iso(), quoted. NULL gives null.
CREATE OR REPLACE FUNCTION json_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(to_char(at AT TIME ZONE 'UTC', '"\""YYYY-MM-DD"T"HH24:MI:SS.MS"Z\""'), 'null')
$$;

-- true, false or null.
CREATE OR REPLACE FUNCTION json_flag(value boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN value THEN 'true' WHEN NOT value THEN 'false' ELSE 'null' END
$$;

-- A position; null when lat or lng is NULL.
CREATE OR REPLACE FUNCTION json_point(lat double precision, lng double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('{"lat":' || lat::text || ',"lng":' || lng::text || '}', 'null')
$$;

-- A member of a JSON object, a list of texts, as an array; `otherwise` when the member is absent.
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

-- The new value for a text parameter of an update: NULL keeps the present value, an empty text clears it.
CREATE OR REPLACE FUNCTION changed(given text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given = '' THEN NULL ELSE coalesce(given, now) END
$$;

-- The same for a member of a JSON object: absent keeps the value, null or an empty text clears it.
CREATE OR REPLACE FUNCTION changed_member(given jsonb, member text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given ? member THEN nullif(given ->> member, '') ELSE now END
$$;

-- --- Search -------------------------------------------------------------------------------------------

-- Search ignores case and accents and uses one form of each letter. The indexed text and the search term both go through
-- search_fold, so they are always folded in the same way.
--
-- The text is decomposed in compatibility form (é becomes e and an accent, a no-break space becomes a space), made lower
-- case, and loses marks and zero-width characters. Letters that are not composed with accents, and signs that keyboards
-- swap, are listed. The collation is named, so the result does not depend on the database's. Indexes store results of this
-- function: a change needs a REINDEX of the indexes …_search in a schema file of the same release.
CREATE OR REPLACE FUNCTION search_fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT replace(replace(replace(translate(regexp_replace(lower(normalize(value, NFKD) COLLATE "und-x-icu"),
    '[\u0300-\u036F\u0483-\u0489\u0591-\u05BD\u0610-\u061A\u064B-\u065F\u0670\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF'
    || '\uFE00-\uFE0F\uFE20-\uFE2F\u00AD\u200B-\u200F\u2060\uFEFF]', '', 'g'),
    'ɓɗŋɲɛəǝɔɨʉøđłıħƴƙς’‘ʼʻ‛′`´‐‑–—', 'bdnneeeoiuodlihykσ''''''''''''''''----'),
    'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')
$$;

-- The searchable text of a row: its texts, each on its own line. A search term cannot match across lines.
CREATE OR REPLACE FUNCTION search_text(a text, b text DEFAULT NULL, c text DEFAULT NULL, d text DEFAULT NULL, e text DEFAULT NULL)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT search_fold(coalesce(a, '') || E'\n' || coalesce(b, '') || E'\n' || coalesce(c, '') || E'\n'
    || coalesce(d, '') || E'\n' || coalesce(e, ''))
$$;

-- The LIKE pattern that matches texts that contain `value`. % and _ in it are escaped.
CREATE OR REPLACE FUNCTION like_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '%' || regexp_replace(value, '([\\%_])', '\\\1', 'g') || '%'
$$;

-- The LIKE pattern of a search term, for search_text.
CREATE OR REPLACE FUNCTION search_like(term text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT like_text(search_fold(term))
$$;

-- array_to_string is not immutable, because the text of some element types depends on settings. For text it is.
CREATE OR REPLACE FUNCTION texts_joined(list text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN array_to_string(list, E'\n');
END $$;

-- --- Places and money ---------------------------------------------------------------------------------

-- Great-circle distance on a sphere with a radius of 6371 km. least(): rounding may exceed 1 at antipodes. The CASE is
-- needed because least() ignores NULL.
CREATE OR REPLACE FUNCTION distance_km(lat1 double precision, lng1 double precision,
  lat2 double precision, lng2 double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN lat1 + lng1 + lat2 + lng2 IS NOT NULL
    THEN 12742 * asin(sqrt(least(1, sind((lat2 - lat1) / 2) ^ 2
      + cosd(lat1) * cosd(lat2) * sind((lng2 - lng1) / 2) ^ 2))) END
$$;

-- Minutes for a number of kilometres: five for pick-up and hand-over, and 20 km/h in traffic.
CREATE OR REPLACE FUNCTION ride_minutes(km double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 5 + ceil(km * 3)::integer
$$;

-- --- Settings -----------------------------------------------------------------------------------------

-- The time zone of business hours and of "today".
CREATE OR REPLACE FUNCTION business_zone() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (SELECT value #>> '{}' FROM settings WHERE key = 'time_zone')
$$;

-- A rate of the settings, in basis points.
CREATE OR REPLACE FUNCTION setting_bps(name text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT (SELECT (value #>> '{}')::numeric::bigint FROM settings WHERE key = name)
$$;

-- The start of the present period ('today', 'week', 'month', 'year') in the business time zone.
CREATE OR REPLACE FUNCTION period_start(period text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT date_trunc(CASE period WHEN 'today' THEN 'day' ELSE period END, now() AT TIME ZONE business_zone())
    AT TIME ZONE business_zone()
$$;

-- --- Triggers -----------------------------------------------------------------------------------------

-- Gives a changed setting a new number, so that sum(seq) grows.
CREATE OR REPLACE FUNCTION settings_touched() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  NEW.seq := nextval('settings_seq');
  NEW.updated_at := now();
  RETURN NEW;
END $$;

-- A change of zones increments the setting `zones`, which instances watch.
CREATE OR REPLACE FUNCTION zones_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE settings SET value = to_jsonb((value #>> '{}')::bigint + 1) WHERE key = 'zones';
  RETURN NULL;
END $$;

-- Maintains online_spans. It is a trigger because several statements take a rider offline: the rider, a missing position,
-- a suspension.
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

-- Refuses a row as a check does. The trigger's condition is the rule, and is evaluated only when one of its columns is set.
CREATE OR REPLACE FUNCTION row_refused() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = format('a row of %s breaks %s', TG_TABLE_NAME, TG_NAME);
END $$;

-- The ledger is immutable: a mistake is corrected by a new entry. Statement triggers cost inserts nothing.
CREATE OR REPLACE FUNCTION ledger_immutable() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only';
END $$;
