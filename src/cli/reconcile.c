/* SPDX-License-Identifier: MIT
 *
 * Reconciliation: compares our payments and pay-outs of some days with the gateway's history of the
 * same days, matched by our reference. The states of both sides select an entry of a table, which
 * reports whether they agree and, if not, what explains the difference. A difference that the next
 * query of the gateway resolves counts as explained while such a query is due.
 */
#include "reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/id.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/queries/reconcile.h"
#include "reeyo/loop/loop.h"
#include "reeyo/partners/gateway.h"

/* AMISS: a discrepancy without a decision; ASIDE: an admin settled it outside the ledger. */
enum side { SIDE_ABSENT, SIDE_OPEN, SIDE_DONE, SIDE_OVER, SIDE_AMISS, SIDE_ASIDE, SIDES };
static const char *const side_words[SIDES] = { "-", "OPEN", "DONE", "OVER", "AMISS", "ASIDE" };

struct entry {
	char id[ID_SIZE];                       /* our reference; empty when the gateway has none */
	char reference[GATEWAY_REFERENCE_SIZE]; /* the gateway's; empty when too long */
	enum side side;
	bool withdrawal;
	int64_t amount;
	/* ours only */
	bool due;    /* another query of the gateway is due */
	bool booked; /* the ledger has an entry for it */
	bool inside; /* created in the requested days; others only match, unreported */
	bool matched;
	char state[16];
};

struct entries {
	struct entry *at;
	size_t count, room;
	int error;
};

struct reconciliation {
	const struct reconcile_days *days;
	char from[CLOCK_DAY_SIZE], to[CLOCK_DAY_SIZE];
	struct entries ours, theirs;
	/* Our entries that have a gateway reference; the history may omit our own reference. */
	struct entry **by_reference;
	size_t reference_count;
	/* Our entries again, after the history was read: includes what started meanwhile. */
	struct entries later;
	struct entries *into;
	struct loop *loop;
	enum gateway_outcome outcome;
	unsigned agreed, lines, unexplained;
};

static struct entry *entry_append(struct entries *entries)
{
	if (entries->count == entries->room) {
		size_t room = entries->room ? 2 * entries->room : 1024;
		struct entry *larger = realloc(entries->at, room * sizeof(*larger));

		if (!larger) {
			entries->error = E_NO_MEMORY;
			return NULL;
		}
		entries->at = larger;
		entries->room = room;
	}
	entries->at[entries->count] = (struct entry){ 0 };
	return &entries->at[entries->count++];
}

