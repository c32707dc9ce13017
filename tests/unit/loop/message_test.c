/* SPDX-License-Identifier: MIT
 *
 * Messages between threads: all arrive, those of one sender in order, on the receiving loop's
 * thread.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/loop/loop.h"

#define SENDERS 3
#define MANY 20000

struct note {
	struct message message;
	unsigned sender, number;
};

static struct loop *to;
static pthread_t receiver;
static unsigned expected[SENDERS], received;

static void note_received(struct message *message)
{
	struct note *note = CONTAINER_OF(message, struct note, message);

	ck_assert(pthread_equal(pthread_self(), receiver));
	ck_assert_uint_eq(note->number, expected[note->sender]);
	expected[note->sender]++;
	free(note);
	if (++received == SENDERS * MANY)
		loop_stop(to);
}

static void *send_many(void *arg)
{
	for (unsigned i = 0; i < MANY; i++) {
		struct note *note = calloc(1, sizeof(*note));

		note->message.run = note_received;
		note->sender = *(unsigned *)arg;
		note->number = i;
		loop_post(to, &note->message);
	}
	return NULL;
}

START_TEST(messages_of_many_threads_all_arrive_in_order)
{
	pthread_t threads[SENDERS];
	unsigned senders[SENDERS];

	ck_assert_int_eq(loop_new(0, &to), 0);
	receiver = pthread_self();
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
	}
	loop_run(to);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(received, SENDERS * MANY);
	loop_free(to);
}
END_TEST

/* A message that two loops notifier to each other, each from its own thread. */
struct ping {
	struct message message;
	struct loop *loops[2];
	unsigned at, rounds;
};

static void ping_received(struct message *message)
{
	struct ping *ping = CONTAINER_OF(message, struct ping, message);

	if (ping->rounds == 0) {
		loop_stop(ping->loops[ping->at]);
		ping->loops[ping->at] = NULL;
		ping->at ^= 1;
		if (ping->loops[ping->at])
			loop_post(ping->loops[ping->at], message);
		return;
	}
	ping->rounds--;
	ping->at ^= 1;
	loop_post(ping->loops[ping->at], message);
}

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void stop_here(struct message *message)
{
	struct ping *ping = CONTAINER_OF(message, struct ping, message);

	loop_stop(ping->loops[0]);
}

START_TEST(two_loops_exchange_a_message)
{
	struct ping ping = { .message.run = ping_received, .rounds = 2000 };
	struct loop *loops[2];
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(loop_new(i, &loops[i]), 0);
		ping.loops[i] = loops[i];
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_loop, loops[i]), 0);
	}
	loop_post(loops[0], &ping.message);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(ping.rounds, 0);
	for (unsigned i = 0; i < 2; i++)
		loop_free(loops[i]);
}
END_TEST

START_TEST(a_message_posted_before_the_loop_runs_is_kept)
{
	struct ping early = { .message.run = stop_here };

	ck_assert_int_eq(loop_new(0, &early.loops[0]), 0);
	loop_post(early.loops[0], &early.message);
	loop_run(early.loops[0]);
	loop_free(early.loops[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_test(all, messages_of_many_threads_all_arrive_in_order);
	tcase_add_test(all, two_loops_exchange_a_message);
	tcase_add_test(all, a_message_posted_before_the_loop_runs_is_kept);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
