-- What orders cost: checks that every update of a row repeated, and indexes that no statement needs.
--
-- PostgreSQL parses and evaluates the expression of each check for every insert and update of a row, whatever it changes. An
-- order changes eight rows of orders and seven of riders and vendors, and their checks took 9 % of the instructions for it.

-- The same rules as before, evaluated only when one of their columns is set. After the row, because a trigger before it locks
-- the row once more.
-- `status` is not one of the columns of orders_sound, because most acts set it: `active` is set with a final status, and
-- `reeyo audit` finds an order in which they differ (order_sound).
ALTER TABLE orders DROP CONSTRAINT orders_sound;
CREATE TRIGGER orders_sound
  AFTER INSERT OR UPDATE OF total, subtotal, delivery_fee, service_fee, discount, active ON orders
  FOR EACH ROW WHEN (NEW.total <> NEW.subtotal + NEW.delivery_fee + NEW.service_fee - NEW.discount
    OR NEW.active <> (NEW.status NOT IN ('DELIVERED', 'CANCELLED')))
  EXECUTE FUNCTION row_refused();

ALTER TABLE riders DROP CONSTRAINT riders_email_check, DROP CONSTRAINT riders_vehicle_type_check,
  DROP CONSTRAINT riders_approval_status_check, DROP CONSTRAINT riders_status_check, DROP CONSTRAINT riders_language_check;
CREATE TRIGGER riders_sound
  AFTER INSERT OR UPDATE OF email, vehicle_type, approval_status, status, language ON riders
  FOR EACH ROW WHEN (NEW.email <> lower(NEW.email)
    OR NEW.vehicle_type NOT IN ('MOTORCYCLE', 'BICYCLE', 'CAR', 'VAN')
    OR NEW.approval_status NOT IN ('PENDING', 'APPROVED', 'REJECTED', 'SUSPENDED')
    OR NEW.status NOT IN ('ACTIVE', 'INACTIVE') OR NEW.language NOT IN ('en', 'fr'))
  EXECUTE FUNCTION row_refused();

ALTER TABLE vendors DROP CONSTRAINT vendors_email_check, DROP CONSTRAINT vendors_service_type_check,
  DROP CONSTRAINT vendors_min_order_amount_check, DROP CONSTRAINT vendors_commission_bps_check,
  DROP CONSTRAINT vendors_status_check, DROP CONSTRAINT vendors_approval_status_check,
  DROP CONSTRAINT vendors_language_check, DROP CONSTRAINT vendors_online;
CREATE TRIGGER vendors_sound
  AFTER INSERT OR UPDATE OF email, service_type, min_order_amount, commission_bps, status, approval_status, is_online, language
  ON vendors
  FOR EACH ROW WHEN (NEW.email <> lower(NEW.email) OR NEW.service_type NOT IN ('FOOD', 'MART')
    OR NEW.min_order_amount < 0 OR NEW.commission_bps NOT BETWEEN 0 AND 10000 OR NEW.status NOT IN ('ACTIVE', 'INACTIVE')
    OR NEW.approval_status NOT IN ('PENDING', 'APPROVED', 'REJECTED', 'SUSPENDED')
    OR NEW.is_online AND NEW.approval_status <> 'APPROVED' OR NEW.language NOT IN ('en', 'fr'))
  EXECUTE FUNCTION row_refused();

-- Entries are written in order of their time, so ranges of pages are enough for the roll-ups and for sums since the last one.
DROP INDEX ledger_created;
CREATE INDEX ledger_created ON ledger USING brin (created_at) WITH (pages_per_range = 8, autosummarize = on);
-- ledger_handin_once finds the hand-ins of a rider.
DROP INDEX ledger_handed_in;
