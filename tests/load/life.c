/* SPDX-License-Identifier: MIT */
#include "life.h"

#include <string.h>

void life_start(struct life *life)
{
	life->step = 0;
	life->reply_len = 0;
}

void life_reply_add(struct life *life, const char *part, size_t len)
{
	if (life->step > 0)
		return;
	if (len > sizeof(life->reply) - life->reply_len)
		len = sizeof(life->reply) - life->reply_len;
	memcpy(life->reply + life->reply_len, part, len);
	life->reply_len += len;
}

/* Copies the text member of the reply when it has exactly this length. */
static bool member_copy(const struct life *life, const char *name, char *out, size_t len)
{
	const char *at = memmem(life->reply, life->reply_len, name, strlen(name));
	size_t left = at ? (size_t)(life->reply + life->reply_len - at) - strlen(name) : 0;

	if (left <= len || at[strlen(name) + len] != '"')
		return false;
	memcpy(out, at + strlen(name), len);
	return true;
}

bool life_continue(struct life *life)
{
	if (life->step++ > 0)
		return true;
	if (!member_copy(life, "\"verificationCode\":\"", life->code, strlen(CODE_MARK)))
		memcpy(life->code, "0000", strlen(CODE_MARK));
	return member_copy(life, "\"orderId\":\"", life->order, strlen(ORDER_MARK));
}

static void mark_replace(char *text, size_t len, const char *mark, const char *value)
{
	char *at = memmem(text, len, mark, strlen(mark));

	if (at)
		memcpy(at, value, strlen(mark));
}

const char *life_request(struct life *life, const char *bytes, size_t len)
{
	if (life->step == 0)
		return bytes;
	if (len > sizeof(life->request))
		return NULL;
	memcpy(life->request, bytes, len);
	mark_replace(life->request, len, ORDER_MARK, life->order);
	mark_replace(life->request, len, CODE_MARK, life->code);
	return life->request;
}
