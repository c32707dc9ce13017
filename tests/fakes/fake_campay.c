/* SPDX-License-Identifier: MIT
 *
 * Campay, the mobile-money gateway, in both dialects at once: /token/, /collect/, /withdraw/,
 * /transaction/REF/, /history/ with `Authorization: Token`, and /auth/token, /collect, /disburse, …
 * with `Bearer` and X-API-KEY. A transaction succeeds after --settle-ms. Then --callback is
 * called, signed by the method --sign (hmac: X-Campay-Signature; jwt: member `signature`; get: a
 * query with `signature`).
 *
 * Faults of a collect or withdraw, besides the common ones:
 *   fail {reason}            it fails instead
 *   late {ms}                it settles after this time; never: not at all
 *   late-success {ms}        it fails with a callback, and succeeds after this time
 *   lost-callback            no callback is sent
 *   duplicate-callback {times}
 *   callback-first           it succeeds, with a callback, before the response is sent
 *   wrong-amount {amount}    the callback has another amount
 *   other-amount {amount}    another amount is collected
 *   forged-signature         the callback's signature is wrong
 *   forged-success           it fails, and a forged callback reports success
 *   revoke (of any path)     the token becomes invalid
 *
 * For tests: GET /_transactions, POST /_callback {reference, status?, amount?, signature?: "forged"
 * | "none", sign?} sends one now and responds {"status": status of the callback}. POST /_decide
 * {external_reference, status, amount?, reason?}: sets the result without a callback.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

static struct {
	const char *username, *password, *app_key, *webhook_key, *callback, *sign, *settle_ms,
		*token_s;
} set = { "reeyo", "campay-password", "campay-app-key", "campay-webhook-key", "", "hmac", "2000",
	"3600" };

static json_t *transactions; /* reference → transaction */
static json_t *tokens;       /* token → its expiry, in seconds */
static unsigned long made;

static const char *text_in(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static json_t *refusal(const char *code, const char *why)
{
	return json_pack("{s:s, s:s}", "message", why, "error_code", code);
}

static bool is_fault(const json_t *fault, const char *name)
{
	return strcmp(text_in(fault, "fault"), name) == 0;
}

static int fault_int(const json_t *fault, const char *name, int otherwise)
{
	const json_t *value = json_object_get(fault, name);

	return json_is_integer(value) ? (int)json_integer_value(value) : otherwise;
}

static void reset(void)
{
	fake_lock();
	json_decref(transactions);
	json_decref(tokens);
	transactions = tokens = NULL;
	fake_unlock();
}

/* --- Callbacks -------------------------------------------------------------------------------- */

/* status NULL, amount -1: use the transaction's. */
struct notification {
	char reference[40];
	const char *status, *sign;
	int64_t amount;
	bool forged, unsigned_;
};

static json_t *callback_body(const struct notification *notification)
{
	json_t *one, *body = NULL;
	char amount[24];

	fake_lock();
	one = json_object_get(transactions, notification->reference);
	if (one) {
		snprintf(amount, sizeof(amount), "%lld",
			notification->amount >= 0
				? (long long)notification->amount
				: (long long)json_integer_value(json_object_get(one, "amount")));
		body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "status",
			notification->status ? notification->status : text_in(one, "status"),
			"reference", notification->reference, "amount", amount, "currency", "XAF",
			"operator", text_in(one, "operator"), "external_reference",
			text_in(one, "external_reference"), "external_user",
			text_in(one, "external_user"), "endpoint", text_in(one, "endpoint"),
			"phone_number", text_in(one, "phone_number"));
		json_object_set_new(one, "callbacks",
			json_integer(1 + json_integer_value(json_object_get(one, "callbacks"))));
	}
	fake_unlock();
	return body;
}

static long notify_by_body(const struct notification *notification, json_t *body, bool jwt)
{
	char header[128] = "X-Campay-Signature: ", *text, *token;
	const json_t *claims;
	long status;

	if (jwt && !notification->unsigned_) {
		claims = body;
		token = fake_jwt(notification->forged ? "forged" : set.webhook_key, claims);
		json_object_set_new(body, "signature", json_string(token));
		free(token);
	}
	text = json_dumps(body, JSON_COMPACT);
	fake_hmac(notification->forged ? "forged" : set.app_key, text, strlen(text),
		header + strlen(header));
	status = fake_call(set.callback, jwt || notification->unsigned_ ? NULL : header, text);
	free(text);
	return status;
}

