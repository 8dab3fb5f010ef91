# The private server of this checkout.  To be sourced by bash:
#
#	. "$(dirname "$0")/lib.sh"
#	bandit_setup
#
# bandit_setup		installs what is missing (Debian, by apt), builds, installs
#					into a copy of the server, makes and starts a cluster, and
#					exports PG_CONFIG, PGHOST, PGPORT, PGUSER, PGDATABASE and a
#					PATH with psql and pgbench; all other PG* variables go
# bandit_install	the same without a cluster
# install_packages	the first step alone: lines "file package" on stdin
# fresh_database	makes an empty database of the name given
# as_server			runs a command as the user that owns the cluster
# say, warn, die	talk
#
# Set by it: ROOT (the checkout), HOME_DIR (where things live), SERVER (the copy
# of the server), STARTED (not empty when the server was not running before).
#
# Everything lives in .pg/ of the checkout.  The server refuses root: there it
# runs as postgres.  Where postgres may not enter the checkout, or its path has
# characters that PostgreSQL's makefiles cannot take, everything lives in
# /var/tmp instead.  No other cluster is ever touched: the server is a copy of
# Debian's, with a data directory, a socket and a log of its own, and listens
# on no network address.  Anyone who may enter the socket's directory, which
# is its owner and root, is let in.
#
# The database "demo" is made with the cluster and watched by pg_cron: to drop
# it, DROP DATABASE demo WITH (FORCE).

# a make of our own must not take over what the outer one was told
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
umask 022
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PGVERSION=${PGVERSION:-15}
DEBIAN_LIB=/usr/lib/postgresql/$PGVERSION
DEBIAN_SHARE=/usr/share/postgresql/$PGVERSION
STARTED=
# set by the checkers: where another build of that version is, laid out as
# Debian's, and a script to stand in for the program postgres
BASE=${BANDIT_BASE:-}
WRAPPER=${BANDIT_WRAPPER:-}

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() { warn "error: $*"; exit 1; }

# ------------------------------------------------------------------ packages

# a file that must be there, and the package that brings it
needed() {
	cat <<LIST
/usr/bin/gcc gcc
/usr/bin/g++ g++
/usr/bin/make make
/usr/bin/prove perl
/usr/include/stdio.h libc6-dev
/usr/include/boost/math/special_functions/beta.hpp libboost-math-dev
$DEBIAN_LIB/bin/postgres postgresql-$PGVERSION
/usr/include/postgresql/$PGVERSION/server/postgres.h postgresql-server-dev-$PGVERSION
$DEBIAN_LIB/lib/pg_cron.so postgresql-$PGVERSION-cron
$DEBIAN_SHARE/extension/pgtap.control postgresql-$PGVERSION-pgtap
/usr/bin/pg_prove libtap-parser-sourcehandler-pgtap-perl
/usr/share/perl5/IPC/Run.pm libipc-run-perl
LIST
}

install_packages() {
	local missing file package sudo='' log dropin=''
	missing=$(while read -r file package; do
		[ -e "$file" ] || printf '%s ' "$package"
	done)
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null ||
		die "this is not Debian; please install what $missing would bring"
	if [ "$(id -u)" != 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null ||
			die "missing packages, and no sudo; as root: apt-get install $missing"
	fi
	say "Installing from Debian, once: $missing"
	# a server that comes now must not start a cluster of its own
	if [ ! -e "$DEBIAN_LIB/bin/postgres" ]; then
		dropin=/etc/postgresql-common/createcluster.d/bandit-private.conf
		$sudo mkdir -p "${dropin%/*}"
		echo 'create_main_cluster = false' | $sudo tee "$dropin" >/dev/null
	fi
	log=$(mktemp)
	# shellcheck disable=SC2086	# a list of words
	if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends \
		-o DPkg::Lock::Timeout=300 $missing; } </dev/null >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		[ -z "$dropin" ] || $sudo rm -f "$dropin"
		die "could not install $missing"
	fi
	rm -f "$log"
	[ -z "$dropin" ] || $sudo rm -f "$dropin"
}

# -------------------------------------------------------------------- places

# what goes in front of a command that the server's user shall run
AS_SERVER=()
[ "$(id -u)" != 0 ] || AS_SERVER=(runuser -u postgres --)

# run it, from a directory that the user may enter
as_server() { (cd / && exec "${AS_SERVER[@]}" "$@"); }

