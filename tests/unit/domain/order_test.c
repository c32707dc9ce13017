/* SPDX-License-Identifier: MIT
 *
 * The words of orders and their state machine.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/domain/order.h"

static const struct move {
	enum order_type type;
	enum order_status from;
	enum order_act act;
	enum order_actor by;
	int to; /* an error when negative */
} moves[] = {
	{ FOOD, PENDING, ACT_ACCEPT, BY_VENDOR, ACCEPTED },
	{ MART, PENDING, ACT_REJECT, BY_VENDOR, CANCELLED },
	{ FOOD, ACCEPTED, ACT_PREPARE, BY_VENDOR, PREPARING },
	{ FOOD, ACCEPTED, ACT_READY, BY_VENDOR, READY_FOR_PICKUP },
	{ FOOD, PREPARING, ACT_READY, BY_VENDOR, READY_FOR_PICKUP },
	{ FOOD, RIDER_ASSIGNED, ACT_READY, BY_VENDOR, RIDER_ASSIGNED },
	{ FOOD, RIDER_AT_PICKUP, ACT_READY, BY_VENDOR, RIDER_AT_PICKUP },
	{ FOOD, ACCEPTED, ACT_ASSIGN, BY_RIDER, RIDER_ASSIGNED },
	{ FOOD, READY_FOR_PICKUP, ACT_ASSIGN, BY_ADMIN, RIDER_ASSIGNED },
	{ PACKAGE, PENDING, ACT_ASSIGN, BY_RIDER, RIDER_ASSIGNED },
	{ FOOD, RIDER_ASSIGNED, ACT_ARRIVE_PICKUP, BY_RIDER, RIDER_AT_PICKUP },
	{ FOOD, RIDER_ASSIGNED, ACT_PICK_UP, BY_RIDER, IN_TRANSIT },
	{ FOOD, RIDER_AT_PICKUP, ACT_PICK_UP, BY_RIDER, IN_TRANSIT },
	{ FOOD, IN_TRANSIT, ACT_ARRIVE_DELIVERY, BY_RIDER, RIDER_AT_DELIVERY },
	{ FOOD, IN_TRANSIT, ACT_COMPLETE, BY_RIDER, DELIVERED },
	{ FOOD, RIDER_AT_DELIVERY, ACT_COMPLETE, BY_RIDER, DELIVERED },
	{ FOOD, PENDING, ACT_CANCEL, BY_USER, CANCELLED },
	{ FOOD, ACCEPTED, ACT_CANCEL, BY_USER, CANCELLED },
	{ FOOD, RIDER_AT_PICKUP, ACT_CANCEL, BY_ADMIN, CANCELLED },
	{ FOOD, RIDER_AT_DELIVERY, ACT_CANCEL, BY_ADMIN, CANCELLED },
	{ FOOD, RIDER_AT_PICKUP, ACT_ASSIGN, BY_ADMIN, RIDER_ASSIGNED },
	{ PACKAGE, IN_TRANSIT, ACT_ASSIGN, BY_ADMIN, IN_TRANSIT },
	{ MART, RIDER_AT_DELIVERY, ACT_ASSIGN, BY_ADMIN, RIDER_AT_DELIVERY },
	{ FOOD, IN_TRANSIT, ACT_COMPLETE, BY_ADMIN, DELIVERED },
	{ PACKAGE, RIDER_AT_PICKUP, ACT_RELEASE, BY_SYSTEM, PENDING },
	{ FOOD, RIDER_AT_PICKUP, ACT_COMPLETE, BY_ADMIN, E_CANNOT_MOVE },
	{ FOOD, PENDING, ACT_ASSIGN, BY_ADMIN, E_CANNOT_MOVE },
	{ FOOD, RIDER_ASSIGNED, ACT_ASSIGN, BY_RIDER, E_CANNOT_MOVE },
	{ FOOD, DELIVERED, ACT_CANCEL, BY_ADMIN, E_CANNOT_CANCEL },
	{ FOOD, PENDING, ACT_EXPIRE, BY_SYSTEM, CANCELLED },
	{ PACKAGE, PENDING, ACT_FAIL_PAYMENT, BY_SYSTEM, CANCELLED },
	{ FOOD, ACCEPTED, ACT_FAIL_PAYMENT, BY_SYSTEM, E_CANNOT_MOVE },
	{ FOOD, PREPARING, ACT_CANCEL, BY_USER, E_CANNOT_CANCEL },
	{ FOOD, DELIVERED, ACT_CANCEL, BY_USER, E_CANNOT_CANCEL },
	{ FOOD, CANCELLED, ACT_CANCEL, BY_USER, E_CANNOT_CANCEL },
	{ FOOD, ACCEPTED, ACT_ACCEPT, BY_VENDOR, E_CANNOT_ACCEPT },
	{ FOOD, ACCEPTED, ACT_REJECT, BY_VENDOR, E_CANNOT_REJECT },
	{ FOOD, PENDING, ACT_READY, BY_VENDOR, E_CANNOT_READY },
	{ FOOD, PENDING, ACT_ASSIGN, BY_RIDER, E_CANNOT_MOVE },
	{ FOOD, RIDER_ASSIGNED, ACT_COMPLETE, BY_RIDER, E_CANNOT_MOVE },
	{ PACKAGE, PENDING, ACT_ACCEPT, BY_VENDOR, E_CANNOT_ACCEPT },
	{ FOOD, PENDING, ACT_ACCEPT, BY_RIDER, E_CANNOT_MOVE },
	{ FOOD, PENDING, ACT_CANCEL, BY_RIDER, E_CANNOT_CANCEL },
};