static void query_add(char *out, size_t size, const char *name, const char *value)
{
	size_t len = strlen(out);

	len += (size_t)snprintf(out + len, size - len, "%s%s=", len ? "&" : "", name);
	for (; *value && len + 4 < size; value++)
		len += (size_t)snprintf(out + len, size - len,
			isalnum((unsigned char)*value) ? "%c" : "%%%02X", (unsigned char)*value);
}

static long notify_by_query(const struct notification *notification, const json_t *body)
{
	char query[1500] = "", url[2048], hex[65];
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)body, name, value)
		query_add(query, sizeof(query) - 80, name, json_string_value(value));
	fake_hmac(notification->forged ? "forged" : set.app_key, query, strlen(query), hex);
	if (!notification->unsigned_)
		query_add(query, sizeof(query), "signature", hex);
	snprintf(url, sizeof(url), "%s?%s", set.callback, query);
	return fake_call(url, NULL, NULL);
}

/* The status of the callback; 0: no response, or no --callback. */
static long notify(const struct notification *notification)
{
	const char *sign = notification->sign ? notification->sign : set.sign;
	json_t *body = *set.callback ? callback_body(notification) : NULL;
	long status = 0;

	if (body)
		status = strcmp(sign, "get") == 0
			? notify_by_query(notification, body)
			: notify_by_body(notification, body, strcmp(sign, "jwt") == 0);
	json_decref(body);
	return status;
}

/* --- Settling --------------------------------------------------------------------------------- */

/* The planned result of a transaction. */
struct settling {
	char reference[40];
	json_t *fault;
	bool again; /* the second time of late-success */
};

static void settling_drop(void *what)
{
	struct settling *settling = what;

	json_decref(settling->fault);
	free(settling);
}

static void settle_later(const char *reference, json_t *fault, bool again, int ms);

static void status_set(const struct settling *settling, bool failed)
{
	const char *reason = text_in(settling->fault, "reason");
	json_t *one;

	fake_lock();
	one = json_object_get(transactions, settling->reference);
	if (one) {
		json_object_set_new(one, "status", json_string(failed ? "FAILED" : "SUCCESSFUL"));
		json_object_set_new(one, "reason",
			json_string(!failed       ? ""
					: *reason ? reason
						  : "the customer did not confirm"));
		if (is_fault(settling->fault, "other-amount"))
			json_object_set_new(one, "amount",
				json_integer(fault_int(settling->fault, "amount", 1)));
	}
	fake_unlock();
}

static void settle(void *what)
{
	struct settling *settling = what;
	const json_t *fault = settling->fault;
	struct notification notification = {
		.amount = is_fault(fault, "wrong-amount") ? fault_int(fault, "amount", 1) : -1,
		.forged = is_fault(fault, "forged-signature")
	};
	bool late = is_fault(fault, "late-success") && !settling->again;
	int times = is_fault(fault, "lost-callback")    ? 0
		: is_fault(fault, "duplicate-callback") ? fault_int(fault, "times", 2)
							: 1;

	strcpy(notification.reference, settling->reference);
	if (is_fault(fault, "forged-success")) {
		notification.forged = true;
		notification.status = "SUCCESSFUL";
		notify(&notification);
		notification.forged = false;
		notification.status = NULL;
	}
	status_set(settling, late || is_fault(fault, "fail") || is_fault(fault, "forged-success"));
	while (times-- > 0)
		notify(&notification);
	if (late)
		settle_later(
			settling->reference, settling->fault, true, fault_int(fault, "ms", 3000));
	settling_drop(settling);
}

static struct settling *settling_new(const char *reference, json_t *fault, bool again)
{
	struct settling *settling = calloc(1, sizeof(*settling));

	snprintf(settling->reference, sizeof(settling->reference), "%s", reference);
	settling->fault = json_incref(fault);
	settling->again = again;
	return settling;
}

static void settle_later(const char *reference, json_t *fault, bool again, int ms)
{
	fake_later(ms, settle, settling_drop, settling_new(reference, fault, again));
}

