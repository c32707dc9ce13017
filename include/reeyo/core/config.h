/* SPDX-License-Identifier: MIT
 *
 * Configuration: one table. Built-in default < file < environment (REEYO_*, and REEYO_*_FILE for
 * a file that holds the value) < flags. A key `db_write_lanes` is `db_write_lanes = 4` in the file,
 * REEYO_DB_WRITE_LANES in the environment and `--db-write-lanes 4` as a flag; `listen.user` is
 * REEYO_LISTEN_USER and `--listen.user`. A wrong value stops the server at start; the message names
 * the source, the key and what the key accepts.
 */
#ifndef REEYO_CORE_CONFIG_H
#define REEYO_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"

/* Kind, member, key, default, minimum, maximum, help. Kinds: TEXT, SECRET (masked), BOOL (on/off),
 * INT, MS (a duration: "50ms", "30s", "15m", "24h", "7d"), BYTES ("8k", "10m"). */
#define REEYO_CONFIG(X) \
	X(TEXT, environment, "environment", "development", 0, 0, \
		"production, development or test; production refuses settings that are " \
		"unsafe or only for development") \
	X(TEXT, listen, "listen", "127.0.0.1:8080", 0, 0, \
		"main listener, all namespaces: [address]:port, port 0 picks a free one") \
	X(TEXT, listen_user, "listen.user", "", 0, 0, \
		"listener where bare /api/v1 is the user namespace") \
	X(TEXT, listen_vendor, "listen.vendor", "", 0, 0, "the same for vendors") \
	X(TEXT, listen_rider, "listen.rider", "", 0, 0, "the same for riders") \
	X(TEXT, listen_admin, "listen.admin", "", 0, 0, \
		"the same for admins; several addresses are separated by commas") \
	X(TEXT, listen_metrics, "listen.metrics", "", 0, 0, "listener of /metrics; empty: none") \
	X(TEXT, api, "api", "user,vendor,rider,admin", 0, 0, "namespaces this process serves") \
	X(INT, loops, "loops", "0", 0, 64, "event loops (threads); 0: one per core") \
	X(INT, backlog, "backlog", "4096", 16, 65535, "accept queue of each listener") \
	X(INT, max_connections, "max_connections", "18000", 16, 1000000, \
		"open client connections of this process") \
	X(BYTES, connection_memory, "connection_memory", "8k", 8192, 65536, \
		"memory pool of a connection: bounds the request line and " \
		"headers (to 2.75 KB less)") \
	X(BYTES, body_limit, "body_limit", "64k", 1024, 104857600, \
		"largest request body of a route that names no limit of its own") \
	X(BYTES, request_memory, "request_memory", "16m", 65536, 1073741824, \
		"most memory one request may take") \
	X(MS, header_timeout, "header_timeout", "10s", 100, 600000, \
		"absolute time for a request's headers, from connecting") \
	X(MS, keepalive_timeout, "keepalive_timeout", "75s", 100, 3600000, \
		"absolute time from one response to the next complete headers") \
	X(MS, body_timeout, "body_timeout", "30s", 100, 600000, \
		"absolute time for a request's body, from its headers") \
	X(MS, request_timeout, "request_timeout", "30s", 100, 600000, \
		"absolute time a handler has to respond") \
	X(MS, send_timeout, "send_timeout", "60s", 100, 600000, \
		"absolute time a client has to read a response") \
	X(MS, drain_delay, "drain_delay", "0ms", 0, 600000, \
		"how long /readyz fails before listeners close (load balancer delay)") \
	X(MS, drain_timeout, "drain_timeout", "25s", 100, 600000, \
		"time limit for in-flight requests on SIGTERM") \
	X(TEXT, allowed_origins, "allowed_origins", "", 0, 0, \
		"browser origins that may call the API, comma separated; " \
		"* allows all, without credentials") \
	X(TEXT, trusted_proxies, "trusted_proxies", "", 0, 0, \
		"addresses whose X-Forwarded-For is trusted, comma separated") \
	X(TEXT, log_level, "log_level", "info", 0, 0, "debug, info, warn, error or off") \
	X(BOOL, access_log, "access_log", "on", 0, 0, "one log line per request") \
	X(SECRET, database_url, "database_url", "postgresql:///reeyo", 0, 0, \
		"primary, libpq connection string") \
	X(SECRET, replica_url, "replica_url", "", 0, 0, \
		"read replica; empty: reads go to the primary") \
	X(INT, db_write_lanes, "db_write_lanes", "4", 1, 24, "write connections per loop") \
	X(INT, db_read_lanes, "db_read_lanes", "4", 1, 24, "read connections per loop") \
	X(INT, db_lane_depth, "db_lane_depth", "256", 1, 65536, \
		"statements in flight on one connection; more get 503") \
	X(MS, db_statement_timeout, "db_statement_timeout", "5s", 10, 600000, "statement_timeout") \
	X(MS, db_lock_timeout, "db_lock_timeout", "3s", 10, 600000, "lock_timeout") \
	X(MS, db_report_timeout, "db_report_timeout", "60s", 100, 3600000, \
		"statement_timeout of the report lane") \
	X(SECRET, redis_url, "redis_url", "redis://127.0.0.1:6379/0", 0, 0, \
		"redis://[user:password@]host:port/db, " \
		"redis-cluster://[user:password@]host:port,… or unix:///path; empty: no cache") \
	X(MS, redis_timeout, "redis_timeout", "50ms", 1, 10000, "a slower reply counts as a miss") \
	X(SECRET, jwt_secret, "jwt_secret", "", 0, 0, \
		"HS256 keys, newest first: id:secret[,id:secret]; a bare secret has the id 1; " \
		"at least 32 characters") \
	X(MS, access_ttl, "access_ttl", "7d", 1000, 7776000000, "lifetime of an access token") \
	X(MS, refresh_ttl, "refresh_ttl", "30d", 1000, 31536000000, "lifetime of a refresh token") \
	X(MS, refresh_grace, "refresh_grace", "60s", 1000, 3600000, \
		"how long a replaced refresh token still returns its successor, once; " \
		"at least twice request_timeout") \
	X(BYTES, argon2_memory, "argon2_memory", "7168k", 8192, 1073741824, \
		"argon2id memory; in production at least 7168k") \
	X(INT, argon2_passes, "argon2_passes", "5", 1, 100, \
		"argon2id passes; in production at least the work of 7168k with 5") \
	X(INT, work_threads, "work_threads", "0", 0, 64, \
		"threads for password hashes; 0: one per core") \
	X(INT, work_queue, "work_queue", "64", 1, 65536, \
		"hashes waiting for a thread; more get 503") \
	X(BOOL, login_memory, "login_memory", "off", 0, 0, \
		"cache verified log-ins for 5 minutes, under a key of this process") \
	X(TEXT, super_admin_email, "super_admin_email", "", 0, 0, \
		"created as super-admin at start when there is no admin") \
	X(SECRET, super_admin_password, "super_admin_password", "", 0, 0, \
		"password of the super-admin, and of an account made by reeyo admin") \
	X(TEXT, otp_test_code, "otp_test_code", "", 0, 0, \
		"a one-time code accepted in addition to the real one; never in production") \
	X(BOOL, auto_approve, "auto_approve", "off", 0, 0, \
		"approve new vendors and riders at once; never in production") \
	X(BOOL, skip_phone_verify, "skip_phone_verify", "off", 0, 0, \
		"new accounts count as phone-verified; never in production") \
	X(BOOL, card_sandbox, "card_sandbox", "off", 0, 0, \
		"credit CARD top-ups at once; never in production") \
	X(BOOL, rate_limit, "rate_limit", "on", 0, 0, "rate limits; always on in production") \
	X(INT, rate_account, "rate_account", "100", 1, 1000000, \
		"requests per account in rate_window") \
	X(INT, rate_admin, "rate_admin", "1000", 1, 1000000, "requests per admin in rate_window") \
	X(MS, rate_window, "rate_window", "15m", 1000, 86400000, \
		"window of rate_account and rate_admin") \
	X(INT, rate_login, "rate_login", "5", 1, 1000000, \
		"wrong passwords, and wrong one-time codes, of an account in rate_window") \
	X(INT, rate_reset, "rate_reset", "100", 1, 1000000, \
		"wrong reset codes from a client's network in rate_window") \
	X(INT, rate_code, "rate_code", "5", 1, 1000000, \
		"codes sent again to an account, or to reset its password, in rate_window") \
	X(INT, rate_register, "rate_register", "3", 1, 1000000, \
		"registrations per phone or device in an hour") \
	X(INT, rate_address, "rate_address", "6000", 1, 10000000, \
		"requests per client address per minute and loop (IPv6: per /64, and 8 times " \
		"as many per /48); high, because customers of a carrier share an address") \
	X(INT, rate_callback, "rate_callback", "6000", 1, 10000000, \
		"the same for callbacks of payment gateways, which have their own count") \
	X(INT, rate_messages_to, "rate_messages_to", "10", 1, 1000000, \
		"codes sent to one phone or e-mail in an hour for callers who are not logged in") \
	X(INT, rate_messages_address, "rate_messages_address", "60", 1, 1000000, \
		"the same, per client address (IPv6 as above)") \
	X(INT, rate_messages, "rate_messages", "1000", 1, 10000000, \
		"the same, for the whole process") \
	X(MS, duplicate_window, "duplicate_window", "60s", 0, 86400000, \
		"a customer's second order of the same basket within this time is refused " \
		"unless it has an Idempotency-Key; 0: never") \
	X(MS, rider_silence, "rider_silence", "15m", 1000, 86400000, \
		"an order whose rider has not reported a position for this long is flagged for " \
		"an admin") \
	X(BOOL, platform_funds_free_delivery, "platform_funds_free_delivery", "on", 0, 0, \
		"when delivery is free, the platform pays the rider the calculated fee") \
	X(MS, stream_ping, "stream_ping", "25s", 100, 600000, \
		"longest time between two messages on an event stream; the " \
		"stream's token is checked again at each ping") \
	X(INT, streams_per_account, "streams_per_account", "5", 1, 10000, \
		"event streams and waiting polls of one account on this process; one more " \
		"ends the oldest") \
	X(INT, streams_max, "streams_max", "20000", 1, 1000000, \
		"event streams and waiting polls of this process; more get 503") \
	X(TEXT, campay_url, "campay_url", "https://demo.campay.net/api", 0, 0, \
		"the mobile-money gateway; the live one is https://www.campay.net/api") \
	X(TEXT, campay_dialect, "campay_dialect", "campay", 0, 0, \
		"campay (the gateway's own interface) or upstream (the " \
		"interface of the earlier back end)") \
	X(TEXT, campay_username, "campay_username", "", 0, 0, \
		"user name at the gateway; empty: mobile money answers 503") \
	X(SECRET, campay_password, "campay_password", "", 0, 0, "password at the gateway") \
	X(SECRET, campay_app_key, "campay_app_key", "", 0, 0, \
		"app key: X-API-KEY of the upstream dialect, and the key of " \
		"callbacks signed with HMAC-SHA256") \
	X(SECRET, campay_webhook_key, "campay_webhook_key", "", 0, 0, \
		"key that verifies callbacks signed with an HS256 token") \
	/* at most 40 s: a payment is first queried after 45 s, when its request has ended */ \
	X(MS, gateway_timeout, "gateway_timeout", "30s", 100, 40000, \
		"time limit of a call to the gateway") \
	X(INT, gateway_at_once, "gateway_at_once", "16", 1, 1000, \
		"concurrent calls to the gateway, per loop") \
	X(INT, payment_asks, "payment_asks", "10", 1, 1000, \
		"payments queried at the gateway per second, by all instances together") \
	X(MS, payment_wait, "payment_wait", "15m", 1000, 86400000, \
		"a mobile-money order that is not paid within this time is cancelled") \
	X(INT, payout_two_admins_from, "payout_two_admins_from", "0", 0, 1000000000000, \
		"pay-outs of at least this amount need two admins; 0: one admin for any") \
	X(TEXT, sms, "sms", "log", 0, 0, "log (writes the text to the log), twilio, or off") \
	X(TEXT, twilio_url, "twilio_url", "https://api.twilio.com", 0, 0, "Twilio's address") \
	X(TEXT, twilio_sid, "twilio_sid", "", 0, 0, \
		"Twilio account; empty: no text messages are queued") \
	X(SECRET, twilio_token, "twilio_token", "", 0, 0, "token of the Twilio account") \
	X(TEXT, twilio_from, "twilio_from", "", 0, 0, "sender number or name of text messages") \
	X(TEXT, mail, "mail", "log", 0, 0, "log (writes the text to the log), sendgrid, or off") \
	X(TEXT, sendgrid_url, "sendgrid_url", "https://api.sendgrid.com", 0, 0, \
		"SendGrid's address") \
	X(SECRET, sendgrid_key, "sendgrid_key", "", 0, 0, \
		"SendGrid key; empty: no e-mails are queued") \
	X(TEXT, mail_from, "mail_from", "", 0, 0, "sender address of e-mails") \
	X(TEXT, push, "push", "log", 0, 0, "log (writes the text to the log), fcm, sns, or off") \
	X(TEXT, fcm_url, "fcm_url", "https://fcm.googleapis.com", 0, 0, "Firebase's address") \
	X(TEXT, fcm_account, "fcm_account", "", 0, 0, \
		"file of the service account (JSON); empty: no push messages are queued") \
	X(TEXT, sns_url, "sns_url", "", 0, 0, "empty: https://sns.REGION.amazonaws.com") \
	X(TEXT, sns_region, "sns_region", "eu-west-1", 0, 0, "region") \
	X(TEXT, sns_key_id, "sns_key_id", "", 0, 0, \
		"access key; empty: no push messages are queued") \
	X(SECRET, sns_key, "sns_key", "", 0, 0, "secret of sns_key_id") \
	X(TEXT, messages_dir, "messages_dir", "", 0, 0, \
		"folder with message templates in en/ and fr/; empty: the " \
		"built-in templates (config/messages)") \
	X(BOOL, webhook_private, "webhook_private", "off", 0, 0, \
		"webhooks may use private addresses and plain http; never " \
		"in production") \
	X(MS, webhook_timeout, "webhook_timeout", "15s", 100, 60000, \
		"time limit of a webhook's delivery") \
	X(BYTES, compress_from, "compress_from", "1k", 64, 10485760, \
		"smallest body that is compressed")

