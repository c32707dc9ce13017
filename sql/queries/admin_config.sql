-- The business configuration, feature flags and zones in the admin namespace.

-- Runs on the primary, so that an admin sees the change just made.
-- settings: {"key": value, …}. Always one row.
-- name: admin_config_get
-- columns: config, settings
SELECT config_json(jsonb_object_agg(key, value)) AS config, jsonb_object_agg(key, value)::text AS settings FROM settings

-- name: admin_commission_get
-- columns: commission
SELECT json_build_object('commission_rate', c -> 'commission_rate', 'commission_rate_food', c -> 'commission_rate_food',
    'commission_rate_mart', c -> 'commission_rate_mart', 'package_platform_fee', c -> 'package_platform_fee')::text AS commission
  FROM (SELECT config_json(jsonb_object_agg(key, value))::jsonb AS c FROM settings) all_of_it

-- Writes the values that differ, in the order of the keys, so that two admins cannot deadlock.
-- changes: {"key": value, …}. The result is the new configuration. Always one row.
-- name: admin_config_put
-- columns: config, audit_id
WITH given AS MATERIALIZED (
  SELECT key, value FROM jsonb_each(:changes::jsonb) ORDER BY key COLLATE "C"
), written AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT key, value, :admin_id::text FROM given
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
  RETURNING s.key, s.value
), audited AS (
  SELECT admin_audit_add(:audit::jsonb, 'config', jsonb_object_agg(key, value)) AS id FROM written HAVING count(*) > 0
)
SELECT config_json(jsonb_object_agg(s.key, s.value)
    || coalesce((SELECT jsonb_object_agg(w.key, w.value) FROM written w), '{}')) AS config, (SELECT id FROM audited) AS audit_id
  FROM settings s

-- Flags, by key. Always one row.
-- name: admin_flag_list
-- columns: flags
SELECT '[' || coalesce(string_agg(flag_json(f, coalesce((s.value #>> '{}')::boolean, f.enabled)), ',' ORDER BY f.key), '') || ']' AS flags
  FROM feature_flags f LEFT JOIN settings s ON s.key = flag_setting(f.key)

-- Creates or changes a flag. NULL leaves a value; an empty description or country removes it. A flag that stands for a switch of
-- the server also writes that setting.
-- Always one row.
-- name: admin_flag_put
-- columns: flag, audit_id
WITH put AS (
  INSERT INTO feature_flags AS f (key, enabled, description, rollout_pct, scope, country_code, metadata)
  VALUES (:key::text, coalesce(:enabled?::boolean, false), coalesce(:description::text, ''), coalesce(:rollout_pct?::integer, 100),
          coalesce(:scope::text, 'GLOBAL'), nullif(:country_code::text, ''), coalesce(:metadata::jsonb, '{}'))
  ON CONFLICT (key) DO UPDATE
     SET enabled = coalesce(:enabled, f.enabled), description = coalesce(changed(:description, f.description), ''),
         rollout_pct = coalesce(:rollout_pct, f.rollout_pct), scope = coalesce(:scope, f.scope),
         country_code = changed(:country_code, f.country_code), metadata = coalesce(:metadata, f.metadata),
         updated_at = now()
  RETURNING f AS flag, f.enabled, admin_audit_add(:audit::jsonb, f.key) AS audit_id
), switched AS (
  INSERT INTO settings AS s (key, value, updated_by)
  SELECT flag_setting(:key), to_jsonb(:enabled), :admin_id::text
   WHERE flag_setting(:key) IS NOT NULL AND :enabled IS NOT NULL
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_by = excluded.updated_by
    WHERE s.value IS DISTINCT FROM excluded.value
)
SELECT flag_json(p.flag, coalesce(:enabled,
    (SELECT (s.value #>> '{}')::boolean FROM settings s WHERE s.key = flag_setting(:key)), p.enabled)) AS flag, p.audit_id
  FROM put p

-- The setting that the flag switched does not change. No row: 404.
-- name: admin_flag_delete
-- columns: audit_id
DELETE FROM feature_flags WHERE key = :key::text RETURNING admin_audit_add(:audit::jsonb, key) AS audit_id

-- Zones, by name. Always one row.
-- name: admin_zone_list
-- columns: total, rows
SELECT (SELECT count(*) FROM zones) AS total,
  (SELECT '[' || coalesce(string_agg(zone_json(z), ',' ORDER BY z.name, z.id), '') || ']'
     FROM (SELECT * FROM zones ORDER BY name, id LIMIT :limit::bigint OFFSET :offset::bigint) page JOIN zones z USING (id)) AS rows

-- name: admin_zone_get
-- columns: zone
SELECT zone_json(z) AS zone FROM zones z WHERE z.id = :zone_id::text

-- name: admin_zone_add
-- columns: zone, audit_id
INSERT INTO zones AS z (id, name, country_code, polygon, delivery_fee_override, is_active)
VALUES (:zone_id::text, :name::text, :country_code::text, :polygon::jsonb, :delivery_fee?::bigint, :is_active::boolean)
RETURNING zone_json(z) AS zone, admin_audit_add(:audit::jsonb, z.id) AS audit_id

-- NULL leaves a value; an empty fee removes it. No row: 404.
-- name: admin_zone_edit
-- columns: zone, audit_id
UPDATE zones z
   SET name = coalesce(:name::text, name), country_code = coalesce(:country_code::text, country_code),
       polygon = coalesce(:polygon::jsonb, polygon),
       delivery_fee_override = changed(:delivery_fee::text, delivery_fee_override::text)::bigint,
       is_active = coalesce(:is_active?::boolean, is_active), updated_at = now()
 WHERE z.id = :zone_id::text
RETURNING zone_json(z) AS zone, admin_audit_add(:audit::jsonb, z.id) AS audit_id

-- No row: 404.
-- name: admin_zone_delete
-- columns: audit_id
DELETE FROM zones WHERE id = :zone_id::text RETURNING admin_audit_add(:audit::jsonb, id) AS audit_id