static void settle_plan(const char *reference, json_t *fault)
{
	int ms = atoi(set.settle_ms);

	if (is_fault(fault, "callback-first"))
		settle(settling_new(reference, fault, false));
	else if (is_fault(fault, "late"))
		settle_later(reference, fault, false, fault_int(fault, "ms", 3 * ms));
	else if (!is_fault(fault, "never"))
		settle_later(reference, fault, false, ms);
}

/* --- Tokens ----------------------------------------------------------------------------------- */

static void token_give(struct fake_request *rq, bool upstream)
{
	long life = atol(set.token_s);
	char token[64], until[32];
	time_t ends = time(NULL) + life;
	struct tm utc;

	if (strcmp(text_in(rq->json, "username"), set.username) != 0 ||
		strcmp(text_in(rq->json, "password"), set.password) != 0)
		return fake_reply(rq, 400,
			json_pack("{s:[s]}", "non_field_errors",
				"Unable to log in with provided credentials."));
	snprintf(token, sizeof(token), "token-%08x%08x", fake_chance(0xffffffff),
		fake_chance(0xffffffff));
	fake_lock();
	if (!tokens)
		tokens = json_object();
	json_object_set_new(tokens, token, json_integer(ends));
	fake_unlock();
	gmtime_r(&ends, &utc);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &utc);
	if (upstream)
		return fake_reply(
			rq, 200, json_pack("{s:s, s:s}", "token", token, "expires_at", until));
	fake_reply(rq, 200, json_pack("{s:s, s:i}", "token", token, "expires_in", (int)life));
}

static bool token_good(const char *token)
{
	bool good;

	fake_lock();
	good = json_integer_value(json_object_get(tokens, token)) > time(NULL);
	fake_unlock();
	return good;
}

/* The response uses the dialect of the token. */
static bool admitted(struct fake_request *rq, bool *ret_upstream)
{
	const char *authorization = fake_header(rq, "Authorization");

	if (fake_fault_is(rq, "revoke")) {
		fake_lock();
		json_object_clear(tokens);
		fake_unlock();
	}
	*ret_upstream = strncmp(authorization, "Bearer ", 7) == 0;
	if (*ret_upstream && strcmp(fake_header(rq, "X-API-KEY"), set.app_key) != 0)
		return false;
	return (*ret_upstream && token_good(authorization + 7)) ||
		(strncmp(authorization, "Token ", 6) == 0 && token_good(authorization + 6));
}

/* --- Transactions ----------------------------------------------------------------------------- */

static const char *operator_of(const char *phone)
{
	static const char *const operators[10] = {
		[5] = "MTN", [7] = "MTN", [8] = "MTN", [9] = "ORANGE"
	};
	bool good = strlen(phone) == 12 && strncmp(phone, "2376", 4) == 0 &&
		strspn(phone, "0123456789") == 12;

	if (!good || phone[4] < '2')
		return NULL;
	return operators[phone[4] - '0'] ? operators[phone[4] - '0'] : "MTN";
}

static int64_t whole_amount(const json_t *body)
{
	const char *text = text_in(body, "amount");

	return *text && strspn(text, "0123456789") == strlen(text) ? strtoll(text, NULL, 10) : 0;
}

static void transaction_keep(const char *reference, const json_t *body, const char *phone,
	const char *endpoint, int64_t amount)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i}",
		"reference", reference, "external_reference", text_in(body, "external_reference"),
		"external_user", text_in(body, "external_user"), "status", "PENDING", "amount",
		(json_int_t)amount, "currency", "XAF", "operator", operator_of(phone),
		"phone_number", phone, "description", text_in(body, "description"), "reason", "",
		"endpoint", endpoint, "made", (json_int_t)time(NULL), "callbacks", 0);

	fake_lock();
	if (!transactions)
		transactions = json_object();
	json_object_set_new(transactions, reference, one);
	fake_unlock();
}

