/* SPDX-License-Identifier: MIT
 *
 * What an admin may turn: every key of the configuration, in each spelling and unit that a console
 * uses for it, and the setting it stands for.
 */
#ifndef REEYO_API_ADMIN_KNOBS_H
#define REEYO_API_ADMIN_KNOBS_H

#include <jansson.h>

struct knob_fault {
	char field[96];
	const char *english, *french;
};

/* Compares what a client sent with the settings as they are, and gives the settings that are to be
 * written, {"key": value, …}, which the caller releases: empty when nothing differs. NULL: *fault
 * says why, or memory is out (its field is empty).
 *
 * Keys are read in any casing ("commission_rate_food", "commissionRateFood"), services also as
 * Postman writes them ({food:{…}}). What equals what the configuration shows is left alone,
 * whatever its unit, so that sending a whole configuration back changes nothing. */
json_t *knobs_turn(const json_t *sent, const json_t *settings, struct knob_fault *fault);

#endif
