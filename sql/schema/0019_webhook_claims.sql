-- Claiming a delivery sets busy_until and leaves next_at, so that no index changes. Deliveries under way to an endpoint are due, and
-- became due before the others: the first few of webhook_deliveries_next show how many there are.

-- Deliveries that one statement queues are due at the same time; the id gives them an order.
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (endpoint_id, next_at, id) WHERE state = 'QUEUED';
DROP INDEX webhook_deliveries_due;
DROP INDEX webhook_deliveries_busy;
DROP INDEX webhook_deliveries_created;
CREATE INDEX webhook_deliveries_created ON webhook_deliveries USING brin (created_at) WITH (autosummarize = on);
ALTER TABLE webhook_deliveries SET (fillfactor = 80);
