/* SPDX-License-Identifier: MIT
 *
 * Password hashes: argon2id with known answers, also in memory that was used before; bcrypt
 * hashes of the former back end; which hashes are outdated.
 */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "digest.h"
#include "hash_memory.h"
#include "login_cache.h"
#include "reeyo/core/memory.h"

#define PASSWORD "Test123!@#"

static const struct digest_cost cheap = { .memory = 64 * 1024, .passes = 1 };

/* argon2id, m=64 KiB, t=1, p=1, of "password" with the salt "somesalt12345678", computed by
 * libargon2. */
static const char known[] = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$"
			    "KovyxkqWI8NiIbnVTsHJGtWda07axUqoJVIuPotqICc";

START_TEST(a_password_matches_its_own_hash_only)
{
	char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];

	ck_assert_int_eq(digest_create(&cheap, PASSWORD, hash), 0);
	ck_assert_int_eq(digest_create(&cheap, PASSWORD, again), 0);
	ck_assert_str_ne(hash, again);
	ck_assert_int_eq(strncmp(hash, "$argon2id$v=19$m=64,t=1,p=1$", 28), 0);
	ck_assert(digest_verify(&cheap, hash, PASSWORD));
	ck_assert(!digest_verify(&cheap, hash, "test123!@#"));
	ck_assert(!digest_verify(&cheap, hash, ""));
	ck_assert(!digest_verify(&cheap, hash, PASSWORD " "));
}
END_TEST

START_TEST(kept_memory_changes_no_hash)
{
	char hash[PASSWORD_HASH_SIZE];
	unsigned long before = hash_memory_reuses();

	for (int i = 0; i < 3; i++) {
		ck_assert(digest_verify(&cheap, known, "password"));
		ck_assert(!digest_verify(&cheap, known, "passwore"));
		ck_assert_int_eq(digest_create(&cheap, "something else", hash), 0);
		digest_dummy_verify(&cheap, "nobody");
	}
#ifdef REEYO_KEEP_HASH_MEMORY
	ck_assert_uint_gt(hash_memory_reuses(), before);
#endif
	hash_memory_trim();
	ck_assert(digest_verify(&cheap, known, "password"));
	(void)before;
}
END_TEST

START_TEST(a_hash_that_needs_more_memory_than_is_kept_still_verifies)
{
	struct digest_cost dear = { .memory = 8 << 20, .passes = 1 };
	char hash[PASSWORD_HASH_SIZE];

	ck_assert_int_eq(digest_create(&dear, PASSWORD, hash), 0);
	hash_memory_trim();
	ck_assert(digest_verify(&cheap, hash, PASSWORD));
	ck_assert(digest_verify(&cheap, hash, PASSWORD));
}
END_TEST

START_TEST(bcrypt_hashes_of_the_former_back_end_verify)
{
	/* The published test vector of crypt_blowfish for "U*U", and the same of the other
	 * prefixes. */
	static const char vector[] = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

	ck_assert(digest_verify(&cheap, vector, "U*U"));
	ck_assert(digest_verify(
		&cheap, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"));
	ck_assert(!digest_verify(&cheap, vector, "U*V"));
	ck_assert(!digest_verify(&cheap, vector, ""));
}
END_TEST

START_TEST(invalid_hashes_match_nothing)
{
	static const char *const rubbish[] = { "", "$", "$2", "$2b", "$2b$", "$2b$99$x", "plain",
		"$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "*0", "*1",
		"$1$salt$hash", "$6$salt$hash" };

	for (size_t i = 0; i < COUNT_OF(rubbish); i++) {
		ck_assert(!digest_verify(&cheap, rubbish[i], PASSWORD));
		ck_assert(!digest_verify(&cheap, rubbish[i], ""));
		ck_assert(!digest_verify(&cheap, rubbish[i], rubbish[i]));
	}
}
END_TEST

START_TEST(hashes_with_other_parameters_are_outdated)
{
	struct digest_cost more_passes = { cheap.memory, 2 }, more_memory = { cheap.memory * 2, 1 };
	char hash[PASSWORD_HASH_SIZE];

	ck_assert_int_eq(digest_create(&cheap, PASSWORD, hash), 0);
	ck_assert(!digest_is_outdated(&cheap, hash));
	ck_assert(digest_is_outdated(&more_passes, hash));
	ck_assert(digest_is_outdated(&more_memory, hash));
	ck_assert(digest_is_outdated(
		&cheap, "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}
END_TEST

START_TEST(a_log_in_is_cached_for_five_minutes)
{
	struct login_cache *memory, *other;
	struct login_proof proof, stranger;

	ck_assert_int_eq(login_cache_new(&memory), 0);
	login_proof(memory, "user_1", known, "password", &proof);
	ck_assert(!login_cache_has(memory, &proof, 1000));
	login_cache_add(memory, &proof, 1000);
	ck_assert(login_cache_has(memory, &proof, 1000));
	ck_assert(login_cache_has(memory, &proof, 1000 + LOGIN_CACHE_TTL_MS - 1));
	ck_assert(!login_cache_has(memory, &proof, 1000 + LOGIN_CACHE_TTL_MS));

	login_proof(memory, "user_2", known, "password", &stranger);
	ck_assert(!login_cache_has(memory, &stranger, 1000));
	login_proof(memory, "user_1", known, "passwore", &stranger);
	ck_assert(!login_cache_has(memory, &stranger, 1000));
	login_proof(memory, "user_1", "another hash", "password", &stranger);
	ck_assert(!login_cache_has(memory, &stranger, 1000));
	login_proof(memory, "user_",
		"1"
		"x",
		"password", &stranger);
	login_proof(memory, "user_1", "x", "password", &proof);
	ck_assert_mem_ne(stranger.mac, proof.mac, sizeof(proof.mac));

	ck_assert_int_eq(login_cache_new(&other), 0);
	login_proof(other, "user_1", "x", "password", &stranger);
	ck_assert_mem_ne(stranger.mac, proof.mac, sizeof(proof.mac));
	login_cache_free(other);
	login_cache_free(memory);
}
END_TEST

START_TEST(the_cache_of_log_ins_is_bounded)
{
	struct login_cache *memory;
	struct login_proof proof;
	unsigned known_count = 0;

	ck_assert_int_eq(login_cache_new(&memory), 0);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 20000; i++) {
			char name[24];

			snprintf(name, sizeof(name), "user_%d", i);
			login_proof(memory, name, known, "password", &proof);
			if (pass)
				known_count += login_cache_has(memory, &proof, 10);
			else
				login_cache_add(memory, &proof, 10);
		}
	ck_assert_uint_gt(known_count, 1000);
	ck_assert_uint_le(known_count, 4096);
	login_cache_free(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("password hashes");
	TCase *tests = tcase_create("password hashes");

	if (sodium_init() < 0)
		return 1;
	tcase_add_test(tests, a_password_matches_its_own_hash_only);
	tcase_add_test(tests, kept_memory_changes_no_hash);
	tcase_add_test(tests, a_hash_that_needs_more_memory_than_is_kept_still_verifies);
	tcase_add_test(tests, bcrypt_hashes_of_the_former_back_end_verify);
	tcase_add_test(tests, invalid_hashes_match_nothing);
	tcase_add_test(tests, hashes_with_other_parameters_are_outdated);
	tcase_add_test(tests, a_log_in_is_cached_for_five_minutes);
	tcase_add_test(tests, the_cache_of_log_ins_is_bounded);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
