/* SPDX-License-Identifier: MIT
 *
 * The audit of the admin namespace. The name of an act is the member .audit of its route's row; the
 * statement of the write passes the entry to the SQL function admin_audit_add, so the audit row is
 * written in the same transaction as the act.
 */
#ifndef REEYO_API_ADMIN_AUDIT_H
#define REEYO_API_ADMIN_AUDIT_H

#include "reeyo/http/request.h"

/* The entry for admin_audit_add, as JSON text in the request's arena: {"adminId","act","details",
 * "requestId"}. details are the members of the body that the route's field table names, without
 * secrets and passwords. NULL only when out of memory. */
const char *audit_entry(struct request *rq);

/* sql_write and sql_try_write for a statement that has the parameter :audit. The other parameters
 * follow as designated initialisers:
 * admin_write(rq, admin_zone_delete, admin_zone_deleted, .zone_id = rq->params[0]); */
#define admin_write(rq, name, done, ...) \
	sql_write(rq, name, done, &(struct name){ .audit = audit_entry(rq), __VA_ARGS__ })
#define admin_try_write(rq, name, done, ...) \
	sql_try_write(rq, name, done, &(struct name){ .audit = audit_entry(rq), __VA_ARGS__ })

#endif
