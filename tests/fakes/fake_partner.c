/* SPDX-License-Identifier: MIT
 *
 * The server of a partner that receives webhooks: accepts every request with 204.
 */
#include "fake.h"

static void webhook_accept(struct fake_request *rq)
{
	fake_reply(rq, 204, NULL);
}

int main(int argc, char **argv)
{
	static const struct fake partner = { .name = "partner", .answer = webhook_accept };

	return fake_main(&partner, argc, argv);
}
