-- Searching as people type: no case, no accents, and one form of each letter, on both sides. Both the text that is
-- searched and the text that is sought go through search_fold, so they cannot differ in it.

-- "contains" by an index
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Compatibility forms apart (é is e and its accent, a no-break space a space), lower case, then without marks and what
-- has no width. Letters that no accent makes, and signs that keyboards swap, are listed. The collation is named, so that
-- the result does not depend on the database's.
CREATE FUNCTION search_fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT replace(replace(replace(translate(regexp_replace(lower(normalize(value, NFKD) COLLATE "und-x-icu"),
    '[\u0300-\u036F\u0483-\u0489\u0591-\u05BD\u0610-\u061A\u064B-\u065F\u0670\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF'
    || '\uFE00-\uFE0F\uFE20-\uFE2F\u00AD\u200B-\u200F\u2060\uFEFF]', '', 'g'),
    'ɓɗŋɲɛəǝɔɨʉøđłıħƴƙς’‘ʼʻ‛′`´‐‑–—', 'bdnneeeoiuodlihykσ''''''''''''''''----'),
    'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss')
$$;

-- What one row is found by: its texts, each on a line of its own, which no sought text reaches across.
CREATE FUNCTION search_text(a text, b text DEFAULT NULL, c text DEFAULT NULL, d text DEFAULT NULL, e text DEFAULT NULL)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT search_fold(coalesce(a, '') || E'\n' || coalesce(b, '') || E'\n' || coalesce(c, '') || E'\n'
    || coalesce(d, '') || E'\n' || coalesce(e, ''))
$$;

-- The pattern that finds it.
CREATE FUNCTION search_like(sought text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT like_text(search_fold(sought))
$$;

-- array_to_string is not immutable, for elements whose text depends on settings; these are texts.
CREATE FUNCTION texts_joined(list text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN array_to_string(list, E'\n');
END $$;

-- The expressions are those of the statements that search.
CREATE INDEX users_search ON users USING gin (search_text(first_name || ' ' || last_name, phone, email) gin_trgm_ops);
CREATE INDEX riders_search ON riders
  USING gin (search_text(first_name || ' ' || last_name, phone, email, vehicle_details ->> 'plateNumber') gin_trgm_ops);
CREATE INDEX vendors_search ON vendors
  USING gin (search_text(business_name, owner_name, phone, email, city) gin_trgm_ops);
CREATE INDEX vendors_shown_search ON vendors
  USING gin (search_text(business_name, description, texts_joined(tags)) gin_trgm_ops);
