-- A customer's addresses. The writes return the whole User object; see sql/functions/accounts.sql.

-- No row: there is no such account.
-- name: address_list
-- columns: addresses
SELECT addresses_json(u.id) AS addresses FROM users u WHERE u.id = :user_id::text AND u.status <> 'DELETED'

-- No row: there are too many addresses.
-- name: address_add
-- columns: user
SELECT a.json AS user FROM address_add(:user_id::text, :address_id::text, :label::text, :address::text, :city::text,
  :lat::float8, :lng::float8, :instructions::text, :is_default::boolean) AS a(json) WHERE a.json IS NOT NULL

-- A parameter that is NULL changes nothing; instructions as for changed(). No row: there is no such address.
-- name: address_change
-- columns: user
SELECT a.json AS user FROM address_change(:user_id::text, :address_id::text, :label::text, :address::text, :city::text,
  :lat?::float8, :lng?::float8, :instructions::text, :is_default::boolean) AS a(json) WHERE a.json IS NOT NULL

-- name: address_delete
-- columns: user
SELECT address_delete(:user_id::text, :address_id::text) AS user
