# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Debian packages listed in config/packages.txt. Sourced, with $root set to the checkout.
: "${root:?}"

# packages_of SECTION...: the packages of the sections, one per line.
packages_of() {
	local section

	for section; do
		awk -v want="[$section]" '
			{ sub(/#.*/, ""); gsub(/[ \t]+/, "") }
			/^\[/ { on = ($0 == want); next }
			on && length' "$root/config/packages.txt"
	done | sort -u
}

# packages_missing SECTION...: the packages that are not installed.
packages_missing() {
	local name

	packages_of "$@" | while read -r name; do
		dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q ' installed$' ||
			echo "$name"
	done
}

# Runs as root: directly, or through sudo.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Installs packages without starting their services on the standard ports and without creating the
# cluster "main". Packages that were installed before are not changed.
packages_quietly() {
	local policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/reeyo.conf
	local made_policy='' made_cluster='' result=0

	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
		made_policy=1
	fi
	if ! dpkg-query -W postgresql-15 >/dev/null 2>&1; then
		as_root mkdir -p "${cluster%/*}"
		echo 'create_main_cluster = false' | as_root tee "$cluster" >/dev/null
		made_cluster=1
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		"$@" </dev/null || result=1
	[ -z "$made_policy" ] || as_root rm -f "$policy"
	[ -z "$made_cluster" ] || as_root rm -f "$cluster"
	return "$result"
}

# packages_need SECTION...: installs missing packages. With no_install=1, or without root rights, prints
# the command to run and fails.
packages_need() {
	local missing

	command -v dpkg-query >/dev/null || {
		echo "This is not Debian: install what config/packages.txt names, then use --no-install." >&2
		[ -n "${no_install-}" ]
		return
	}
	missing=$(packages_missing "$@" | tr '\n' ' ')
	missing=${missing% }
	[ -n "$missing" ] || return 0
	if [ -n "${no_install-}" ] || { [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; }; then
		printf '%s\n' "Packages are missing. As root:" \
			"  apt-get install --no-install-recommends $missing" >&2
		return 1
	fi
	echo "Installing: $missing"
	as_root apt-get update -q </dev/null >/dev/null ||
		echo "apt-get update failed; trying with the package lists at hand" >&2
	# shellcheck disable=SC2086 # one word per package
	packages_quietly $missing
}
