/* SPDX-License-Identifier: MIT
 *
 * The end of every unit test program.
 */
#ifndef REEYO_TESTS_UNIT_SUITE_H
#define REEYO_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the suite, frees it, and gives main's exit code. CK_VERBOSITY in the environment sets the
 * verbosity. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
