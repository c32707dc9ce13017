-- One open dispute per order and kind. Of several that are open now the first stays: what the others say is still there.
UPDATE disputes d SET status = 'REJECTED', resolution = 'Filed twice', resolved_at = now()
 WHERE d.status = 'OPEN' AND EXISTS (SELECT FROM disputes e WHERE e.status = 'OPEN' AND e.order_id = d.order_id
   AND lower(e.category) = lower(d.category) AND e.id < d.id);
CREATE UNIQUE INDEX disputes_open ON disputes (order_id, lower(category)) WHERE status = 'OPEN';