START_TEST(each_transition_leads_where_the_contract_requires)
{
	const struct move *move = &moves[_i];
	struct order_facts order = { .type = move->type, .status = move->from };
	enum order_status to = ORDER_STATUSES;
	int error = order_next_status(&order, move->act, move->by, &to);

	if (move->to < 0) {
		ck_assert_int_eq(error, move->to);
		ck_assert_int_eq(to, ORDER_STATUSES);
	} else {
		ck_assert_int_eq(error, 0);
		ck_assert_int_eq(to, move->to);
	}
}
END_TEST

START_TEST(a_released_order_returns_to_the_state_of_its_vendor)
{
	struct order_facts order = { .type = FOOD, .status = RIDER_ASSIGNED, .accepted = true };
	enum order_status to;

	ck_assert_int_eq(order_next_status(&order, ACT_RELEASE, BY_RIDER, &to), 0);
	ck_assert_int_eq(to, ACCEPTED);
	order.preparing = true;
	ck_assert_int_eq(order_next_status(&order, ACT_RELEASE, BY_RIDER, &to), 0);
	ck_assert_int_eq(to, PREPARING);
	order.ready = true;
	ck_assert_int_eq(order_next_status(&order, ACT_RELEASE, BY_RIDER, &to), 0);
	ck_assert_int_eq(to, READY_FOR_PICKUP);
	order = (struct order_facts){ .type = PACKAGE, .status = RIDER_ASSIGNED };
	ck_assert_int_eq(order_next_status(&order, ACT_RELEASE, BY_RIDER, &to), 0);
	ck_assert_int_eq(to, PENDING);
}
END_TEST

START_TEST(an_order_with_a_rider_is_ready_once)
{
	struct order_facts order = { .type = MART, .status = RIDER_AT_PICKUP, .accepted = true };
	enum order_status to;

	ck_assert_int_eq(order_next_status(&order, ACT_READY, BY_VENDOR, &to), 0);
	ck_assert_int_eq(to, RIDER_AT_PICKUP);
	order.ready = true;
	ck_assert_int_eq(order_next_status(&order, ACT_READY, BY_VENDOR, &to), E_CANNOT_READY);
}
END_TEST

