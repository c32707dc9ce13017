/* SPDX-License-Identifier: MIT
 *
 * Messages between threads: all arrive, those of one sender in order, on the receiving loop's
 * thread.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "reeyo/core/memory.h"
#include "reeyo/loop/loop.h"
#include "../suite.h"

#define SENDERS 3
#define MANY 20000

struct note {
	struct message message;
	unsigned sender, number;
};

static struct loop *to;
static pthread_t receiver;
static unsigned expected[SENDERS], received;

static void note_arrives(struct message *message)
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

		note->message.run = note_arrives;
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

/* A ball that two loops throw to each other, each from its own thread. */
struct ball {
	struct message message;
	struct loop *loops[2];
	unsigned at, throws;
};

static void ball_caught(struct message *message)
{
	struct ball *ball = CONTAINER_OF(message, struct ball, message);

	if (ball->throws == 0) {
		loop_stop(ball->loops[ball->at]);
		ball->loops[ball->at] = NULL;
		ball->at ^= 1;
		if (ball->loops[ball->at])
			loop_post(ball->loops[ball->at], message);
		return;
	}
	ball->throws--;
	ball->at ^= 1;
	loop_post(ball->loops[ball->at], message);
}

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void stop_here(struct message *message)
{
	struct ball *ball = CONTAINER_OF(message, struct ball, message);

	loop_stop(ball->loops[0]);
}

START_TEST(two_loops_throw_a_ball)
{
	struct ball ball = { .message.run = ball_caught, .throws = 2000 };
	struct loop *loops[2];
	pthread_t threads[2];

	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(loop_new(i, &loops[i]), 0);
		ball.loops[i] = loops[i];
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run_loop, loops[i]), 0);
	}
	loop_post(loops[0], &ball.message);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(ball.throws, 0);
	for (unsigned i = 0; i < 2; i++)
		loop_free(loops[i]);
}
END_TEST

START_TEST(a_message_posted_before_the_loop_runs_is_kept)
{
	struct ball early = { .message.run = stop_here };

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
	tcase_add_test(all, two_loops_throw_a_ball);
	tcase_add_test(all, a_message_posted_before_the_loop_runs_is_kept);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
