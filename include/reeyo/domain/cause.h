/* SPDX-License-Identifier: MIT
 *
 * Former names of notification_rule.h; to be removed with their last use.
 */
#ifndef REEYO_DOMAIN_CAUSE_H
#define REEYO_DOMAIN_CAUSE_H

#include "reeyo/domain/notification_rule.h"

#define whom recipient
#define whom_name recipient_name
#define whom_room recipient_room

#endif
