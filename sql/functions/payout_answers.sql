-- What the gateway answers about pay-outs, and when it is asked next.

-- How long to wait before the next try or question: 5 s, 10 s, … 5 minutes.
CREATE OR REPLACE FUNCTION payout_pause(asks integer) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT least(300, 5 * 2 ^ least(asks, 10)) * interval '1 second'
$$;

-- How long until a pay-out is due again; NULL: never. Of what people have to look at, hourly and then ever more thinly
-- for a month. Of what went back to its owner or was paid by hand, likewise for two days (a success that comes late
-- must be found), and no oftener than every six hours when it has to be looked for in the history.
CREATE OR REPLACE FUNCTION payout_rest(p payouts) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p.trouble IS NOT NULL THEN CASE WHEN p.sent_at > now() - interval '30 days'
      THEN greatest(interval '1 hour', (now() - p.sent_at) / 4) END
    WHEN p.status IN ('APPROVED', 'PROCESSING') THEN payout_pause(p.checks)
    WHEN greatest(p.returned_at, p.completed_at) > now() - interval '48 hours'
      THEN greatest(CASE WHEN p.gateway_reference IS NULL THEN interval '6 hours' ELSE interval '10 minutes' END,
        (now() - greatest(p.returned_at, p.completed_at)) / 4) END
$$;

