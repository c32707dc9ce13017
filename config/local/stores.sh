# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A PostgreSQL and a Redis in a folder, with unix sockets in its run/, so that no port is used and no
# system cluster is changed. Sourced by config/local/up and down, tests/run and tests/world.
#
#   DIR/postgres/ DIR/redis/   data, of the unprivileged user
#   DIR/run/                   sockets, open to that user (and root) only
#   DIR/log/                   output of the processes
#   DIR/NAME.pid               process id, start time and boot id, so that a reused process id is
#                              never mistaken for ours

# PostgreSQL refuses to run as root: all processes run as this user.
stack_user() {
	if [ "$(id -u)" != 0 ]; then
		id -un
	elif id postgres >/dev/null 2>&1; then
		echo postgres
	else
		echo nobody
	fi
}

# unprivileged COMMAND...: replaces this process by the command, run as stack_user.
unprivileged() {
	local user

	[ "$(id -u)" = 0 ] || exec "$@"
	user=$(stack_user)
	exec setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups \
		env HOME=/nonexistent USER="$user" "$@"
}

# --- Processes --------------------------------------------------------------------------------

# The start time of a process in clock ticks since boot; fails without such a process.
process_started() {
	local stat

	{ stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
	stat=${stat##*) } # the name before it may contain any character
	# shellcheck disable=SC2086
	set -- $stat
	[ "$1" != Z ] && echo "${20}"
}

# process_note DIR NAME PID
process_note() {
	echo "$3 $(process_started "$3") $(</proc/sys/kernel/random/boot_id)" >"$1/$2.pid"
}

# process_id DIR NAME: the process id if the process that we started still runs; fails otherwise.
process_id() {
	local pid started boot

	read -r pid started boot 2>/dev/null <"$1/$2.pid" || return 1
	[ "$boot" = "$(</proc/sys/kernel/random/boot_id)" ] || return 1
	[ "$(process_started "$pid")" = "$started" ] || return 1
	echo "$pid"
}

# log_file DIR NAME: creates DIR/log/NAME.log with mode 600, because logs contain codes and names.
log_file() {
	(umask 077 && : >>"$1/log/$2.log")
	chmod 600 "$1/log/$2.log"
}

# process_start DIR NAME COMMAND...: starts it in its own session, so that Ctrl-C in this terminal does
# not reach it; sets $started_pid.
process_start() {
	local dir=$1 name=$2

	shift 2
	log_file "$dir" "$name"
	(unprivileged setsid "$@") >>"$dir/log/$name.log" 2>&1 </dev/null 9>&- &
	started_pid=$!
	process_note "$dir" "$name" "$started_pid"
}

# process_stop DIR NAME SIGNAL SECONDS: sends the signal, waits, and finally kills. Fails when no
# process ran.
process_stop() {
	local dir=$1 name=$2 pid left=$(($4 * 20))

	pid=$(process_id "$dir" "$name") || {
		rm -f "$dir/$name.pid"
		return 1
	}
	kill -"$3" "$pid" 2>/dev/null || true
	while process_id "$dir" "$name" >/dev/null; do
		if [ $((left -= 1)) = 0 ]; then
			echo "$name (process $pid) did not stop within $4 s: killing it" >&2
			kill -KILL "$pid" 2>/dev/null || true
		fi
		[ "$left" -gt -100 ] || return 1
		sleep 0.05
	done
	rm -f "$dir/$name.pid"
}

# wait_until SECONDS COMMAND...: waits until the command succeeds.
wait_until() {
	local left=$(($1 * 20))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

# --- The folder -------------------------------------------------------------------------------

# stack_folders DIR: creates missing folders. The caller checks that stack_user can reach DIR.
stack_folders() {
	local user group

	user=$(stack_user)
	group=$(id -gn "$user")
	mkdir -p "$1/log"
	: >"$1/.reeyo-stack"
	[ -d "$1/run" ] || install -d -m 700 -o "$user" -g "$group" "$1/run"
	[ -d "$1/redis" ] || install -d -m 700 -o "$user" -g "$group" "$1/redis"
	[ -d "$1/postgres" ] || install -d -m 700 -o "$user" -g "$group" "$1/postgres"
}

# stack_reaches DIR: succeeds when stack_user can enter DIR and a socket name fits (107 bytes).
stack_reaches() {
	[ "${#1}" -le 80 ] && (unprivileged test -x "$1")
}

# --- PostgreSQL -------------------------------------------------------------------------------

postgres_bin() {
	local dir

	for dir in /usr/lib/postgresql/15/bin "$(pg_config --bindir 2>/dev/null)"; do
		[ -x "$dir/postgres" ] && echo "$dir" && return
	done
	echo "PostgreSQL 15 is not installed (looked in /usr/lib/postgresql/15/bin)" >&2
	return 1
}

# postgres_url DIR DATABASE
postgres_url() {
	echo "postgresql:///$2?host=$1/run&user=reeyo"
}

# Settings, written at each start. dev keeps every commit; test does not survive a crash.
# Parameters of statements contain phone numbers, and DETAIL quotes rows: both stay out of the log.
postgres_settings() {
	cat <<-END
		listen_addresses = ''
		unix_socket_directories = '$1/run'
		max_connections = 300
		shared_buffers = 256MB
		max_wal_size = 4GB
		checkpoint_timeout = 15min
		random_page_cost = 1.1
		timezone = 'UTC'
		log_timezone = 'UTC'
		log_line_prefix = '%m [%p] '
		log_checkpoints = off
		log_parameter_max_length = 0
		log_parameter_max_length_on_error = 0
		log_error_verbosity = terse
	END
	if [ "$2" = test ]; then
		# The servers of a module of tests run until it ends, with some 20 sessions each.
		echo "max_connections = 800"
		printf '%s = off\n' fsync synchronous_commit full_page_writes
	else
		printf '%s = on\n' fsync synchronous_commit
	fi
	echo "include_if_exists = 'own.conf'"
}

# postgres_start DIR dev|test
postgres_start() {
	local dir=$1 bin

	process_id "$dir" postgres >/dev/null && return
	bin=$(postgres_bin) || return
	if [ ! -s "$dir/postgres/PG_VERSION" ]; then
		log_file "$dir" initdb
		(cd / && unprivileged "$bin/initdb" -D "$dir/postgres" -U reeyo --auth=trust \
			--encoding=UTF8 --locale=C.UTF-8 --no-instructions --no-sync) \
			>"$dir/log/initdb.log" 2>&1 </dev/null 9>&- || {
			cat "$dir/log/initdb.log" >&2
			return 1
		}
	fi
	postgres_settings "$dir" "$2" |
		(unprivileged tee "$dir/postgres/postgresql.conf") >/dev/null
	process_start "$dir" postgres "$bin/postgres" -D "$dir/postgres"
	wait_until 60 "$bin/pg_isready" -q -h "$dir/run" -U reeyo -d postgres || {
		echo "PostgreSQL did not start; its log:" >&2
		tail -n 20 "$dir/log/postgres.log" >&2
		return 1
	}
}

# Fast shutdown: open transactions are rolled back.
postgres_stop() {
	process_stop "$1" postgres INT 30
}

# postgres_sql DIR DATABASE SQL
postgres_sql() {
	"$(postgres_bin)/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$1/run" -U reeyo -d "$2" -c "$3"
}

# postgres_database DIR NAME: creates the database if it is missing.
postgres_database() {
	[ "$(postgres_sql "$1" postgres "SELECT 1 FROM pg_database WHERE datname = '$2'")" = 1 ] ||
		postgres_sql "$1" postgres "CREATE DATABASE \"$2\""
}

# --- Redis ------------------------------------------------------------------------------------

redis_url() {
	echo "unix://$1/run/redis.sock"
}

# redis_start DIR: a cache, so nothing is saved to disk.
redis_start() {
	local dir=$1

	process_id "$dir" redis >/dev/null && return
	command -v redis-server >/dev/null || {
		echo "Redis is not installed (no redis-server)" >&2
		return 1
	}
	(unprivileged rm -f "$dir/run/redis.sock")
	process_start "$dir" redis redis-server --port 0 --unixsocket "$dir/run/redis.sock" \
		--unixsocketperm 700 --dir "$dir/redis" --save '' --appendonly no \
		--maxmemory 256mb --maxmemory-policy volatile-lru --daemonize no
	wait_until 20 redis-cli -s "$dir/run/redis.sock" ping || {
		echo "Redis did not start; its log:" >&2
		tail -n 20 "$dir/log/redis.log" >&2
		return 1
	}
}

redis_stop() {
	process_stop "$1" redis TERM 15
}

# --- Fakes of external services -----------------------------------------------------------------

# fakes_stop DIR: stops the fakes that config/local/up --fakes started, and prints their names.
fakes_stop() {
	local file name

	for file in "$1"/fake_*.pid; do
		[ -e "$file" ] || continue
		name=${file##*/}
		name=${name%.pid}
		if process_stop "$1" "$name" TERM 15; then echo "Stopped the $name of $1"; fi
	done
	rm -f "$1/fakes"
}
