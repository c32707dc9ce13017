-- The business configuration, feature flags and zones in the admin namespace.

-- Runs on the primary, so that an admin sees the change just made.
-- Columns: configuration, settings {"key": value, …}. Always one row.
-- name: admin_config_get
SELECT config_json(jsonb_object_agg(key, value)), jsonb_object_agg(key, value)::text FROM settings

-- name: admin_commission_get
SELECT json_build_object('commission_rate', c -> 'commission_rate', 'commission_rate_food', c -> 'commission_rate_food',
    'commission_rate_mart', c -> 'commission_rate_mart', 'package_platform_fee', c -> 'package_platform_fee')::text
  FROM (SELECT config_json(jsonb_object_agg(key, value))::jsonb AS c FROM settings) all_of_it

-- Writes the values that differ, in the order of the keys, so that two admins cannot deadlock.
--  $1 {"key": value, …}   $2 admin   $3 act   $4 request id
-- Columns: configuration as it is now. Always one row.
-- name: admin_config_put
WITH given AS MATERIALIZED (
  SELECT key, value FROM jsonb_each($1::jsonb) ORDER BY key COLLATE "C"
), written AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT key, value, $2::text FROM given
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
  RETURNING s.key, s.value
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $2::text, $3::text, 'config', jsonb_object_agg(key, value), $4::text FROM written HAVING count(*) > 0
)
SELECT config_json(jsonb_object_agg(s.key, s.value)
    || coalesce((SELECT jsonb_object_agg(w.key, w.value) FROM written w), '{}')) FROM settings s

-- Flags, by key. Columns: rows. Always one row.
-- name: admin_flag_list
SELECT '[' || coalesce(string_agg(flag_json(f, coalesce((s.value #>> '{}')::boolean, f.enabled)), ',' ORDER BY f.key), '') || ']'
  FROM feature_flags f LEFT JOIN settings s ON s.key = flag_setting(f.key)

-- Creates or changes a flag. NULL leaves a value; an empty description or country removes it. A flag that stands for a switch of
-- the server also writes that setting.
--  $1 key   $2 enabled   $3 description   $4 rollout   $5 scope   $6 country   $7 metadata
--  $8 admin   $9 act   $10 its details   $11 request id
-- Columns: row. Always one row.
-- name: admin_flag_put
WITH put AS (
  INSERT INTO feature_flags AS f (key, enabled, description, rollout_pct, scope, country_code, metadata)
  VALUES ($1::text, coalesce($2::boolean, false), coalesce($3::text, ''), coalesce($4::integer, 100),
          coalesce($5::text, 'GLOBAL'), nullif($6::text, ''), coalesce($7::jsonb, '{}'))
  ON CONFLICT (key) DO UPDATE
     SET enabled = coalesce($2::boolean, f.enabled), description = coalesce(changed($3::text, f.description), ''),
         rollout_pct = coalesce($4::integer, f.rollout_pct), scope = coalesce($5::text, f.scope),
         country_code = changed($6::text, f.country_code), metadata = coalesce($7::jsonb, f.metadata),
         updated_at = now()
  RETURNING f AS flag, f.enabled
), switched AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT flag_setting($1::text), to_jsonb($2::boolean), $8::text
   WHERE flag_setting($1::text) IS NOT NULL AND $2::boolean IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  VALUES ($8::text, $9::text, $1::text, $10::jsonb, $11::text)
)
SELECT flag_json(p.flag, coalesce($2::boolean,
    (SELECT (s.value #>> '{}')::boolean FROM settings s WHERE s.key = flag_setting($1::text)), p.enabled)) FROM put p

-- The setting that the flag switched does not change. $1 key, $2 admin, $3 act, $4 request id. No row: 404.
-- name: admin_flag_delete
WITH gone AS (
  DELETE FROM feature_flags WHERE key = $1::text RETURNING key
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.key, $4::text FROM gone g
RETURNING subject

-- Zones, by name. Columns: total, rows. Always one row. $1 limit, $2 offset.
-- name: admin_zone_list
SELECT (SELECT count(*) FROM zones),
  (SELECT '[' || coalesce(string_agg(zone_json(z), ',' ORDER BY z.name, z.id), '') || ']'
     FROM (SELECT * FROM zones ORDER BY name, id LIMIT $1::bigint OFFSET $2::bigint) page JOIN zones z USING (id))

-- name: admin_zone_get
SELECT zone_json(z) FROM zones z WHERE z.id = $1::text

--  $1 id   $2 name   $3 country   $4 polygon   $5 fee or NULL   $6 active   $7 admin   $8 act   $9 details   $10 request
-- name: admin_zone_add
WITH made AS (
  INSERT INTO zones AS z (id, name, country_code, polygon, delivery_fee_override, is_active)
  VALUES ($1::text, $2::text, $3::text, $4::jsonb, $5::bigint, $6::boolean)
  RETURNING z.id, z AS zone
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, m.id, $9::jsonb, $10::text FROM made m
)
SELECT zone_json(m.zone) FROM made m

-- NULL leaves a value; an empty fee removes it. No row: 404.
--  $1 id   $2 name   $3 country   $4 polygon   $5 fee   $6 active
--  $7 admin   $8 act   $9 details   $10 request id
-- name: admin_zone_edit
WITH changed AS (
  UPDATE zones z
     SET name = coalesce($2::text, name), country_code = coalesce($3::text, country_code),
         polygon = coalesce($4::jsonb, polygon),
         delivery_fee_override = changed($5::text, delivery_fee_override::text)::bigint,
         is_active = coalesce($6::boolean, is_active), updated_at = now()
   WHERE z.id = $1::text
  RETURNING z.id, z AS zone
), audited AS (
  INSERT INTO admin_audit (admin_id, act, subject, details, request_id)
  SELECT $7::text, $8::text, c.id, $9::jsonb, $10::text FROM changed c
)
SELECT zone_json(c.zone) FROM changed c

-- $1 id, $2 admin, $3 act, $4 request id. No row: 404.
-- name: admin_zone_delete
WITH gone AS (
  DELETE FROM zones WHERE id = $1::text RETURNING id
)
INSERT INTO admin_audit (admin_id, act, subject, request_id)
SELECT $2::text, $3::text, g.id, $4::text FROM gone g
RETURNING subject