static void transfer(struct fake_request *rq, const char *party, const char *endpoint)
{
	const char *phone = text_in(rq->json, party);
	int64_t amount = whole_amount(rq->json);
	char reference[40], ussd[16];

	if (!operator_of(phone))
		return fake_reply(rq, 400,
			refusal("ER101", "Invalid phone number. Ensure number starts with 237"));
	if (amount < 1 || strcmp(text_in(rq->json, "currency"), "XAF") != 0)
		return fake_reply(
			rq, 400, refusal("ER201", "Invalid amount. Decimal numbers not allowed"));
	/* Unlike random values, never the same in two runs: a client may have kept those
	 * of the last. */
	snprintf(reference, sizeof(reference), "%08lx-%04x-4%03x-9%03x-%012lx",
		(unsigned long)time(NULL) & 0xffffffff, fake_chance(0x10000), fake_chance(0x1000),
		fake_chance(0x1000), __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED));
	transaction_keep(reference, rq->json, phone, endpoint, amount);
	settle_plan(reference, (json_t *)(uintptr_t)rq->fault);
	snprintf(ussd, sizeof(ussd), "%s",
		strcmp(operator_of(phone), "MTN") == 0 ? "*126#" : "#150*50#");
	if (strcmp(endpoint, "collect") == 0)
		return fake_reply(rq, 200,
			json_pack("{s:s, s:s, s:s}", "reference", reference, "ussd_code", ussd,
				"operator", operator_of(phone)));
	fake_reply(rq, 200, json_pack("{s:s, s:s}", "reference", reference, "status", "PENDING"));
}

/* The amount is a number in one dialect, a text in the other. */
static void show(struct fake_request *rq, const char *reference, bool upstream)
{
	json_t *one;
	char amount[24];

	fake_lock();
	one = json_copy(json_object_get(transactions, reference));
	fake_unlock();
	if (!one)
		return fake_reply(rq, 404, json_pack("{s:s}", "detail", "Not found."));
	snprintf(amount, sizeof(amount), "%lld.00",
		(long long)json_integer_value(json_object_get(one, "amount")));
	if (upstream)
		json_object_set_new(one, "amount", json_string(amount));
	json_object_del(one, "made");
	json_object_del(one, "callbacks");
	fake_reply(rq, 200, one);
}

static json_t *history_row(const json_t *one, const char *date)
{
	json_int_t amount = json_integer_value(json_object_get(one, "amount"));
	bool out = strcmp(text_in(one, "endpoint"), "withdraw") == 0;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "datetime",
		date, "code", text_in(one, "reference"), "operator", text_in(one, "operator"),
		"phone_number", text_in(one, "phone_number"), "description",
		text_in(one, "description"), "external_reference",
		text_in(one, "external_reference"), "external_user", text_in(one, "external_user"),
		"amount", amount, "debit", out ? amount : 0, "credit", out ? 0 : amount, "status",
		text_in(one, "status"), "reference_uuid", text_in(one, "reference"));
}

static void history(struct fake_request *rq)
{
	const char *from = text_in(rq->json, "start_date"), *to = text_in(rq->json, "end_date"),
		   *reference;
	json_t *rows = json_array(), *one;
	char date[32];
	struct tm utc;
	time_t at;

	fake_lock();
	json_object_foreach(transactions, reference, one)
	{
		at = (time_t)json_integer_value(json_object_get(one, "made"));
		gmtime_r(&at, &utc);
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
		if (strncmp(date, from, 10) >= 0 && strncmp(date, to, 10) <= 0)
			json_array_append_new(rows, history_row(one, date));
	}
	fake_unlock();
	fake_reply(rq, 200, rows);
}

/* --- For tests -------------------------------------------------------------------------------- */

static void list(struct fake_request *rq)
{
	json_t *all = json_array(), *one;
	const char *reference;

	fake_lock();
	json_object_foreach(transactions, reference, one)
		json_array_append_new(all, json_copy(one));
	fake_unlock();
	fake_reply(rq, 200, all);
}

static void notify_now(struct fake_request *rq)
{
	const char *status = text_in(rq->json, "status"), *sign = text_in(rq->json, "sign"),
		   *signature = text_in(rq->json, "signature");
	struct notification notification = { .status = *status ? status : NULL,
		.sign = *sign ? sign : NULL,
		.amount = fault_int(rq->json, "amount", -1),
		.forged = strcmp(signature, "forged") == 0,
		.unsigned_ = strcmp(signature, "none") == 0 };

	snprintf(notification.reference, sizeof(notification.reference), "%s",
		text_in(rq->json, "reference"));
	fake_reply(rq, 200, json_pack("{s:i}", "status", (int)notify(&notification)));
}

