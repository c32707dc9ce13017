/* SPDX-License-Identifier: MIT
 *
 * The templates that the build put into the binary, by "language/name.channel". Ends with a NULL
 * name.
 */
#ifndef REEYO_SRC_PARTNERS_EMBEDDED_H
#define REEYO_SRC_PARTNERS_EMBEDDED_H

struct embedded_text {
	const char *name, *text;
};
extern const struct embedded_text embedded_messages[];

#endif
