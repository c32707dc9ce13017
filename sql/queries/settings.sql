-- The business settings and the zones.

-- Polled once a second by every loop of every instance; when it differs from the last answer, settings_get is run.
-- name: settings_version
-- columns: version
SELECT sum(seq)::bigint AS version FROM settings

-- settings: {"key": value, …}. zones: [{"id","name","polygon":[[lat,lng],…],"fee"}], the active ones with a fee of their own.
-- Always one row.
-- name: settings_get
-- columns: version, settings, zones
SELECT coalesce(sum(s.seq), 0)::bigint AS version, coalesce(json_object_agg(s.key, s.value), '{}')::text AS settings,
  (SELECT '[' || coalesce(string_agg('{"id":' || json_word(z.id) || ',"name":' || json_text(z.name)
     || ',"polygon":' || z.polygon::text || ',"fee":' || z.delivery_fee_override || '}', ',' ORDER BY z.id), '') || ']'
     FROM zones z WHERE z.is_active AND z.delivery_fee_override IS NOT NULL) AS zones
  FROM settings s

-- Writes the settings of {"key": value, …} that are missing. written: how many.
-- name: settings_seed
-- columns: written
WITH written AS (
  INSERT INTO settings (key, value) SELECT d.key, d.value FROM jsonb_each(:defaults::jsonb) d
  ON CONFLICT (key) DO NOTHING RETURNING key
)
SELECT count(*) AS written FROM written
