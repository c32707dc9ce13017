-- Accounts of all four kinds: USER, VENDOR, RIDER, ADMIN (a super-admin is an ADMIN with another role), and the
-- customer's own profile. Code that runs rarely (a new password, a code) exists once and builds its table name when it
-- runs. Code that runs with every log-in and refresh reads the view accounts.
--
-- Each writing function locks the account's row first. So a concurrent change is either visible to its later
-- statements, or happens after the whole function.

-- --- Accounts -----------------------------------------------------------------------------------------

-- All accounts that can log in. standing: ACTIVE, INACTIVE, SUSPENDED or DELETED, derived from the columns of the kind;
-- a rider or vendor who waits for approval is ACTIVE here, because such an account may log in and read. proved: no code
-- is needed any more. A statement that names the kind runs one branch; PostgreSQL skips the others.
CREATE OR REPLACE VIEW accounts AS
SELECT 'USER'::text AS kind, id, phone, email, password_hash, phone_verified AS proved, status AS standing, 'USER'::text AS role
  FROM users
UNION ALL
SELECT 'VENDOR'::text, id, phone, email, password_hash, phone_verified AND email_verified,
       CASE approval_status WHEN 'SUSPENDED' THEN 'SUSPENDED' ELSE status END, 'VENDOR'::text
  FROM vendors
UNION ALL
SELECT 'RIDER'::text, id, phone, email, password_hash, phone_verified,
       CASE approval_status WHEN 'SUSPENDED' THEN 'SUSPENDED' ELSE 'ACTIVE' END, 'RIDER'::text
  FROM riders
UNION ALL
SELECT 'ADMIN'::text, id, NULL::text COLLATE "C", email, password_hash, true, status, role
  FROM admins;

-- The table of a kind of account.
CREATE OR REPLACE FUNCTION account_table(kind text) RETURNS regclass LANGUAGE sql STABLE AS $$
  SELECT CASE kind WHEN 'USER' THEN 'users' WHEN 'VENDOR' THEN 'vendors' WHEN 'RIDER' THEN 'riders'
    WHEN 'ADMIN' THEN 'admins' END::regclass
$$;