/* Over every type, state, act and actor: a final state is never left, the guard agrees with the
 * table, an act leads to its own state unless it keeps the present one, and an order goes back only
 * when its rider changes. */
START_TEST(the_state_machine_is_consistent)
{
	for (unsigned type = 0; type < ORDER_TYPES; type++)
		for (unsigned act = 0; act < ORDER_ACTS; act++)
			for (unsigned by = 0; by < ORDER_ACTORS; by++)
				for (unsigned from = 0; from < ORDER_STATUSES; from++) {
					struct order_facts order = { .type = type, .status = from };
					enum order_status to;
					int error = order_next_status(&order, act, by, &to);

					ck_assert_int_eq(!error,
						!!(order_states_before(type, act, by) &
							STATE(from)));
					if (error)
						continue;
					ck_assert(!(STATES_FINAL & STATE(from)));
					if (act != ACT_RELEASE)
						ck_assert_int_eq((int)to,
							order_states_kept(act, by) & STATE(from)
								? (int)from
								: order_act_status(act));
					ck_assert(act == ACT_RELEASE || act == ACT_ASSIGN ||
						to >= from);
				}
}
END_TEST

/* Whether an actor other than `gone` can bring an order of this type to a final state. */
static bool has_way_out(
	enum order_type type, enum order_status from, enum order_actor gone, unsigned seen)
{
	if (STATES_FINAL & STATE(from))
		return true;
	for (unsigned act = 0; act < ORDER_ACTS; act++)
		for (unsigned by = 0; by < ORDER_ACTORS; by++) {
			struct order_facts order = { .type = type, .status = from };
			enum order_status to;

			if (by == gone || order_next_status(&order, act, by, &to) ||
				(seen & STATE(to)))
				continue;
			if (has_way_out(type, to, gone, seen | STATE(to)))
				return true;
		}
	return false;
}

START_TEST(an_order_can_end_without_any_single_actor)
{
	for (unsigned type = 0; type < ORDER_TYPES; type++)
		for (unsigned from = 0; from < ORDER_STATUSES; from++)
			for (unsigned gone = 0; gone < ORDER_ACTORS; gone++) {
				/* admins and the system are not single persons */
				if (gone == BY_ADMIN || gone == BY_SYSTEM)
					continue;
				ck_assert_msg(has_way_out(type, from, gone, STATE(from)),
					"a %s in %s waits for actor %u", order_type_words[type],
					order_status_words[from], gone);
			}
}
END_TEST

/* Each act that has an entry of its own in the timeline, where its effect can hold. */
START_TEST(an_act_can_be_repeated_where_its_effect_holds)
{
	for (unsigned act = 0; act < ORDER_ACTS; act++) {
		int step = order_act_status(act);
		unsigned states = order_states_after(act);

		if (act == ACT_RELEASE) {
			ck_assert_int_eq(step, -1);
			ck_assert_uint_eq(states, 0);
			continue;
		}
		ck_assert(step >= 0 && (states & STATE(step)));
		ck_assert_uint_eq(states, STATES_FINAL & STATE(step) ? STATE(step) : STATES_ACTIVE);
	}
	ck_assert_int_eq(order_act_status(ACT_ASSIGN), RIDER_ASSIGNED);
	ck_assert_int_eq(order_act_status(ACT_READY), READY_FOR_PICKUP);
	ck_assert_int_eq(order_act_status(ACT_CANCEL), CANCELLED);
}
END_TEST

START_TEST(a_vendor_is_paid_after_pickup_unless_the_admin_decides_otherwise)
{
	for (unsigned from = 0; from < ORDER_STATUSES; from++) {
		struct order_facts order = { .type = FOOD, .status = from };
		bool picked_up = from == IN_TRANSIT || from == RIDER_AT_DELIVERY;

		ck_assert_int_eq(order_pays_vendor(&order, VENDOR_PAY_BY_STATE), picked_up);
		ck_assert(order_pays_vendor(&order, VENDOR_PAY));
		ck_assert(!order_pays_vendor(&order, VENDOR_PAY_NOT));
		order.type = PACKAGE;
		ck_assert(!order_pays_vendor(&order, VENDOR_PAY_BY_STATE));
		ck_assert(!order_pays_vendor(&order, VENDOR_PAY));
	}
}
END_TEST

