/* SPDX-License-Identifier: MIT
 *
 * The set of revoked subjects: what is revoked, what is removed, and what happens at its maximum.
 */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../suite.h"
#include "revoked_set.h"

#define LIFE_MS 1000

static struct revoked_set *set_of(unsigned most)
{
	struct revoked_set *set = NULL;

	ck_assert_int_eq(revoked_set_new(most, LIFE_MS, &set), 0);
	return set;
}

START_TEST(tokens_up_to_the_cut_off_are_revoked)
{
	struct revoked_set *set = set_of(1024);

	revoked_set_add(set, "ses_1", 500, 500);
	ck_assert(revoked_set_has(set, "ses_1", 499));
	ck_assert(revoked_set_has(set, "ses_1", 500));
	ck_assert(!revoked_set_has(set, "ses_1", 501));
	ck_assert(!revoked_set_has(set, "ses_2", 1));
	revoked_set_add(set, "ses_1", 400, 500);
	ck_assert(revoked_set_has(set, "ses_1", 500));
	revoked_set_add(set, "ses_1", 600, 600);
	ck_assert(revoked_set_has(set, "ses_1", 600));
	ck_assert_uint_eq(revoked_set_count(set), 1);
	revoked_set_free(set);
}
END_TEST

START_TEST(many_are_all_found)
{
	struct revoked_set *set = set_of(1 << 20);
	char subject[32];

	for (int i = 0; i < 20000; i++) {
		snprintf(subject, sizeof(subject), "ses_%d", i);
		revoked_set_add(set, subject, 100, 100);
	}
	ck_assert_uint_eq(revoked_set_count(set), 20000);
	for (int i = 0; i < 20000; i++) {
		snprintf(subject, sizeof(subject), "ses_%d", i);
		ck_assert(revoked_set_has(set, subject, 100));
		snprintf(subject, sizeof(subject), "other_%d", i);
		ck_assert(!revoked_set_has(set, subject, 100));
	}
	revoked_set_free(set);
}
END_TEST

START_TEST(expired_entries_are_removed)
{
	struct revoked_set *set = set_of(1 << 20);
	char subject[32];

	for (int64_t now = 0; now < 50 * LIFE_MS; now += 10) {
		snprintf(subject, sizeof(subject), "ses_%lld", (long long)now);
		revoked_set_add(set, subject, now, now);
		ck_assert(revoked_set_has(set, subject, now));
	}
	ck_assert_uint_lt(revoked_set_count(set), 4 * LIFE_MS / 10);
	revoked_set_free(set);
}
END_TEST

START_TEST(beyond_the_maximum_every_older_token_is_revoked)
{
	struct revoked_set *set = set_of(64);
	char subject[32];

	for (int i = 0; i < 65; i++) {
		snprintf(subject, sizeof(subject), "ses_%d", i);
		revoked_set_add(set, subject, 100 + i, 200);
	}
	for (int i = 0; i < 65; i++) {
		snprintf(subject, sizeof(subject), "ses_%d", i);
		ck_assert(revoked_set_has(set, subject, 100 + i));
	}
	ck_assert(revoked_set_has(set, "anybody", 164));
	ck_assert(!revoked_set_has(set, "anybody", 165));
	ck_assert_uint_le(revoked_set_count(set), 64);
	revoked_set_free(set);
}
END_TEST

START_TEST(beyond_the_maximum_later_tokens_are_valid)
{
	struct revoked_set *set = set_of(64);
	char subject[32];
	int64_t now = 5000;

	for (int i = 0; i < 65; i++) {
		snprintf(subject, sizeof(subject), "ses_%d", i);
		revoked_set_add(set, subject, now + 86400000, now); /* as ended sessions are */
	}
	ck_assert(revoked_set_has(set, "anybody", now));
	ck_assert(!revoked_set_has(set, "anybody", now + 1001));
	revoked_set_free(set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("revoked set");
	TCase *tests = tcase_create("revoked set");

	if (sodium_init() < 0)
		return 1;
	tcase_add_test(tests, tokens_up_to_the_cut_off_are_revoked);
	tcase_add_test(tests, many_are_all_found);
	tcase_add_test(tests, expired_entries_are_removed);
	tcase_add_test(tests, beyond_the_maximum_every_older_token_is_revoked);
	tcase_add_test(tests, beyond_the_maximum_later_tokens_are_valid);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
