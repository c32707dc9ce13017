-- The ledger added up: what accounts without a row hold, and what went through them.

-- Adds up what has become old, at most a week of it. Any number of copies may ask at once.
-- Columns: whether that was all.
-- name: ledger_roll_up
SELECT ledger_roll_up('10 minutes')