# sets HOME_DIR, SERVER, DATA_DIR, SOCKET_DIR; makes nothing
choose_places() {
	local private length
	private=/var/tmp/bandit-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)-$(id -u)
	HOME_DIR=$ROOT/.pg
	if [[ $ROOT = *[!a-zA-Z0-9/._+-]* ]]; then
		HOME_DIR=$private
		WHY_NOT_HERE="PostgreSQL's makefiles cannot take this path"
	elif [ "$(id -u)" = 0 ] && ! as_server test -x "$ROOT"; then
		HOME_DIR=$private
		WHY_NOT_HERE="the user postgres may not enter this directory"
	fi
	SERVER=$HOME_DIR$DEBIAN_LIB
	DATA_DIR=$HOME_DIR/data-$PGVERSION
	# a socket's path has at most 107 bytes, and its name has 14
	SOCKET_DIR=$HOME_DIR/run
	length=$(printf '%s' "$SOCKET_DIR" | wc -c)
	[ "$length" -le 90 ] || SOCKET_DIR=$private/run
}

# In /var/tmp anybody may have made a directory under our name.
own_directory() {
	mkdir -p "$1" || die "could not make $1"
	if [ -L "$1" ] || [ ! -O "$1" ]; then
		die "$1 belongs to $(stat -c %U "$1"); remove it, as that user"
	fi
}

make_places() {
	if [ ! -d "$HOME_DIR" ] && [ "$HOME_DIR" != "$ROOT/.pg" ]; then
		say "The private server goes to $HOME_DIR: $WHY_NOT_HERE."
	fi
	own_directory "$HOME_DIR"
	own_directory "${SOCKET_DIR%/run}"
	mkdir -p "$SOCKET_DIR"
	chmod 0700 "$SOCKET_DIR"
	if [ "$(id -u)" = 0 ]; then
		chown postgres: "$SOCKET_DIR"
	fi
}

# a copy of Debian's server, so that "make install" changes nothing outside
copy_server() {
	local stamp=$HOME_DIR/copied-$PGVERSION state
	state=$(
		stat -c '%n %s %Y' "$BASE$DEBIAN_LIB/bin/postgres" \
			"$BASE$DEBIAN_LIB/lib" "$DEBIAN_SHARE/extension"
		[ -z "$WRAPPER" ] || cksum < "$WRAPPER"
	)
	if [ "$state" = "$(cat "$stamp" 2>/dev/null)" ]; then
		return
	fi
	say "Copying the server, $("$BASE$DEBIAN_LIB/bin/postgres" --version)"
	stop_cluster
	rm -rf "$stamp" "$HOME_DIR$DEBIAN_LIB" "$HOME_DIR$DEBIAN_SHARE"
	mkdir -p "$HOME_DIR${DEBIAN_LIB%/*}" "$HOME_DIR${DEBIAN_SHARE%/*}"
	cp -R --preserve=mode,links,timestamps "$BASE$DEBIAN_LIB" "$HOME_DIR${DEBIAN_LIB%/*}/" &&
		cp -R --preserve=mode,links,timestamps "$BASE$DEBIAN_SHARE" "$HOME_DIR${DEBIAN_SHARE%/*}/" &&
		ln -sfn "$BASE/usr/include" "$HOME_DIR/usr/include" ||
		die "could not copy the server to $HOME_DIR"
	if [ -n "$BASE" ]; then
		cp "$DEBIAN_SHARE"/extension/{pgtap,pg_cron}* "$HOME_DIR$DEBIAN_SHARE/extension/" &&
			cp "$DEBIAN_LIB/lib/pg_cron.so" "$SERVER/lib/" ||
			die "could not copy pgTAP and pg_cron to $HOME_DIR"
	fi
	if [ -n "$WRAPPER" ]; then
		mv "$SERVER/bin/postgres" "$SERVER/bin/postgres.real"
		cp "$WRAPPER" "$SERVER/bin/postgres"
		chmod 755 "$SERVER/bin/postgres"
	fi
	printf '%s\n' "$state" > "$stamp"
}

our_make() { make -C "$ROOT" -s -j"$(nproc)" "$@"; }

build() {
	local log=$HOME_DIR/build.log
	if ! our_make PG_CONFIG="$PG_CONFIG" all install >"$log" 2>&1; then
		cat "$log" >&2
		die "the extension did not build"
	fi
	grep -A 4 'warning:' "$log" >&2 || true
}

# ------------------------------------------------------------------- cluster

# Is there the postmaster of our data directory?  It stands in that directory;
# a process that came to have its number, or the postmaster of a directory
# that this one was copied from, does not.
running() {
	local pid
	pid=$(head -n 1 "$DATA_DIR/postmaster.pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$DATA_DIR" ]
}