START_TEST(every_spelling_of_a_word_is_read)
{
	unsigned states;

	ck_assert_int_eq(order_status_parse("CONFIRMED"), ACCEPTED);
	ck_assert_int_eq(order_status_parse("ready"), READY_FOR_PICKUP);
	ck_assert_int_eq(order_status_parse("PICKED_UP"), IN_TRANSIT);
	ck_assert_int_eq(order_status_parse("FUNDS_DISTRIBUTED"), DELIVERED);
	ck_assert_int_eq(order_status_parse("REJECTED"), CANCELLED);
	ck_assert_int_eq(order_status_parse("NONSENSE"), -1);
	ck_assert_int_eq(order_status_parse(NULL), -1);
	ck_assert_int_eq(order_type_parse("packages"), PACKAGE);
	ck_assert_int_eq(order_type_parse("PHARMACY"), MART);
	ck_assert_int_eq(payment_method_parse("CAMPAY"), PAY_MOBILE_MONEY);
	for (int i = 0; i < ORDER_STATUSES; i++)
		ck_assert_int_eq(order_status_parse(order_status_words[i]), i);
	ck_assert(order_states_parse("active", &states));
	ck_assert_uint_eq(states, STATES_ACTIVE);
	ck_assert(!order_states_parse("", &states));
}
END_TEST

START_TEST(an_order_number_is_read_in_every_spelling)
{
	static const char *const same[] = { "F-7KQ2M9XW4T", "f-7kq2m9xw4t", "#F-7KQ2M9XW4T",
		"F7KQ2M9XW4T", "#f7kq2m9xw4t", "  # F-7KQ2M9XW4T " };
	static const char *const none[] = { "", "#", "F", "F-", "T-7KQ2M9XW4T", "F-7KQ2M9XW4",
		"F-7KQ2M9XW4TT", "F--7KQ2M9XW4", "F7KQ2M9XW4_", "ord_01JD", "F-7KQ2M9XW4é",
		"##F-7KQ2M9XW4T", "F7KQ2M9-W4T" };
	char number[ORDER_NUMBER_SIZE];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		ck_assert_msg(order_number_normalise(text_of(same[i]), number), "%s", same[i]);
		ck_assert_str_eq(number, "F-7KQ2M9XW4T");
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		strcpy(number, "kept");
		ck_assert_msg(!order_number_normalise(text_of(none[i]), number), "%s", none[i]);
		ck_assert_str_eq(number, "kept");
	}
	ck_assert(!order_number_normalise(TEXT_NONE, number));
	for (unsigned type = 0; type < ORDER_TYPES; type++) {
		char made[ORDER_NUMBER_SIZE];

		id_order_number(made, order_number_letter(type));
		ck_assert(order_number_normalise(text_of(made), number));
		ck_assert_str_eq(made, number);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *tests = tcase_create("order");

	tcase_add_loop_test(tests, each_transition_leads_where_the_contract_requires, 0,
		(int)(sizeof(moves) / sizeof(moves[0])));
	tcase_add_test(tests, a_released_order_returns_to_the_state_of_its_vendor);
	tcase_add_test(tests, an_order_with_a_rider_is_ready_once);
	tcase_add_test(tests, the_state_machine_is_consistent);
	tcase_add_test(tests, an_order_can_end_without_any_single_actor);
	tcase_add_test(tests, an_act_can_be_repeated_where_its_effect_holds);
	tcase_add_test(tests, a_vendor_is_paid_after_pickup_unless_the_admin_decides_otherwise);
	tcase_add_test(tests, every_spelling_of_a_word_is_read);
	tcase_add_test(tests, an_order_number_is_read_in_every_spelling);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