static int compare_references(const void *a, const void *b)
{
	return strcmp(
		(*(struct entry *const *)a)->reference, (*(struct entry *const *)b)->reference);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static void entries_sort(struct entries *entries)
{
	if (entries->count)
		qsort(entries->at, entries->count, sizeof(struct entry), compare_ids);
}

static struct entry *entry_find(const struct entries *entries, const struct entry *like)
{
	return entries->count
		? bsearch(like, entries->at, entries->count, sizeof(*like), compare_ids)
		: NULL;
}

/* --- Ours ------------------------------------------------------------------------------------- */

static enum side side_named(const char *word)
{
	enum side side = SIDE_OPEN;

	while (side < SIDES && strcmp(side_words[side], word) != 0)
		side++;
	return side;
}

static void our_row_add(void *arg, int n, char *const *values)
{
	struct reconciliation *all = arg;
	struct entry *entry = entry_append(all->into);

	(void)n;
	if (!entry)
		return;
	snprintf(entry->id, sizeof(entry->id), "%s", values[RECONCILE_OURS_ID]);
	entry->withdrawal = values[RECONCILE_OURS_GOES_OUT][0] == 't';
	entry->side = side_named(values[RECONCILE_OURS_SIDE]);
	entry->amount = strtoll(values[RECONCILE_OURS_AMOUNT], NULL, 10);
	entry->due = values[RECONCILE_OURS_DUE][0] == 't';
	entry->booked = values[RECONCILE_OURS_BOOKED][0] == 't';
	entry->inside = values[RECONCILE_OURS_INSIDE][0] == 't';
	snprintf(entry->state, sizeof(entry->state), "%s", values[RECONCILE_OURS_STATE]);
	snprintf(entry->reference, sizeof(entry->reference), "%s",
		values[RECONCILE_OURS_GATEWAY_REFERENCE]);
}

static int our_entries_read(
	struct reconciliation *all, const struct config *config, struct entries *into)
{
	struct db_session *session = NULL;
	int error = db_session_open(config->database_url, &session);

	all->into = into;
	if (!error)
		error = db_session_call(session, reconcile_ours, our_row_add, all,
			&(struct reconcile_ours){ .first_day = all->from, .last_day = all->to });
	db_session_close(session);
	entries_sort(into);
	return error ? error : into->error;
}

/* --- Theirs ----------------------------------------------------------------------------------- */

static void gateway_row_add(struct gateway_history *history,
	const struct gateway_transaction *transaction, bool withdrawal)
{
	static const enum side sides[] = { [GATEWAY_PENDING] = SIDE_OPEN,
		[GATEWAY_SUCCESSFUL] = SIDE_DONE,
		[GATEWAY_FAILED] = SIDE_OVER };
	struct reconciliation *all = history->owner;
	struct entry *entry = entry_append(&all->theirs);

	if (!entry)
		return;
	/* A truncated reference could match another entry, so it is left out. */
	if (!text_copy_whole(entry->id, sizeof(entry->id), transaction->external))
		entry->id[0] = '\0';
	if (!text_copy_whole(entry->reference, sizeof(entry->reference), transaction->reference))
		entry->reference[0] = '\0';
	entry->side = sides[transaction->state];
	entry->withdrawal = withdrawal;
	entry->amount = transaction->amount;
}

static void gateway_history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	struct reconciliation *all = history->owner;

	all->outcome = outcome;
	if (outcome != GATEWAY_ANSWERED)
		fprintf(stderr, "reeyo reconcile: cannot read the gateway's history: %s\n",
			why ? why : "");
	loop_stop(all->loop);
}

static int gateway_history_fetch(struct reconciliation *all, struct gateway *gateway)
{
	struct gateway_history history = {
		.each = gateway_row_add, .done = gateway_history_done, .owner = all
	};

	/* The gateway's day may start before or after ours. */
	if (clock_day_add(all->from, -1, history.from) || clock_day_add(all->to, 1, history.to))
		return E_CONFIG;
	gateway_history_read(gateway, &history);
	loop_run(all->loop);
	return all->outcome == GATEWAY_ANSWERED ? all->theirs.error : E_PAYMENT_DOWN;
}

static int gateway_entries_read(struct reconciliation *all, const struct config *config)
{
	struct client *client = NULL;
	struct gateway *gateway = NULL;
	int error = loop_new(0, &all->loop);

	if (!error)
		error = client_new(all->loop, &client);
	if (!error)
		error = gateway_new(all->loop, client, config, &gateway);
	if (!error && !gateway_configured(gateway)) {
		fprintf(stderr, "reeyo reconcile: no gateway is configured (campay_username)\n");
		error = E_CONFIG;
	}
	if (!error)
		error = gateway_history_fetch(all, gateway);
	client_free(client);
	gateway_free(gateway);
	while (all->loop && uv_run(loop_uv(all->loop), UV_RUN_NOWAIT) && client)
		client = NULL; /* one turn of the loop closes open handles */
	loop_free(all->loop);
	return error;
}

/* --- Comparison ------------------------------------------------------------------------------- */

enum verdict { AGREE, EXPLAINED, WHILE_DUE, UNEXPLAINED };
struct comparison {
	enum verdict verdict;
	const char *why;
};

