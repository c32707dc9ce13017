-- The business configuration for the console.

-- The setting that a flag switches, or NULL.
CREATE OR REPLACE FUNCTION flag_setting(flag text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE flag WHEN 'service.food' THEN 'services.food.enabled' WHEN 'service.mart' THEN 'services.mart.enabled'
    WHEN 'service.packages' THEN 'services.packages.enabled' WHEN 'service.package' THEN 'services.packages.enabled'
    WHEN 'delivery.verification_code' THEN flag WHEN 'enforce_business_hours' THEN flag
    WHEN 'menu.approval_required' THEN flag WHEN 'maintenance' THEN 'maintenanceMode' END
$$;

-- The FeatureFlag object. enabled: the effective value, which may come from a setting.
CREATE OR REPLACE FUNCTION flag_json(f feature_flags, enabled boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"key":', json_text(f.key), ',"enabled":', json_flag(enabled),
    ',"description":', json_text(f.description), ',"rollout_pct":', f.rollout_pct,
    ',"scope":', json_text(f.scope), ',"country_code":', json_text(f.country_code), ',"metadata":', f.metadata, '}')
$$;

-- The Zone object.
CREATE OR REPLACE FUNCTION zone_json(z zones) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"id":"', z.id, '","name":', json_text(z.name), ',"country_code":', json_text(z.country_code),
    ',"polygon":', z.polygon, ',"delivery_fee_override":', coalesce(z.delivery_fee_override::text, 'null'),
    ',"is_active":', json_flag(z.is_active), ',"created_at":', json_time(z.created_at), '}')
$$;

-- The configuration from settings as {"key": value, …}. Rates in basis points become fractions; those of the new
-- console's card (commission_rate, service_fee, rider_cut) and of the services become percents.
CREATE OR REPLACE FUNCTION config_json(s jsonb) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object(
    'commission_rate', (s -> 'services.food.commissionBps')::float8 / 100,
    'commission_rate_food', (s -> 'services.food.commissionBps')::float8 / 10000,
    'commission_rate_mart', (s -> 'services.mart.commissionBps')::float8 / 10000,
    'package_platform_fee', (s -> 'services.packages.commissionBps')::float8 / 10000,
    'service_fee', (s -> 'service_fee_bps')::float8 / 100,
    'rider_cut', (s -> 'rider_cut_bps')::float8 / 100,
    'delivery_fee_base', s -> 'delivery_fee_base',
    'base_delivery_fare', s -> 'delivery_fee_base',
    'delivery_fee_per_km', s -> 'delivery_fee_per_km',
    'free_delivery_threshold', s -> 'free_delivery_threshold',
    'min_order_amount', s -> 'min_order_amount',
    'max_order_amount', s -> 'max_order_amount',
    'rider_search_radius_m', s -> 'rider_search_radius_m',
    'delivery_max_distance_km', s -> 'delivery_max_distance_km',
    'maintenance_mode', s -> 'maintenanceMode',
    'min_payout', json_build_object('XAF', s -> 'min_payout.XAF', 'NGN', s -> 'min_payout.NGN',
      'KES', s -> 'min_payout.KES', 'GHS', s -> 'min_payout.GHS'),
    'services', json_build_object(
      'food', json_build_object('enabled', s -> 'services.food.enabled',
        'minOrderAmount', s -> 'services.food.minOrderAmount', 'deliveryFee', s -> 'services.food.deliveryFee',
        'commissionRate', (s -> 'services.food.commissionBps')::float8 / 100),
      'mart', json_build_object('enabled', s -> 'services.mart.enabled',
        'minOrderAmount', s -> 'services.mart.minOrderAmount', 'deliveryFee', s -> 'services.mart.deliveryFee',
        'commissionRate', (s -> 'services.mart.commissionBps')::float8 / 100),
      'packages', json_build_object('enabled', s -> 'services.packages.enabled',
        'baseFee', s -> 'services.packages.baseFee', 'feePerKm', s -> 'services.packages.feePerKm',
        'fragileFee', s -> 'services.packages.fragileFee', 'freeWeightKg', s -> 'services.packages.freeWeightKg',
        'feePerExtraKg', s -> 'services.packages.feePerExtraKg', 'maxWeight', s -> 'services.packages.maxWeight',
        'commissionRate', (s -> 'services.packages.commissionBps')::float8 / 100)),
    'settings', s - 'zones',
    'paymentMethods', s -> 'paymentMethods')::text
$$;
