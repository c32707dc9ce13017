-- The split of an order, computed by the server (src/domain/split.c) when the order is placed. rider_cut_bps is the rate
-- that applied then, as commission_bps is; the amounts follow from the two rates and the prices of the order.
--  vendor_share: what the vendor gets. rider_earnings: what the rider gets, with what the platform pays for free delivery.
--  commission: the platform's commission. NULL: placed by a release that did not store them; completing the order does.
ALTER TABLE orders ADD COLUMN rider_cut_bps integer NOT NULL DEFAULT 0, ADD COLUMN commission bigint,
  ADD COLUMN vendor_share bigint, ADD COLUMN rider_earnings bigint;

-- Orders from before: until now the cut of the day of completion applied, so orders under way get today's. A settled order
-- has the amounts that were booked.
UPDATE orders SET rider_cut_bps = coalesce((SELECT (value #>> '{}')::numeric::integer FROM settings WHERE key = 'rider_cut_bps'), 0)
 WHERE active;
UPDATE orders o
   SET commission = c.amount, vendor_share = CASE WHEN o.vendor_id IS NULL THEN 0 ELSE o.subtotal - c.amount END,
       rider_earnings = CASE
         WHEN o.settled_at IS NOT NULL THEN (SELECT coalesce(sum(l.amount), 0) FROM ledger l
           WHERE l.order_id = o.id AND l.to_kind = 'RIDER' AND l.category = 'DELIVERY_FEE')
         WHEN o.vendor_id IS NULL THEN o.total - c.amount
         ELSE o.delivery_fee - (o.delivery_fee * o.rider_cut_bps + 5000) / 10000
           + o.funded_fee - (o.funded_fee * o.rider_cut_bps + 5000) / 10000 END
  FROM (SELECT id, (CASE WHEN vendor_id IS NULL THEN total ELSE subtotal END * commission_bps + 5000) / 10000 AS amount
          FROM orders) c
 WHERE c.id = o.id;

-- Earnings of vendors by time, from the index alone.
CREATE INDEX orders_vendor_earned ON orders (vendor_id, settled_at) INCLUDE (subtotal, vendor_share)
  WHERE settled_at IS NOT NULL AND vendor_id IS NOT NULL;
DROP INDEX orders_vendor_settled;
