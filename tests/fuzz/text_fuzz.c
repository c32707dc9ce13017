/* SPDX-License-Identifier: MIT
 *
 * Texts from clients: times, numbers, phones, UTF-8. A value that is read, written and read again
 * is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/text.h"
#include "reeyo/domain/operator.h"
#include "reeyo/http/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	char phone[14], again[14], iso[CLOCK_ISO_SIZE];
	int64_t ms, back, number;
	double real;

	if (!text)
		return 0;
	if (clock_parse(text, &ms) == 0) {
		clock_iso(ms, iso);
		if (clock_parse(iso, &back) || (ms >= 0 && ms < 253402300799999 && back != ms))
			abort();
	}
	if (phone_normalise(text, phone) &&
		(!phone_normalise(phone, again) || strcmp(phone, again) != 0))
		abort();
	(void)text_to_int(text_of(text), INT64_MIN, INT64_MAX, &number);
	(void)text_to_double(text_of(text), &real);
	(void)text_is_utf8((struct text){ (const char *)data, size });
	(void)password_fault(text, false);
	free(text);
	return 0;
}
