# SPDX-License-Identifier: MIT
"""The keys of the console's rows, as listed in the contract."""

ORDER = set("""id order_number status raw_status vertical user vendor vendor_name pickup rider
    rider_earnings items_summary items delivery_fee packaging_fee discount surcharges
    commission_amount total_amount total currency payment_method payment_status payment
    payment_reference note special_instructions vendor_address delivery_address zone city region
    distance_km created_at estimated_delivery_at estimated_delivery_mins actual_delivery_mins
    fulfilment_minutes attention timeline""".split())
ORDER_USER = set("id name phone email address address_note lat lng".split())
ORDER_VENDOR = set("id business_name name phone address lat lng".split())
ORDER_RIDER = set("id name phone vehicle_type plate photo_url".split())
ORDER_ITEM = set("id name quantity unit_price total_price options note image_url".split())
TIMELINE = set("id status at created_at by reason note".split())
VENDOR = set("""id name business_name owner_name phone email vertical category address city zone
    region latitude longitude orders total_orders total_revenue average_rating total_ratings
    prep_minutes average_prep_time status approval_status rejection_reason commission_rate featured
    is_high_demand badges is_online profile_image_url business_hours mobile_money_number
    mobile_money_provider bank_name bank_account_number bank_account_name country_code
    created_at""".split())
VENDOR_STATS = {"wallet_balance", "total_revenue_30d", "active_menu_items"}
RIDER = set("""id name first_name last_name phone email status approval_status state online_status
    vehicle_type vehicle_plate city zone region total_deliveries average_rating owed total_earnings
    current_latitude current_longitude id_type id_image_url rejection_reason documents
    created_at""".split())
USER = set("""id name phone email status country_code city orders total_orders total_spent
    last_order_at rating segment referral_code created_at""".split())
USER_STATS = {"total_orders", "active_orders", "wallet_balance", "currency", "reecoins_balance"}
ITEM = set("""id name category price compare_at_price stock add_ons is_available is_upsell
    image_url""".split())
ZONE = set("id name country_code polygon delivery_fee_override is_active created_at".split())
FLAG = set("key enabled description rollout_pct scope country_code metadata".split())
WEBHOOK = set("""id url description event_types vendor_id secret_prefix previous_secret_until enabled
    disabled_reason failing_since created_by created_at updated_at""".split())
WEBHOOK_DELIVERY = set("""id webhook_id event_id type state tries next_at last_status last_error attempts payload
    said_at created_at delivered_at""".split())
META = set("page limit pageSize total totalPages hasNext hasPrev".split())


def numbers(row, *names):
    """Asserts that each of these members is a JSON number."""
    for name in names:
        assert isinstance(row[name], (int, float)) and not isinstance(row[name], bool), (name, row)
