-- Events are written to `event_log`. Instances of the previous release write to and delete from `outbox`.

ALTER TABLE outbox RENAME TO event_log;
ALTER INDEX outbox_pkey RENAME TO event_log_pkey;
ALTER SEQUENCE outbox_id_seq RENAME TO event_log_id_seq;
