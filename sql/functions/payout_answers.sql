-- Pay-outs: decisions of admins and answers of the gateway. C decides (src/domain/payout_state.c) on the facts of a row; a
-- statement applies the decision while the row is still that version.

-- The facts of a pay-out that decisions depend on. version: the row's xmin, which changes with every update.
CREATE OR REPLACE FUNCTION payout_facts(p payouts, row_version xid, OUT id text, OUT version text, OUT owner_kind text,
  OUT status text, OUT mobile_money boolean, OUT amount bigint, OUT fee bigint, OUT paid_amount bigint, OUT checks bigint,
  OUT sent_age_s bigint, OUT ended_age_s bigint, OUT gateway_reference text, OUT transaction_reference text, OUT trouble text,
  OUT resolution text, OUT first_resolution text, OUT first_approved_by text, OUT first_resolved_by text,
  OUT destination text)
LANGUAGE sql STABLE AS $$
  SELECT p.id, row_version::text, p.owner_kind, p.status, p.method = 'MOBILE_MONEY', p.amount, p.fee,
    coalesce(p.told_amount, -1), p.checks::bigint, coalesce(floor(extract(epoch FROM now() - p.sent_at)), -1)::bigint,
    coalesce(floor(extract(epoch FROM now() - greatest(p.returned_at, p.completed_at))), -1)::bigint,
    p.gateway_reference, p.transaction_reference, p.trouble, p.resolution, p.first_resolution, p.first_approved_by,
    p.first_resolved_by, p.destination
$$;

-- Locks a pay-out if it is still that version; a row of NULLs when it is not.
CREATE OR REPLACE FUNCTION payout_lock(target text, expected text) RETURNS payouts
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
BEGIN
  SELECT * INTO p FROM payouts t WHERE t.id = target AND t.xmin::text = expected FOR NO KEY UPDATE;
  RETURN p;
END $$;

-- See the statement payout_apply_answer.
CREATE OR REPLACE FUNCTION payout_apply_answer(target text, expected text, action text, next_state text, reference text,
  new_checks bigint, reschedule boolean, next_check_s bigint, paid bigint, remark text, entries text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  p payouts := payout_lock(target, expected);
BEGIN
  IF p.id IS NULL THEN
    RETURN 'CHANGED';
  ELSIF reference IS NOT NULL AND EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = reference AND t.id <> target) THEN
    RETURN 'REFERENCE_TAKEN';
  END IF;
  UPDATE payouts t
     SET gateway_reference = coalesce(t.gateway_reference, reference), checks = new_checks,
         next_check_at = CASE WHEN reschedule THEN now() + next_check_s * interval '1 second' ELSE t.next_check_at END
   WHERE t.id = target
  RETURNING * INTO p;
  CASE action
    WHEN 'SETTLE', 'SETTLE_LATE' THEN
      p.transaction_reference := NULL;  -- the gateway's is shown
      IF NOT payout_settle(p, action = 'SETTLE', entries) THEN
        RETURN 'WALLET_SHORT';
      END IF;
    WHEN 'RETURN' THEN
      PERFORM payout_return(p, next_state, remark, next_check_s, entries[1]);
    WHEN 'DISCREPANCY' THEN
      UPDATE payouts t
         SET trouble = remark, told_amount = coalesce(paid, t.told_amount), resolution = NULL,
             first_resolution = CASE WHEN t.trouble = remark THEN t.first_resolution END  -- a decision holds for one discrepancy
       WHERE t.id = target;
    ELSE
      UPDATE payouts t
         SET status = next_state, trouble = CASE action WHEN 'CLEAR' THEN NULL ELSE t.trouble END
       WHERE t.id = target;
  END CASE;
  RETURN 'APPLIED';
END $$;

-- Applies the resolution of a discrepancy to a locked pay-out: books it, and moves the pay-out to its next state.
CREATE OR REPLACE FUNCTION payout_resolve_discrepancy(p payouts, what text, next_state text, its_reference text, remark text,
  two_admins_from bigint, admin text, next_check_s bigint, entries text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM payout_book(p, what, entries);
  UPDATE payouts t
     SET trouble = NULL, resolution = what, resolved_by = admin, resolved_two_from = two_admins_from, status = next_state,
         next_check_at = now() + next_check_s * interval '1 second'
   WHERE t.id = p.id;
  IF what = 'PAID' THEN
    UPDATE payouts t
       SET completed_at = coalesce(t.completed_at, now()), failure_reason = NULL, rejection_reason = NULL,
           transaction_reference = coalesce(CASE p.status WHEN 'COMPLETED' THEN t.gateway_reference END, its_reference,
             t.transaction_reference, t.gateway_reference)
     WHERE t.id = p.id;
  ELSIF next_state = 'REJECTED' AND p.status <> 'REJECTED' THEN
    UPDATE payouts t
       SET returned_at = now(), completed_at = NULL, failure_reason = NULL, rejection_reason = remark
     WHERE t.id = p.id;
  END IF;
  IF next_state <> p.status THEN
    PERFORM payout_publish(t, 'payout_' || lower(next_state)) FROM payouts t WHERE t.id = p.id;
  END IF;
END $$;

-- See the statement payout_apply_ruling.
CREATE OR REPLACE FUNCTION payout_apply_ruling(target text, expected text, step text, what text, next_state text,
  its_reference text, remark text, note text, two_admins_from bigint, admin text, next_check_s bigint, entries text[], audit jsonb,
  OUT outcome text, OUT json text)
LANGUAGE plpgsql AS $$
DECLARE
  p payouts := payout_lock(target, expected);
BEGIN
  outcome := CASE WHEN p.id IS NULL THEN 'CHANGED' ELSE 'APPLIED' END;
  IF p.id IS NULL THEN
    RETURN;
  END IF;
  CASE step
    WHEN 'NOTE_APPROVAL' THEN
      UPDATE payouts t
         SET first_approved_by = admin, first_approved_at = now(),
             transaction_reference = coalesce(its_reference, t.transaction_reference)
       WHERE t.id = target;
    WHEN 'APPROVE', 'COMPLETE' THEN
      UPDATE payouts t
         SET status = CASE t.status WHEN 'PENDING' THEN 'APPROVED' ELSE t.status END,
             approved_by = CASE t.status WHEN 'PENDING' THEN admin ELSE t.approved_by END,
             approved_at = CASE t.status WHEN 'PENDING' THEN now() ELSE t.approved_at END,
             two_from = CASE t.status WHEN 'PENDING' THEN two_admins_from ELSE t.two_from END,
             next_check_at = now() + next_check_s * interval '1 second',
             transaction_reference = coalesce(its_reference, t.transaction_reference)
       WHERE t.id = target
      RETURNING * INTO p;
      IF step = 'APPROVE' THEN
        PERFORM payout_publish(p, 'payout_approved');
      END IF;
      IF next_state = 'COMPLETED' THEN
        PERFORM payout_settle(p, true, entries);
      END IF;
    WHEN 'REJECT' THEN
      PERFORM payout_return(p, next_state, remark, NULL, entries[1]);
    WHEN 'NOTE_RESOLUTION' THEN
      UPDATE payouts t SET first_resolution = what, first_resolved_by = admin WHERE t.id = target;
    WHEN 'RESOLVE' THEN
      PERFORM payout_resolve_discrepancy(p, what, next_state, its_reference, remark, two_admins_from, admin, next_check_s, entries);
  END CASE;
  UPDATE payouts t SET notes = coalesce(note, t.notes) WHERE t.id = target RETURNING * INTO p;
  PERFORM admin_audit_add(audit, target);
  json := admin_payout_row(p, two_admins_from);
END $$;