stop_cluster() {
	running || return 0
	as_server "$SERVER/bin/pg_ctl" -D "$DATA_DIR" -m fast -w stop >/dev/null ||
		die "the private server did not stop; its log is $DATA_DIR/server.log"
}

settings() {
	local quoted=${SOCKET_DIR//\'/\'\'}
	cat <<LINES
listen_addresses = ''
unix_socket_directories = '"$quoted"'
unix_socket_permissions = 0700
fsync = off						# a demo and tests: nothing to lose
shared_buffers = '256MB'
max_connections = 120
max_prepared_transactions = 10
max_wal_size = '2GB'
timezone = 'UTC'
log_timezone = 'UTC'
LINES
	if [ -e "$SERVER/lib/pg_cron.so" ]; then
		cat <<LINES
shared_preload_libraries = 'pg_cron'
cron.database_name = 'demo'
cron.host = '$quoted'
LINES
	fi
}

# A cluster without its last file is one whose making was interrupted.
make_cluster() {
	if [ ! -f "$DATA_DIR/complete" ]; then
		say "Making a private cluster in $DATA_DIR"
		stop_cluster
		rm -rf "$DATA_DIR"
		mkdir -m 0700 "$DATA_DIR"
		[ "$(id -u)" != 0 ] || chown postgres: "$DATA_DIR"
		as_server "$SERVER/bin/initdb" -D "$DATA_DIR" -U postgres -A trust \
			-E UTF8 --locale=C.UTF-8 --no-sync >"$HOME_DIR/initdb.log" 2>&1 || {
			cat "$HOME_DIR/initdb.log" >&2
			die "initdb failed"
		}
		echo 'CREATE DATABASE demo;' | as_server "$SERVER/bin/postgres" --single \
			-F -D "$DATA_DIR" -c log_min_messages=fatal postgres >/dev/null ||
			die "could not make the database demo"
		echo "include = 'private.conf'" >> "$DATA_DIR/postgresql.conf"
		touch "$DATA_DIR/complete"
	fi
	if [ "$(settings)" != "$(cat "$DATA_DIR/private.conf" 2>/dev/null)" ]; then
		stop_cluster
		settings > "$DATA_DIR/private.conf"
	fi
}

# where the checkers have their copies of the checkout
CHECK_WORK=/var/tmp/bandit-check-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)-$(id -u)

# the copies of the checkers, and what still runs in them
remove_checks() {
	local copy
	for copy in "$CHECK_WORK"/*/; do
		[ ! -x "$copy/scripts/cluster" ] || "$copy/scripts/cluster" stop >/dev/null
	done
	rm -rf "$CHECK_WORK"
}

start_cluster() {
	local pid log=$DATA_DIR/server.log
	running && return
	# A number that another process has now would stop the server; one that
	# nobody has is the server's own business.
	pid=$(head -n 1 "$DATA_DIR/postmaster.pid" 2>/dev/null || true)
	if [ -n "$pid" ] && [ -e "/proc/$pid" ]; then
		rm -f "$DATA_DIR/postmaster.pid"
	fi
	pid=$(head -n 1 "$SOCKET_DIR/.s.PGSQL.5432.lock" 2>/dev/null || true)
	if [ -n "$pid" ] && [ -e "/proc/$pid" ]; then
		rm -f "$SOCKET_DIR"/.s.PGSQL.5432*
	fi
	if ! as_server "$SERVER/bin/pg_ctl" -D "$DATA_DIR" -w -t 120 \
		-l "$log" start >/dev/null; then
		tail -n 20 "$log" >&2
		die "the private server did not start; its log is $log"
	fi
	STARTED=yes
}

connection() {
	local name
	for name in "${!PG@}"; do
		[ "$name" = PGVERSION ] || unset "$name"
	done
	export PG_CONFIG=$SERVER/bin/pg_config
	export PGHOST=$SOCKET_DIR PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	export PATH=$SERVER/bin:$PATH
}

fresh_database() {
	PGOPTIONS='-c client_min_messages=warning' dropdb --force --if-exists "$1" &&
		createdb "$1"
}

bandit_setup() {
	bandit_install
	make_cluster 9>&-
	start_cluster 9>&-
	exec 9>&-
}

# the first half, without a cluster; keeps the lock
bandit_install() {
	needed | install_packages || exit
	choose_places
	make_places
	connection
	# one set-up at a time; the server must not inherit the lock
	exec 9>"$HOME_DIR/lock"
	flock 9
	copy_server 9>&-
	build 9>&-
}
