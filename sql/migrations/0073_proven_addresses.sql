-- Whether the owner of an account has proved the address that a channel reaches him at. A device gives its token itself.
CREATE FUNCTION message_address_proven(kind text, recipient text, channel text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT channel = 'PUSH' OR coalesce(CASE kind
    WHEN 'USER' THEN (SELECT CASE channel WHEN 'SMS' THEN u.phone_verified ELSE u.email_verified END
                        FROM users u WHERE u.id = recipient)
    WHEN 'VENDOR' THEN (SELECT CASE channel WHEN 'SMS' THEN v.phone_verified ELSE v.email_verified END
                          FROM vendors v WHERE v.id = recipient)
    WHEN 'RIDER' THEN (SELECT CASE channel WHEN 'SMS' THEN r.phone_verified ELSE r.email_verified END
                         FROM riders r WHERE r.id = recipient) END, false)
$$;