/* [ours][theirs] */
static const struct comparison comparisons[SIDES][SIDE_OVER + 1] = {
	[SIDE_ABSENT] = { [SIDE_OPEN] = { EXPLAINED, "not ours; no money has moved" },
		[SIDE_DONE] = { UNEXPLAINED, "not ours, and money has moved" },
		[SIDE_OVER] = { EXPLAINED, "not ours; no money has moved" } },
	[SIDE_OPEN] = { [SIDE_ABSENT] = { WHILE_DUE, "the gateway does not have it (yet)" },
		[SIDE_OPEN] = { AGREE, NULL },
		[SIDE_DONE] = { WHILE_DUE, "done there; not queried since" },
		[SIDE_OVER] = { WHILE_DUE, "failed there; not queried since" } },
	[SIDE_DONE] = { [SIDE_ABSENT] = { UNEXPLAINED,
				"done here, and the gateway does not know it" },
		[SIDE_OPEN] = { UNEXPLAINED, "done here before it is there" },
		[SIDE_DONE] = { AGREE, NULL },
		[SIDE_OVER] = { UNEXPLAINED, "done here, failed there" } },
	[SIDE_OVER] = { [SIDE_ABSENT] = { EXPLAINED, "it never reached the gateway" },
		[SIDE_OPEN] = { EXPLAINED, "ended here; the gateway still waits" },
		[SIDE_DONE] = { WHILE_DUE, "ended here, done there; not queried since" },
		[SIDE_OVER] = { AGREE, NULL } },
	[SIDE_AMISS] = { [SIDE_ABSENT] = { EXPLAINED, "marked: for people to decide" },
		[SIDE_OPEN] = { EXPLAINED, "marked: for people to decide" },
		[SIDE_DONE] = { UNEXPLAINED,
			"another amount, or paid when it was over: people have to decide" },
		[SIDE_OVER] = { EXPLAINED, "marked: for people to decide" } },
	[SIDE_ASIDE] = { [SIDE_ABSENT] = { EXPLAINED, "settled outside the books" },
		[SIDE_OPEN] = { EXPLAINED, "settled outside the books" },
		[SIDE_DONE] = { EXPLAINED, "settled outside the books" },
		[SIDE_OVER] = { EXPLAINED, "settled outside the books" } },
};

