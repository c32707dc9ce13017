-- Vendors and their menus.

-- Vendors: shop, location, hours and terms.
CREATE TABLE vendors (
  id                       text COLLATE "C" PRIMARY KEY,
  email                    text COLLATE "C" CONSTRAINT vendors_email_key UNIQUE CHECK (email = lower(email)),
  phone                    text COLLATE "C" NOT NULL CONSTRAINT vendors_phone_key UNIQUE,
  password_hash            text NOT NULL,
  owner_name               text NOT NULL,
  business_name            text NOT NULL,
  service_type             text NOT NULL CHECK (service_type IN ('FOOD', 'MART')),
  business_type            text NOT NULL,
  description              text NOT NULL DEFAULT '',
  logo                     text,
  cover_image              text,
  address                  text NOT NULL,
  city                     text NOT NULL DEFAULT '',
  zone                     text,
  region                   text,
  country_code             text NOT NULL DEFAULT 'CM',
  lat                      double precision NOT NULL,
  lng                      double precision NOT NULL,
  rating_sum               bigint NOT NULL DEFAULT 0,
  total_ratings            bigint NOT NULL DEFAULT 0,
  total_orders             bigint NOT NULL DEFAULT 0,
  total_revenue            bigint NOT NULL DEFAULT 0,
  is_online                boolean NOT NULL DEFAULT false,
  business_hours           jsonb NOT NULL DEFAULT '{}',
  min_order_amount         bigint NOT NULL DEFAULT 0 CHECK (min_order_amount >= 0),
  average_preparation_time integer NOT NULL DEFAULT 30,
  delivery_radius          double precision,
  tags                     text[] NOT NULL DEFAULT '{}',
  badges                   text[] NOT NULL DEFAULT '{}',
  is_high_demand           boolean NOT NULL DEFAULT false,
  featured                 boolean NOT NULL DEFAULT false,
  commission_bps           integer CHECK (commission_bps BETWEEN 0 AND 10000),
  bank_details             jsonb,
  mobile_money_provider    text,
  mobile_money_number      text,
  documents                jsonb NOT NULL DEFAULT '{}',
  phone_verified           boolean NOT NULL DEFAULT false,
  email_verified           boolean NOT NULL DEFAULT false,
  status                   text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  approval_status          text NOT NULL DEFAULT 'PENDING'
                           CHECK (approval_status IN ('PENDING', 'APPROVED', 'REJECTED', 'SUSPENDED')),
  rejected_reason          text,
  language                 text NOT NULL DEFAULT 'fr' CHECK (language IN ('en', 'fr')),
  last_login               timestamptz,
  created_at               timestamptz NOT NULL DEFAULT now(),
  updated_at               timestamptz NOT NULL DEFAULT now(),
  -- Only an approved vendor may be online, whichever statement writes the row.
  CONSTRAINT vendors_online CHECK (NOT is_online OR approval_status = 'APPROVED')
) WITH (fillfactor = 70);
CREATE INDEX vendors_listed ON vendors (service_type) WHERE approval_status = 'APPROVED';
CREATE INDEX vendors_search ON vendors
  USING gin (search_text(business_name, owner_name, phone, email, city) gin_trgm_ops);
CREATE INDEX vendors_shown_search ON vendors
  USING gin (search_text(business_name, description, texts_joined(tags)) gin_trgm_ops);

-- Items on menus.
CREATE TABLE items (
  id               text COLLATE "C" PRIMARY KEY,
  vendor_id        text COLLATE "C" NOT NULL REFERENCES vendors,
  name             text NOT NULL,
  description      text NOT NULL DEFAULT '',
  category         text NOT NULL,
  price            bigint NOT NULL CHECK (price >= 0),
  original_price   bigint CHECK (original_price >= 0),
  preparation_time integer NOT NULL DEFAULT 20,
  available        boolean NOT NULL DEFAULT true,
  stock            integer CHECK (stock >= 0),  -- NULL: not counted
  unit             text,
  images           text[] NOT NULL DEFAULT '{}',
  tags             text[] NOT NULL DEFAULT '{}',
  variants         jsonb NOT NULL DEFAULT '[]',
  add_ons          jsonb NOT NULL DEFAULT '[]',
  is_upsell        boolean NOT NULL DEFAULT false,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  deleted_at       timestamptz,
  -- Waits for approval (menu.approval_required): visible only to its vendor and admins.
  hidden           boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX items_vendor ON items (vendor_id) WHERE deleted_at IS NULL;

-- Requests of vendors to admins while menu.approval_required is on. One open request per item and kind; a new request
-- changes it.
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