static json_t *transaction_of(const char *external)
{
	const char *reference;
	json_t *one;

	json_object_foreach(transactions, reference,
		one) if (strcmp(text_in(one, "external_reference"), external) == 0) return one;
	return NULL;
}

static void decide(struct fake_request *rq)
{
	static const char *const members[] = { "status", "amount", "reason" };
	json_t *one;

	fake_lock();
	one = transaction_of(text_in(rq->json, "external_reference"));
	for (size_t i = 0; one && i < sizeof(members) / sizeof(*members); i++)
		if (json_object_get(rq->json, members[i]))
			json_object_set(one, members[i], json_object_get(rq->json, members[i]));
	fake_unlock();
	fake_reply(rq, one ? 200 : 404, json_pack("{s:b}", "decided", one != NULL));
}

/* --- The service ------------------------------------------------------------------------------ */

static void answer(struct fake_request *rq)
{
	bool get = strcmp(rq->method, "GET") == 0, upstream;
	const char *path = rq->path;

	if (strcmp(path, "/_transactions") == 0)
		return list(rq);
	if (strcmp(path, "/_callback") == 0)
		return notify_now(rq);
	if (strcmp(path, "/_decide") == 0)
		return decide(rq);
	if (strcmp(path, "/token") == 0 || strcmp(path, "/auth/token") == 0)
		return token_give(rq, path[1] == 'a');
	if (!admitted(rq, &upstream))
		return fake_reply(rq, 401, json_pack("{s:s}", "detail", "Invalid token."));
	if (get && strncmp(path, "/transaction/", 13) == 0)
		return show(rq, path + 13, upstream);
	if (!get && strcmp(path, "/collect") == 0)
		return transfer(rq, "from", "collect");
	if (!get && strcmp(path, upstream ? "/disburse" : "/withdraw") == 0)
		return transfer(rq, "to", "withdraw");
	if (!get && strcmp(path, "/history") == 0)
		return history(rq);
	fake_reply(rq, 404, json_pack("{s:s}", "detail", "Not found."));
}

static const struct fake_flag flags[] = { { "username", &set.username, "who may log in" },
	{ "password", &set.password, "and how" },
	{ "app-key", &set.app_key, "X-API-KEY, and the key of hmac" },
	{ "webhook-key", &set.webhook_key, "the key of jwt" },
	{ "callback", &set.callback, "the address for callbacks; empty: none" },
	{ "sign", &set.sign, "hmac, jwt or get" },
	{ "settle-ms", &set.settle_ms, "how long a transaction is PENDING" },
	{ "token-s", &set.token_s, "how long a token lives" }, { NULL, NULL, NULL } };

#define OF(path, fault) "{\"path\":\"" path "\",\"fault\":" fault "}"
#define OF_TRANSFERS(fault) OF("/collect", fault), OF("/withdraw", fault), OF("/disburse", fault)

static const char *const chances[] = { OF_TRANSFERS("\"slow\",\"ms\":1500"),
	OF_TRANSFERS("\"status\",\"status\":500"), OF_TRANSFERS("\"status-after\",\"status\":502"),
	OF_TRANSFERS("\"reset\""), OF_TRANSFERS("\"reset-after\""), OF_TRANSFERS("\"fail\""),
	OF_TRANSFERS("\"late\",\"ms\":8000"), OF_TRANSFERS("\"late-success\",\"ms\":4000"),
	OF_TRANSFERS("\"lost-callback\""), OF_TRANSFERS("\"duplicate-callback\",\"times\":3"),
	OF_TRANSFERS("\"callback-first\""), OF_TRANSFERS("\"wrong-amount\",\"amount\":1"),
	OF_TRANSFERS("\"other-amount\",\"amount\":1"), OF_TRANSFERS("\"forged-signature\""),
	OF_TRANSFERS("\"forged-success\""), OF("/transaction", "\"slow\",\"ms\":500"),
	OF("/transaction", "\"status\",\"status\":500"), OF("/transaction", "\"reset\""),
	OF("/transaction", "\"revoke\""), OF("/token", "\"slow\",\"ms\":300"), NULL };

int main(int argc, char **argv)
{
	static const struct fake campay = { "campay", answer, reset, flags, chances };

	return fake_main(&campay, argc, argv);
}
