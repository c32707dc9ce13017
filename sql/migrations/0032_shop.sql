-- The vendor's own shop: items that wait for an admin, and the room on a menu.

-- Waits for approval (menu.approval_required): only its vendor and admins see it.
ALTER TABLE items ADD COLUMN hidden boolean NOT NULL DEFAULT false;

-- What a vendor asks an admin for while menu.approval_required is on. One open request for an item and kind: asking
-- again changes it.
CREATE TABLE menu_requests (
  id              text COLLATE "C" PRIMARY KEY,   -- mrq_…
  vendor_id       text COLLATE "C" NOT NULL,
  item_id         text COLLATE "C" NOT NULL,
  change_type     text COLLATE "C" NOT NULL CHECK (change_type IN ('NEW_ITEM', 'PRICE_UPDATE')),
  current_price   bigint,                         -- NULL: NEW_ITEM
  requested_price bigint NOT NULL,
  reason          text,
  status          text COLLATE "C" NOT NULL DEFAULT 'PENDING'
                  CHECK (status IN ('PENDING', 'APPROVED', 'REJECTED')),
  admin_notes     text,
  reviewed_by     text COLLATE "C",
  reviewed_at     timestamptz,
  created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX menu_requests_open ON menu_requests (item_id, change_type) WHERE status = 'PENDING';
CREATE INDEX menu_requests_listed ON menu_requests (status, created_at);

-- Whether a vendor's menu (500 items at most) has room for one more; NULL when there is no such vendor. Holds the vendor's
-- row until the end of the statement, so that two additions cannot both take the last place; a
-- function, because the count must see what others committed while it waited.
CREATE FUNCTION menu_has_room(vendor text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM vendors WHERE id = vendor FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT count(*) FROM items WHERE vendor_id = vendor AND deleted_at IS NULL) < 500;
END $$;

-- A member of a JSON object that is a list of texts, as an array; `otherwise` when it is not there.
CREATE FUNCTION json_texts(object jsonb, member text, otherwise text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN object ? member THEN ARRAY(SELECT jsonb_array_elements_text(object -> member)) ELSE otherwise END
$$;

-- What one of an item costs with what was chosen of it: 'v:ID*1;a:ID*2' (variant, add-ons with how many for each).
-- NULL when it has no such choice.
CREATE FUNCTION item_price(price bigint, variants jsonb, add_ons jsonb, chosen text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT price + CASE WHEN count(*) = count(extra) THEN sum(extra)::bigint END
    FROM (SELECT split_part(choice, '*', 2)::bigint * (
            SELECT (o ->> 'price')::bigint
              FROM jsonb_array_elements(CASE WHEN choice LIKE 'v:%' THEN variants ELSE add_ons END) o
             WHERE o ->> 'id' = substr(split_part(choice, '*', 1), 3) LIMIT 1) AS extra
            FROM string_to_table(chosen, ';') AS choice) c
$$;

-- When a period began: today, this week, month or year, in the business's days.
CREATE FUNCTION period_start(period text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT date_trunc(CASE period WHEN 'today' THEN 'day' ELSE period END, now() AT TIME ZONE business_zone())
    AT TIME ZONE business_zone()
$$;