static void difference_print(struct reconciliation *all, const struct entry *ours,
	const struct entry *theirs, const char *why, bool explained)
{
	const struct entry *either = ours ? ours : theirs;
	const char *what = either->withdrawal ? "withdraw" : "collect";
	const char *kind = !theirs               ? "only-ours"
		: !ours                          ? "only-theirs"
		: ours->amount != theirs->amount ? "amount"
						 : "state";
	json_t *line;

	all->lines++;
	all->unexplained += !explained;
	if (!all->days->json) {
		printf("%-11s %-11s %-8s %-34s ours %-9s %-9lld theirs %-5s %-9lld %s\n",
			explained ? "explained" : "UNEXPLAINED", kind, what,
			either->id[0] ? either->id : either->reference, ours ? ours->state : "-",
			ours ? (long long)ours->amount : 0LL,
			theirs ? side_words[theirs->side] : "-",
			theirs ? (long long)theirs->amount : 0LL, why);
		return;
	}
	line = json_pack("{s:s,s:s,s:s,s:b,s:s?,s:s?,s:I,s:I,s:s}", "reference",
		either->id[0] ? either->id : either->reference, "difference", kind, "what", what,
		"explained", (int)explained, "ours", ours ? ours->state : NULL, "theirs",
		theirs ? side_words[theirs->side] : NULL, "ourAmount",
		(json_int_t)(ours ? ours->amount : 0), "theirAmount",
		(json_int_t)(theirs ? theirs->amount : 0), "why", why);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static void entry_compare(
	struct reconciliation *all, const struct entry *ours, const struct entry *theirs)
{
	enum side here = ours ? ours->side : SIDE_ABSENT,
		  there = theirs ? theirs->side : SIDE_ABSENT;
	struct comparison comparison = comparisons[here][there];
	/* an amount below 0: not reported */
	bool same = !ours || !theirs || theirs->amount < 0 || ours->amount == theirs->amount;

	if (ours && here != SIDE_AMISS && ours->booked != (here == SIDE_DONE))
		return difference_print(all, ours, theirs,
			ours->booked ? "booked, though not done" : "done, and not booked", false);
	if (!same && there == SIDE_DONE && here == SIDE_DONE)
		return difference_print(
			all, ours, theirs, "booked with another amount than was paid", false);
	if (comparison.verdict == AGREE) {
		all->agreed++;
		return;
	}
	difference_print(all, ours, theirs, comparison.why,
		comparison.verdict == EXPLAINED || (comparison.verdict == WHILE_DUE && ours->due));
}

static int reference_index_build(struct reconciliation *all)
{
	all->by_reference = calloc(all->ours.count + 1, sizeof(*all->by_reference));
	if (!all->by_reference)
		return E_NO_MEMORY;
	for (size_t i = 0; i < all->ours.count; i++)
		if (all->ours.at[i].reference[0])
			all->by_reference[all->reference_count++] = &all->ours.at[i];
	qsort(all->by_reference, all->reference_count, sizeof(*all->by_reference),
		compare_references);
	return 0;
}

static struct entry *our_entry_find(const struct reconciliation *all, struct entry *theirs)
{
	struct entry **found;

	if (theirs->id[0])
		return entry_find(&all->ours, theirs);
	found = bsearch(&theirs, all->by_reference, all->reference_count, sizeof(*found),
		compare_references);
	return found ? *found : NULL;
}

static void entries_compare(struct reconciliation *all)
{
	for (size_t i = 0; i < all->theirs.count; i++) {
		struct entry *theirs = &all->theirs.at[i];
		struct entry *ours = our_entry_find(all, theirs);

		if (!ours && theirs->id[0] && entry_find(&all->later, theirs))
			continue;
		if (ours && ours->matched) {
			difference_print(all, ours, theirs, "the gateway has it twice",
				theirs->side != SIDE_DONE);
			continue;
		}
		if (ours)
			ours->matched = true;
		entry_compare(all, ours, theirs);
	}
	for (size_t i = 0; i < all->ours.count; i++)
		if (!all->ours.at[i].matched && all->ours.at[i].inside)
			entry_compare(all, &all->ours.at[i], NULL);
}

static int reconcile_days_parse(struct reconciliation *all)
{
	char today[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), today);
	today[CLOCK_DAY_SIZE - 1] = '\0';
	if (clock_day_add(all->days->to ? all->days->to : today, 0, all->to) ||
		clock_day_add(all->days->from ? all->days->from : all->to, all->days->from ? 0 : -1,
			all->from)) {
		fprintf(stderr, "reeyo reconcile: days are written YYYY-MM-DD\n");
		return E_CONFIG;
	}
	if (strcmp(all->from, all->to) > 0) {
		fprintf(stderr, "reeyo reconcile: the first day, %s, is after the last, %s\n",
			all->from, all->to);
		return E_CONFIG;
	}
	return 0;
}

static void summary_print(const struct reconciliation *all)
{
	json_t *line;

	if (!all->days->json) {
		printf("%s to %s: %u agree, %u differ, %u unexplained\n", all->from, all->to,
			all->agreed, all->lines, all->unexplained);
		return;
	}
	line = json_pack("{s:s,s:s,s:I,s:I,s:I}", "from", all->from, "to", all->to, "agreed",
		(json_int_t)all->agreed, "differences", (json_int_t)all->lines, "unexplained",
		(json_int_t)all->unexplained);
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

int reconcile(const struct config *config, const struct reconcile_days *days)
{
	struct reconciliation all = { .days = days };
	int error = reconcile_days_parse(&all);

	/* Our entries are read first. A change made meanwhile then looks like one that we have not
	 * queried yet. */
	if (!error)
		error = our_entries_read(&all, config, &all.ours);
	if (!error)
		error = gateway_entries_read(&all, config);
	if (!error)
		error = our_entries_read(&all, config, &all.later);
	if (!error)
		error = reference_index_build(&all);
	if (!error) {
		entries_compare(&all);
		summary_print(&all);
		error = all.unexplained ? E_CONFLICT : 0;
	}
	free(all.ours.at);
	free(all.theirs.at);
	free(all.later.at);
	free(all.by_reference);
	return error;
}