enum config_kind { CONFIG_TEXT, CONFIG_SECRET, CONFIG_BOOL, CONFIG_INT, CONFIG_MS, CONFIG_BYTES };

struct config {
#define CONFIG_TEXT_TYPE const char *
#define CONFIG_SECRET_TYPE const char *
#define CONFIG_BOOL_TYPE bool
#define CONFIG_INT_TYPE int64_t
#define CONFIG_MS_TYPE int64_t
#define CONFIG_BYTES_TYPE int64_t
#define X(kind, member, ...) CONFIG_##kind##_TYPE member;
	REEYO_CONFIG(X)
#undef X
};

/* Reads file (NULL: none), environment and flags into a new configuration.
 * argv: the arguments after the command word, e.g. {"--listen", "127.0.0.1:0", "--rate-limit",
 * "off"}; "--config FILE" names the file. *ret_rest counts the arguments that were not flags (moved
 * to the front of argv, in order). On error returns E_CONFIG after one line on stderr. */
int config_load(int argc, char **argv, int *ret_rest, struct config **ret) MUST_CHECK;
void config_free(struct config *config);
/* Prints every key with its value (secrets masked) and its source, as aligned lines. */
void config_print(const struct config *config);
/* Prints the flags with their defaults and help. */
void config_help(void);

#endif
