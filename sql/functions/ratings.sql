-- Ratings of delivered orders.

-- The vendorRating and riderRating objects of replies. NULL without a rating.
CREATE OR REPLACE FUNCTION rating_json(r ratings) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN r.order_id IS NOT NULL THEN concat('{"stars":', r.stars, ',"rating":', r.stars, ',"review":', json_text(r.review),
    ',"ratedAt":', json_time(r.rated_at), '}')::json END
$$;

-- Stores the stars for one target and updates its average. The order is locked, so no other rating runs concurrently.
CREATE OR REPLACE FUNCTION rating_set(o orders, its_target text, its_id text, its_stars integer, its_review text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before integer;
BEGIN
  INSERT INTO ratings (order_id, target, target_id, user_id, stars, review)
  VALUES (o.id, its_target, its_id, o.user_id, its_stars, its_review)
  ON CONFLICT (order_id, target) DO NOTHING;
  IF NOT FOUND THEN
    SELECT r.stars INTO before FROM ratings r WHERE r.order_id = o.id AND r.target = its_target;
    UPDATE ratings r SET stars = its_stars, review = its_review, rated_at = now()
     WHERE r.order_id = o.id AND r.target = its_target;
  END IF;
  IF its_target = 'VENDOR' THEN
    UPDATE vendors v SET rating_sum = v.rating_sum + its_stars - coalesce(before, 0),
           total_ratings = v.total_ratings + (before IS NULL)::integer WHERE v.id = its_id;
  ELSE
    UPDATE riders r SET rating_sum = r.rating_sum + its_stars - coalesce(before, 0),
           total_ratings = r.total_ratings + (before IS NULL)::integer WHERE r.id = its_id;
  END IF;
END $$;

-- See the statement order_rate.
CREATE OR REPLACE FUNCTION order_rating_store(target text, asker text, plain_stars integer, plain_review text, vendor_stars integer,
  vendor_review text, rider_stars integer, rider_review text,
  OUT outcome text, OUT json text, OUT ratings text, OUT vendor text) LANGUAGE plpgsql AS $$
DECLARE
  o orders;
  rated ratings;
  of_vendor ratings;
  of_rider ratings;
  vendor_text text;
  rider_text text;
BEGIN
  SELECT * INTO o FROM orders t
   WHERE t.id = CASE WHEN substr(target, 2, 1) = '-'
     THEN (SELECT n.id FROM orders n WHERE n.order_number = target) ELSE target END
     FOR NO KEY UPDATE;
  IF plain_stars IS NOT NULL AND o.vendor_id IS NOT NULL AND vendor_stars IS NULL THEN
    vendor_stars := plain_stars;
    vendor_review := plain_review;
  ELSIF plain_stars IS NOT NULL AND o.vendor_id IS NULL AND rider_stars IS NULL THEN
    rider_stars := plain_stars;
    rider_review := plain_review;
  END IF;
  outcome := CASE WHEN o.id IS NULL THEN 'ORDER_NOT_FOUND'
    WHEN o.user_id <> asker THEN 'ORDER_NOT_OWNER'
    WHEN o.status <> 'DELIVERED' THEN 'CANNOT_RATE'
    WHEN vendor_stars IS NOT NULL AND o.vendor_id IS NULL THEN 'VENDOR_NOT_FOUND'
    ELSE 'RATED' END;
  IF outcome <> 'RATED' THEN
    RETURN;
  END IF;
  IF rider_stars IS NOT NULL THEN
    PERFORM rating_set(o, 'RIDER', o.rider_id, rider_stars, rider_review);
  END IF;
  IF vendor_stars IS NOT NULL THEN
    PERFORM rating_set(o, 'VENDOR', o.vendor_id, vendor_stars, vendor_review);
  END IF;
  FOR rated IN SELECT r.* FROM ratings r WHERE r.order_id = o.id LOOP
    IF rated.target = 'VENDOR' THEN
      of_vendor := rated;
    ELSE
      of_rider := rated;
    END IF;
  END LOOP;
  vendor_text := rating_json(of_vendor)::text;
  rider_text := rating_json(of_rider)::text;
  UPDATE orders t
     SET updated_at = now(),
         rating = concat('{"stars":', coalesce(of_vendor.stars, of_rider.stars),
           ',"rating":', coalesce(of_vendor.stars, of_rider.stars), ',"review":',
           json_text(CASE WHEN of_vendor.order_id IS NULL THEN of_rider.review ELSE of_vendor.review END),
           ',"ratedAt":', json_time(greatest(of_vendor.rated_at, of_rider.rated_at)),
           ',"vendorRating":' || vendor_text, ',"riderRating":' || rider_text, '}')::json
   WHERE t.id = o.id
  RETURNING * INTO o;
  json := order_json_user(o);
  ratings := concat('{"orderId":"', o.id, '","vendorRating":', coalesce(vendor_text, 'null'), ',"riderRating":',
    coalesce(rider_text, 'null'), '}');
  vendor := CASE WHEN vendor_stars IS NOT NULL THEN o.vendor_id END;
END $$;
