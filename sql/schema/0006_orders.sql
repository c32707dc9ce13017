-- Orders. One row holds everything, so reading an order reads one page and placing one is one insert.
--
-- No foreign keys: they would lock the row of the user and of the vendor for every order (all orders of a vendor share that
-- row), and accounts are never removed. There are few indexes, to keep writes cheap. Snapshots and lists are `json`, not
-- jsonb: they are written once and sent as they are.

CREATE TABLE orders (
  id                    text COLLATE "C" PRIMARY KEY,
  order_number          text COLLATE "C" NOT NULL CONSTRAINT orders_number_key UNIQUE,
  order_type            text COLLATE "C" NOT NULL,                   -- FOOD, MART, PACKAGE
  status                text COLLATE "C" NOT NULL,
  -- True until the status is final. The indexes use this column instead of status: it changes once in an order's life, so
  -- every other change of status stays within its page (HOT).
  active                boolean NOT NULL DEFAULT true,
  user_id               text COLLATE "C" NOT NULL,
  user_name             text NOT NULL,
  user_phone            text NOT NULL,
  vendor_id             text COLLATE "C",          -- NULL: PACKAGE
  vendor_name           text,
  rider_id              text COLLATE "C",
  rider_name            text,
  rider_phone           text,
  items                 json NOT NULL DEFAULT '[]',
  package_details       json,
  subtotal              bigint NOT NULL,
  delivery_fee          bigint NOT NULL,
  service_fee           bigint NOT NULL DEFAULT 0,
  discount              bigint NOT NULL DEFAULT 0,
  total                 bigint NOT NULL,
  -- The waived part of the delivery fee, which the platform pays the rider.
  funded_fee            bigint NOT NULL DEFAULT 0,
  commission_bps        integer NOT NULL,
  distance              double precision NOT NULL,  -- km
  payment_method        text COLLATE "C" NOT NULL,          -- WALLET, MOBILE_MONEY, CASH, CARD
  payment_status        text COLLATE "C" NOT NULL,          -- PENDING, PAID, FAILED, REFUNDED
  payment_reference     text COLLATE "C",
  pickup_address        json,                       -- as the client sent it (PACKAGE)
  pickup_text           text NOT NULL,
  pickup_lat            double precision NOT NULL,
  pickup_lng            double precision NOT NULL,
  delivery_address      json NOT NULL,
  delivery_text         text NOT NULL,
  delivery_lat          double precision NOT NULL,
  delivery_lng          double precision NOT NULL,
  delivery_instructions text,
  notes                 text,
  preparation_time      integer,
  estimated_delivery_at timestamptz,
  cancel_reason         text,
  cancelled_by          text COLLATE "C",                   -- USER, VENDOR, RIDER, ADMIN, SYSTEM
  rejection_reason      text,
  rating                json,
  pickup_photos         json NOT NULL DEFAULT '[]',
  delivery_photos       json NOT NULL DEFAULT '[]',
  verification_code     text,
  timeline              json NOT NULL,
  created_at            timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now(),
  accepted_at           timestamptz,
  preparing_at          timestamptz,
  ready_at              timestamptz,
  rider_assigned_at     timestamptz,
  arrived_at_pickup_at  timestamptz,
  picked_up_at          timestamptz,
  arrived_at_delivery_at timestamptz,
  delivered_at          timestamptz,
  cancelled_at          timestamptz,
  settled_at            timestamptz,
  -- Why the order needs an admin: its rider may not work any more (RIDER_SUSPENDED, RIDER_UNAVAILABLE) or does not report
  -- positions (RIDER_SILENT). NULL: it does not. Set and cleared by the server only.
  attention             text COLLATE "C",
  -- A single constraint, because PostgreSQL parses the expression of each constraint for every insert (seventeen constraints
  -- took 70 of 490 microseconds). Words come from our own statements, which the tests cover.
  CONSTRAINT orders_sound CHECK (total = subtotal + delivery_fee + service_fee - discount
    AND active = (status NOT IN ('DELIVERED', 'CANCELLED')))
) WITH (fillfactor = 70);
-- Lists of an account, newest first: active and past orders are one range each; all orders merge the two ranges.
CREATE INDEX orders_user ON orders (user_id, active, created_at);
CREATE INDEX orders_vendor ON orders (vendor_id, active, created_at) WHERE vendor_id IS NOT NULL;
CREATE INDEX orders_rider ON orders (rider_id, active, created_at) WHERE rider_id IS NOT NULL;
-- For timers and the live view. Small, because it contains only active orders.
CREATE INDEX orders_open ON orders (created_at) WHERE active;
-- The few orders that wait for a payment: a vendor's list is all orders of the vendor except these. payment_status changes
-- only with `active` or from here to PAID, so no other change of an order leaves its page.
CREATE INDEX orders_unpaid ON orders (vendor_id, created_at)
  WHERE vendor_id IS NOT NULL AND payment_method <> 'CASH' AND payment_status NOT IN ('PAID', 'REFUNDED');
