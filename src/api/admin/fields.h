/* SPDX-License-Identifier: MIT
 *
 * Reply tables of the contract's admin rows.
 */
#ifndef REEYO_API_ADMIN_FIELDS_H
#define REEYO_API_ADMIN_FIELDS_H

#include "reeyo/http/field.h"

/* A member that is always present and may be null, and one that is never null. */
#define NULLABLE(name, kind) \
	{ \
		name, kind, .nullable = true \
	}
#define ALWAYS(name, kind) \
	{ \
		name, kind, .required = true \
	}

extern const struct field admin_order_fields[];
extern const struct field admin_timeline_fields[];
extern const struct field admin_vendor_fields[];
extern const struct field admin_rider_fields[];
extern const struct field admin_user_fields[];
extern const struct field admin_item_fields[];

#endif