-- Notes what does not fit: nothing is booked, a person has to look. It is asked after again all the same.
CREATE OR REPLACE FUNCTION payout_doubt(p payouts, why text, told bigint DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE payouts t
     SET trouble = why, told_amount = coalesce(told, t.told_amount), resolution = NULL,
         first_resolution = CASE WHEN t.trouble = why THEN t.first_resolution END  -- of this trouble, not of another
   WHERE t.id = p.id RETURNING * INTO p;
  UPDATE payouts t SET next_check_at = now() + payout_rest(p) WHERE t.id = p.id;
  RETURN 'TROUBLE';
END $$;

-- What is on its way and of which nothing final is said opens to people after a time: an hour when the gateway does not
-- know or cannot say it, a day when it says it is pending or is not reached. A word that it is pending ends the first.
CREATE OR REPLACE FUNCTION payout_wait(p payouts, what text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  unsaid text := 'The gateway does not say what became of it';
  too_long boolean := p.sent_at < now() - CASE what WHEN 'UNTOLD' THEN interval '1 hour' ELSE interval '1 day' END;
BEGIN
  IF p.trouble IS NULL AND too_long THEN
    RETURN payout_doubt(p, CASE what WHEN 'PENDING' THEN 'The gateway has not ended it for more than a day' ELSE unsaid END);
  ELSIF what = 'PENDING' AND p.trouble = unsaid AND NOT too_long THEN
    UPDATE payouts t SET trouble = NULL WHERE t.id = p.id;
  END IF;
  RETURN 'KEPT';
END $$;

-- A pay-out of which the gateway says that it has been paid.
CREATE OR REPLACE FUNCTION payout_paid(p payouts, told bigint, entries text[]) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF p.resolution = 'WRITTEN_OFF' OR p.resolution IS NOT NULL AND p.told_amount IS NOT NULL THEN
    RETURN 'KEPT';  -- it is booked as what it was found to be
  ELSIF p.status = 'COMPLETED' AND p.transaction_reference IS DISTINCT FROM p.gateway_reference THEN
    RETURN payout_doubt(p, 'The gateway paid it, and so did we by hand: ' || coalesce(p.transaction_reference, 'no reference'),
      nullif(told, p.amount - p.fee));
  ELSIF p.status = 'COMPLETED' THEN
    UPDATE payouts t SET next_check_at = NULL, trouble = NULL WHERE t.id = p.id AND t.next_check_at IS NOT NULL;
    RETURN 'KEPT';
  ELSIF told IS DISTINCT FROM p.amount - p.fee AND told IS NOT NULL THEN
    RETURN payout_doubt(p, 'The gateway paid ' || told || ' in place of ' || p.amount - p.fee, told);
  END IF;
  p.transaction_reference := NULL;  -- the gateway's is shown
  IF p.status IN ('APPROVED', 'PROCESSING') THEN
    PERFORM payout_settle(p, true, entries);
    RETURN 'COMPLETED';
  ELSIF p.sent_at IS NOT NULL AND payout_settle(p, false, entries) THEN
    RETURN 'LATE';
  END IF;
  RETURN payout_doubt(p, 'The gateway paid what is ' || lower(p.status) || ' here');
END $$;

-- The statement payout_answered: see there.
CREATE OR REPLACE FUNCTION payout_answered(target text, what text, its_reference text, told bigint, why text, looked_at timestamptz,
  entries text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  p payouts;
  sure boolean;
BEGIN
  IF EXISTS (SELECT FROM payouts t WHERE t.gateway_reference = its_reference AND t.id <> target) THEN
    SELECT * INTO p FROM payouts t WHERE t.id = target AND t.resolution IS NULL FOR NO KEY UPDATE;
    RETURN payout_doubt(p, 'The gateway gave it the reference of another pay-out: ' || its_reference);
  END IF;
  UPDATE payouts t
     SET gateway_reference = CASE WHEN t.gateway_reference IS NULL AND what IN ('PENDING', 'SUCCESSFUL', 'FAILED')
           THEN its_reference ELSE t.gateway_reference END
   WHERE t.id = target
  RETURNING * INTO p;
  IF p.id IS NULL THEN
    RETURN 'GONE';
  ELSIF what = 'SUCCESSFUL' THEN
    RETURN payout_paid(p, told, entries);
  ELSIF what = 'FAILED' AND p.status = 'COMPLETED' AND p.transaction_reference IS NOT DISTINCT FROM p.gateway_reference
     AND p.resolution IS NULL THEN
    RETURN payout_doubt(p, 'The gateway failed what is completed here');
  ELSIF what = 'FAILED' AND p.status = 'PROCESSING' THEN
    PERFORM payout_return(p, 'FAILED', why, now() + interval '10 minutes', entries[1]);
    RETURN 'FAILED';
  ELSIF what = 'PENDING' AND p.status IN ('APPROVED', 'PROCESSING') THEN
    UPDATE payouts t SET status = 'PROCESSING', next_check_at = now() + payout_rest(t) WHERE t.id = p.id RETURNING * INTO p;
    RETURN payout_wait(p, what);
  ELSIF what IN ('UNTOLD', 'UNASKED') AND p.status = 'PROCESSING' THEN
    RETURN payout_wait(p, what);
  ELSIF p.gateway_reference IS NOT NULL THEN
    NULL;  -- what follows is about calls without an answer, and there is one
  ELSIF what = 'REFUSED' AND p.status = 'PROCESSING' THEN
    PERFORM payout_return(p, 'FAILED', why, NULL, entries[1]);
    RETURN 'FAILED';
  ELSIF what = 'UNREACHED' AND p.status = 'PROCESSING' THEN
    UPDATE payouts t SET status = 'APPROVED', checks = t.checks + 1, next_check_at = now() + payout_pause(t.checks) WHERE t.id = p.id;
  ELSIF what = 'UNCERTAIN' AND p.status = 'PROCESSING' THEN
    UPDATE payouts t SET checks = 0, next_check_at = now() + payout_pause(0) WHERE t.id = p.id;
  ELSIF what IN ('MISSING', 'UNNAMED') THEN
    sure := p.sent_at < looked_at - interval '1 hour';
    IF sure AND what = 'UNNAMED' AND p.status = 'PROCESSING' THEN
      RETURN payout_doubt(p, 'It may be one of those that the gateway paid without naming them');
    END IF;
    IF sure AND p.status = 'PROCESSING' THEN
      PERFORM payout_return(p, 'FAILED', 'The payment service does not know of it', now() + interval '6 hours', entries[1]);
      RETURN 'FAILED';
    END IF;
  END IF;
  RETURN 'KEPT';
END $$;