-- The account as it sees itself.
CREATE OR REPLACE FUNCTION account_json(kind text, account text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE kind
    WHEN 'USER' THEN (SELECT user_json(u) FROM users u WHERE u.id = account)
    WHEN 'VENDOR' THEN (SELECT vendor_self_json(v) FROM vendors v WHERE v.id = account)
    WHEN 'RIDER' THEN (SELECT rider_json(r) FROM riders r WHERE r.id = account)
    WHEN 'ADMIN' THEN (SELECT admin_json(a) FROM admins a WHERE a.id = account) END
$$;

-- Publishes the event with which instances invalidate what they cached about a vendor or rider. Data of a customer is
-- cached under `user:{id}` only.
CREATE OR REPLACE FUNCTION account_publish_change(kind text, account text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO event_log (aggregate, type, rooms, payload)
  SELECT account, lower(kind) || '_changed', ARRAY[lower(kind) || ':' || account],
         json_build_object(lower(kind) || 'Id', account, 'timestamp', iso(now()))
   WHERE kind IN ('VENDOR', 'RIDER')
$$;

-- --- Customers ----------------------------------------------------------------------------------------

-- The Address object.
CREATE OR REPLACE FUNCTION address_json(a addresses) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":' || json_word(a.id) || ',"addressId":' || json_word(a.id)
    || ',"label":' || json_text(a.label)
    || ',"address":' || json_text(a.address) || ',"fullAddress":' || json_text(a.address)
    || ',"city":' || json_text(a.city) || ',"coordinates":' || json_point(a.lat, a.lng)
    || ',"instructions":' || json_text(a.instructions)
    || ',"isDefault":' || json_flag(a.is_default) || ',"createdAt":' || json_time(a.created_at) || '}'
$$;

-- The addresses of a customer as a JSON array, the default one first.
CREATE OR REPLACE FUNCTION addresses_json(owner text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '[' || coalesce(string_agg(address_json(a), ',' ORDER BY a.is_default DESC, a.id), '') || ']'
    FROM addresses a WHERE a.user_id = owner
$$;

-- The User object. addresses: the JSON array, so that a statement that has just written an address can pass its own (a
-- statement does not see its own writes).
CREATE OR REPLACE FUNCTION user_json_with(u users, addresses text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"userId":' || json_word(u.id)
    || ',"firstName":' || json_text(u.first_name) || ',"lastName":' || json_text(u.last_name)
    || ',"name":' || json_text(btrim(u.first_name || ' ' || u.last_name))
    || ',"phone":' || json_text(u.phone) || ',"email":' || json_text(u.email)
    || ',"profilePicture":' || json_text(u.profile_picture)
    || ',"isPhoneVerified":' || json_flag(u.phone_verified)
    || ',"isEmailVerified":' || json_flag(u.email_verified)
    || ',"status":' || json_word(u.status) || ',"language":' || json_word(u.language)
    || ',"addresses":' || addresses
    || ',"favoriteVendors":' || array_to_json(u.favourite_vendors)::text
    || ',"createdAt":' || json_time(u.created_at) || ',"updatedAt":' || json_time(u.updated_at)
    || ',"lastLogin":' || json_time(u.last_login) || '}'
$$;

-- The User object with its stored addresses.
CREATE OR REPLACE FUNCTION user_json(u users) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT user_json_with(u, addresses_json(u.id))
$$;

-- Locks the account's row; raises ACCOUNT_GONE.
CREATE OR REPLACE FUNCTION user_lock(account text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE users SET updated_at = now() WHERE id = account AND status <> 'DELETED';
  IF NOT FOUND THEN
    PERFORM fail('ACCOUNT_GONE');
  END IF;
END $$;

-- Adds an address. Returns the User object, or NULL when there are 50 addresses already.
CREATE OR REPLACE FUNCTION address_add(owner text, new_id text, new_label text, new_address text, new_city text,
  new_lat double precision, new_lng double precision, new_instructions text, make_default boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  present bigint;
BEGIN
  PERFORM user_lock(owner);
  SELECT count(*) INTO present FROM addresses WHERE user_id = owner;
  IF present >= 50 THEN
    RETURN NULL;
  END IF;
  IF make_default THEN
    UPDATE addresses SET is_default = false WHERE user_id = owner AND is_default;
  END IF;
  INSERT INTO addresses (id, user_id, label, address, city, lat, lng, instructions, is_default)
  VALUES (new_id, owner, new_label, new_address, new_city, new_lat, new_lng, new_instructions,
          make_default OR present = 0);
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;

-- Changes an address. NULL keeps a value; an empty instruction clears it. Returns the User object, or NULL when the
-- account has no such address.
CREATE OR REPLACE FUNCTION address_change(owner text, which text, new_label text, new_address text, new_city text,
  new_lat double precision, new_lng double precision, new_instructions text, make_default boolean)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM user_lock(owner);
  IF make_default THEN
    UPDATE addresses SET is_default = false WHERE user_id = owner AND is_default AND id <> which
       AND EXISTS (SELECT 1 FROM addresses WHERE id = which AND user_id = owner);
  END IF;
  UPDATE addresses
     SET label = coalesce(new_label, label), address = coalesce(new_address, address),
         city = coalesce(new_city, city), lat = coalesce(new_lat, lat), lng = coalesce(new_lng, lng),
         instructions = changed(new_instructions, instructions),
         is_default = is_default OR make_default, updated_at = now()
   WHERE id = which AND user_id = owner;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;

-- Deletes an address and returns the User object. The newest remaining address replaces a deleted default.
CREATE OR REPLACE FUNCTION address_delete(owner text, which text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM user_lock(owner);
  DELETE FROM addresses WHERE id = which AND user_id = owner;
  UPDATE addresses SET is_default = true
   WHERE id = (SELECT id FROM addresses WHERE user_id = owner ORDER BY id DESC LIMIT 1)
     AND NOT EXISTS (SELECT 1 FROM addresses WHERE user_id = owner AND is_default);
  RETURN (SELECT user_json(u) FROM users u WHERE u.id = owner);
END $$;

-- --- Admins -------------------------------------------------------------------------------------------

-- The admin object.
CREATE OR REPLACE FUNCTION admin_json(a admins) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT '{"id":' || json_word(a.id) || ',"name":' || json_text(a.name) || ',"email":' || json_text(a.email)
    || ',"role":' || json_word(a.role) || ',"status":' || json_word(a.status)
    || ',"last_login_at":' || json_time(a.last_login) || ',"created_at":' || json_time(a.created_at) || '}'
$$;

-- Creates an admin, or gives an existing one a new password and role and unlocks it. only_first: only when there is no
-- admin at all. Returns CREATED, CHANGED or EXISTS. The lock serialises instances that start at the same time.
CREATE OR REPLACE FUNCTION admin_create(new_id text, new_email text, new_name text, new_role text, hash text, only_first boolean,
  access_life bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  known text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('admin_create'));
  IF only_first AND EXISTS (SELECT 1 FROM admins) THEN
    RETURN 'EXISTS';
  END IF;
  SELECT id INTO known FROM admins WHERE email = new_email FOR UPDATE;
  IF known IS NULL THEN
    INSERT INTO admins (id, email, name, role, password_hash) VALUES (new_id, new_email, new_name, new_role, hash);
    RETURN 'CREATED';
  END IF;
  PERFORM account_set_password('ADMIN', known, NULL, hash, NULL, access_life);
  UPDATE admins SET role = new_role, status = 'ACTIVE', failures = 0, locked_until = NULL WHERE id = known;
  RETURN 'CHANGED';
END $$;
