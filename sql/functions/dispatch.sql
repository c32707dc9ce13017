-- The search for a rider.

-- Whether an order needs a rider now.
CREATE OR REPLACE FUNCTION order_needs_rider(o orders) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT o.active AND o.rider_id IS NULL AND (o.status IN ('ACCEPTED', 'PREPARING', 'READY_FOR_PICKUP')
    OR o.order_type = 'PACKAGE' AND o.status = 'PENDING' AND (o.payment_status = 'PAID' OR o.payment_method = 'CASH'))
$$;
