-- What an update leaves as it is, sets, and clears.

-- A text parameter of an update: NULL leaves what there is, an empty text clears it.
CREATE FUNCTION changed(given text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given = '' THEN NULL ELSE coalesce(given, now) END
$$;

-- The same of a member of a JSON object: absent leaves what there is, null or an empty text clears it.
CREATE FUNCTION changed(given jsonb, member text, now text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN given ? member THEN nullif(given ->> member, '') ELSE now END
$$;

CREATE OR REPLACE FUNCTION address_change(owner text, which text, new_label text, new_address text, new_city text,
  new_lat double precision, new_lng double precision, new_instructions text, make_default boolean)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM user_take(owner);
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
