-- A customer's addresses. The writes return the whole User object; see sql/functions/accounts.sql.

-- name: address_list
SELECT addresses_json(u.id) FROM users u WHERE u.id = $1::text AND u.status <> 'DELETED'

-- name: address_add
SELECT a.json FROM address_add($1::text, $2::text, $3::text, $4::text, $5::text, $6::float8, $7::float8,
  $8::text, $9::boolean) AS a(json) WHERE a.json IS NOT NULL

-- name: address_change
SELECT a.json FROM address_change($1::text, $2::text, $3::text, $4::text, $5::text, $6::float8, $7::float8,
  $8::text, $9::boolean) AS a(json) WHERE a.json IS NOT NULL

-- name: address_delete
SELECT address_delete($1::text, $2::text)
