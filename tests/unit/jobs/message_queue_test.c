/* SPDX-License-Identifier: MIT
 *
 * The queue in memory: order for each recipient, retries, contents.
 */
#include "../suite.h"
#include "notify/message_queue.h"

static unsigned freed;

static void content_free(void *content)
{
	(void)content;
	freed++;
}

static char content;
static struct message_queue *queue;

static void setup(void)
{
	freed = 0;
	queue = message_queue_new(2, content_free);
}

static void teardown(void)
{
	message_queue_free(queue);
}

/* A row that is due. */
static struct queued_message *add(int64_t id, const char *recipient)
{
	struct queued_message *entry = message_queue_add(queue, 0, text_of(recipient), id, 0, 1000);

	if (message_queue_wants_content(entry, 1000))
		message_queue_fill(queue, entry, &content, 1000);
	return entry;
}

static int64_t take(uint64_t now)
{
	struct queued_message *entry = message_queue_take(queue, 0, now);

	return entry ? entry->id : 0;
}

START_TEST(messages_of_one_recipient_are_sent_one_after_the_other)
{
	struct queued_message *first = add(1, "a"), *second = add(2, "a");

	add(3, "b");
	ck_assert_int_eq(take(1000), 1);
	ck_assert_int_eq(take(1000), 3);
	ck_assert_int_eq(take(1000), 0);
	message_queue_end(queue, first, 1000);
	ck_assert_int_eq(take(1000), 2);
	message_queue_remove(queue, first, 1000);
	message_queue_end(queue, second, 1000);
	message_queue_remove(queue, second, 1000);
	ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(a_message_that_waits_delays_those_behind_it_and_is_read_again)
{
	struct queued_message *first = add(1, "a"), *wanted[4];

	add(2, "a");
	ck_assert_int_eq(take(1000), 1);
	message_queue_park(queue, first, 5000);
	ck_assert_uint_eq(freed, 2);
	message_queue_tick(queue, 4999);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 0);
	message_queue_tick(queue, 5000);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 2);
	ck_assert_int_eq(wanted[0]->id, 1);
	ck_assert_int_eq(take(5000), 0);
	for (int64_t id = 1; id <= 2; id++)
		message_queue_fill(queue, message_queue_add(queue, 0, TEXT("a"), id, 5000, 5000),
			&content, 5000);
	message_queue_wanted_done(queue, wanted, 2, true, 5000);
	ck_assert_int_eq(take(5000), 1);
}
END_TEST

START_TEST(a_message_whose_row_is_gone_is_forgotten)
{
	struct queued_message *first = add(1, "a"), *wanted[4];

	add(2, "a");
	take(1000);
	message_queue_park(queue, first, 1000);
	message_queue_tick(queue, 1000);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 2);
	add(2, "a");
	message_queue_wanted_done(queue, wanted, 2, true, 1000);
	ck_assert_int_eq(take(1000), 2);
}
END_TEST

START_TEST(what_could_not_be_read_is_wanted_again)
{
	struct queued_message *wanted[4];

	message_queue_add(queue, 0, TEXT("a"), 1, 0, 1000);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 1);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 0);
	message_queue_wanted_done(queue, wanted, 1, false, 1000);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 1);
	message_queue_wanted_done(queue, wanted, 1, false, 1000);
}
END_TEST

START_TEST(an_old_content_is_read_again_before_it_is_sent)
{
	struct queued_message *wanted[4];

	add(1, "a");
	ck_assert_int_eq(take(1000 + QUEUE_FRESH_MS), 0);
	ck_assert_uint_eq(message_queue_wanted(queue, 0, wanted, 4), 1);
	ck_assert_uint_eq(freed, 1);
	message_queue_wanted_done(queue, wanted, 1, false, 1000);
}
END_TEST

START_TEST(a_row_that_is_seen_again_changes_only_its_due_time)
{
	struct queued_message *entry = add(1, "a");

	ck_assert_ptr_eq(message_queue_add(queue, 0, TEXT("a"), 1, 9000, 1000), entry);
	ck_assert_int_eq(take(1000), 0);
	ck_assert_ptr_eq(message_queue_add(queue, 0, TEXT("a"), 1, 0, 1000), entry);
	message_queue_fill(queue, entry, &content, 1000);
	ck_assert_int_eq(take(1000), 1);
	message_queue_add(queue, 0, TEXT("a"), 1, 0, 1000);
	ck_assert_int_eq(take(1000), 0); /* it is under way */
}
END_TEST

START_TEST(an_earlier_message_that_is_found_late_is_sent_first)
{
	add(5, "a");
	add(2, "a");
	ck_assert_int_eq(take(1000), 2);
	ck_assert_int_eq(take(1000), 0);
}
END_TEST

START_TEST(one_recipient_does_not_use_all_contents)
{
	for (int64_t id = 1; id <= 100; id++)
		add(id, "a");
	ck_assert_uint_eq(message_queue_room(queue, 0), QUEUE_CONTENTS_MAX - QUEUE_AHEAD_MAX);
	ck_assert_uint_eq(message_queue_room(queue, 1), QUEUE_CONTENTS_MAX);
}
END_TEST

START_TEST(what_is_forgotten_keeps_what_is_under_way)
{
	int64_t held[8];
	struct queued_message *first = add(1, "a");

	add(2, "a");
	add(3, "b");
	ck_assert_uint_eq(message_queue_held(queue, held, 8), 3);
	take(1000);
	message_queue_clear(queue);
	ck_assert_uint_eq(message_queue_held(queue, held, 8), 1);
	ck_assert_int_eq(held[0], 1);
	ck_assert_int_eq(take(1000), 0);
	message_queue_end(queue, first, 1000);
	ck_assert_ptr_eq(add(1, "a"), first); /* until its result is stored */
	ck_assert_int_eq(take(1000), 0);
	message_queue_remove(queue, first, 1000);
	ck_assert_uint_eq(message_queue_held(queue, held, 8), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message_queue");
	TCase *tests = tcase_create("message_queue");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, messages_of_one_recipient_are_sent_one_after_the_other);
	tcase_add_test(tests, a_message_that_waits_delays_those_behind_it_and_is_read_again);
	tcase_add_test(tests, a_message_whose_row_is_gone_is_forgotten);
	tcase_add_test(tests, what_could_not_be_read_is_wanted_again);
	tcase_add_test(tests, an_old_content_is_read_again_before_it_is_sent);
	tcase_add_test(tests, a_row_that_is_seen_again_changes_only_its_due_time);
	tcase_add_test(tests, an_earlier_message_that_is_found_late_is_sent_first);
	tcase_add_test(tests, one_recipient_does_not_use_all_contents);
	tcase_add_test(tests, what_is_forgotten_keeps_what_is_under_way);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