-- Earnings by time, with index-only scans. settled_at changes once, together with `active`, so the other steps of an order
-- stay within their page. Riders' earnings are read from the ledger.
CREATE INDEX orders_vendor_settled ON orders (vendor_id, settled_at) INCLUDE (subtotal, commission_bps)
  WHERE settled_at IS NOT NULL AND vendor_id IS NOT NULL;
-- Past orders by time of placing and by time of delivery, with index-only scans. An order enters both indexes in the update
-- that changes `active`; nothing in them changes after that. `status` is not in them, because a change of an indexed column
-- writes to all indexes; settled_at shows how an order ended.
CREATE INDEX orders_past ON orders (created_at) INCLUDE (settled_at, total, payment_method, vendor_id, user_id)
  WHERE active IS FALSE;
CREATE INDEX orders_settled ON orders (settled_at) INCLUDE (total, subtotal, vendor_id, rider_id)
  WHERE settled_at IS NOT NULL;
-- The few orders that need an admin.
CREATE INDEX orders_attention ON orders (id) WHERE attention IS NOT NULL;

-- The last basket of each customer: the same basket within the duplicate window is a double tap.
CREATE TABLE baskets (
  user_id   text COLLATE "C" NOT NULL,
  basket    text COLLATE "C" NOT NULL,    -- a hash of items, vendor and address
  placed_at timestamptz NOT NULL DEFAULT now(),
  order_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, basket)
) WITH (fillfactor = 70);
CREATE INDEX baskets_placed ON baskets USING brin (placed_at) WITH (autosummarize = on);

-- Wrong delivery codes given for an order: after five, no more are accepted.
CREATE TABLE code_tries (
  order_id text COLLATE "C" PRIMARY KEY,
  tries    integer NOT NULL
);

-- A customer's rating of the vendor or the rider of a delivered order; a second rating replaces the first.
CREATE TABLE ratings (
  order_id  text COLLATE "C" NOT NULL,
  target    text COLLATE "C" NOT NULL CHECK (target IN ('VENDOR', 'RIDER')),
  target_id text COLLATE "C" NOT NULL,
  user_id   text COLLATE "C" NOT NULL,
  stars     integer NOT NULL CHECK (stars BETWEEN 1 AND 5),
  review    text,
  rated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, target)
);
CREATE INDEX ratings_target ON ratings (target_id, rated_at);

-- A customer's complaint about an order.
CREATE TABLE disputes (
  id            text COLLATE "C" PRIMARY KEY,       -- dsp_…
  ticket_number text COLLATE "C" NOT NULL CONSTRAINT disputes_ticket_key UNIQUE,
  user_id       text COLLATE "C" NOT NULL,
  user_name     text NOT NULL,
  order_id      text COLLATE "C" NOT NULL,
  order_number  text COLLATE "C" NOT NULL,
  category      text NOT NULL,
  subject       text NOT NULL,
  description   text NOT NULL,
  status        text COLLATE "C" NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RESOLVED', 'REJECTED')),
  priority      text COLLATE "C" NOT NULL DEFAULT 'MEDIUM' CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH')),
  resolution    text,
  refund_amount bigint,
  resolved_by   text COLLATE "C",
  created_at    timestamptz NOT NULL DEFAULT now(),
  resolved_at   timestamptz
);
CREATE INDEX disputes_user ON disputes (user_id, id);
CREATE INDEX disputes_order ON disputes (order_id);
CREATE INDEX disputes_status ON disputes (status, id);
-- One open dispute for an order and category.
CREATE UNIQUE INDEX disputes_open ON disputes (order_id, lower(category)) WHERE status = 'OPEN';

-- Problems that riders report about an order.
CREATE TABLE rider_issues (
  id          text COLLATE "C" PRIMARY KEY,       -- iss_…
  order_id    text COLLATE "C" NOT NULL,
  rider_id    text COLLATE "C" NOT NULL,
  issue_type  text COLLATE "C" NOT NULL
              CHECK (issue_type IN ('CUSTOMER_NOT_AVAILABLE', 'WRONG_ADDRESS', 'DAMAGED_ITEMS', 'OTHER')),
  description text NOT NULL,
  photo       text,
  occurred_at timestamptz NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX rider_issues_order ON rider_issues (order_id);
