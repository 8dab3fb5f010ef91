# The private server of this checkout.  To be sourced by bash.
#
# bandit_setup		installs what is missing (Debian, by apt), builds, installs
#					into a copy of the server, makes and starts a cluster, and
#					exports PG_CONFIG PGHOST PGPORT PGUSER PGDATABASE and PATH
# say, warn, die	talk
# as_server ...		run a command as the user that owns the cluster
#
# Everything lives in .pg/ of the checkout.  The server refuses root: there it
# runs as postgres, and where postgres may not enter the checkout, everything
# lives in /var/tmp instead.  No other cluster is ever touched: the server is
# a copy of Debian's, with a data directory, a socket and a log of its own,
# and listens on no network address.

# a make of our own must not take over what the outer one was told
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PGVERSION=${PGVERSION:-15}
DEBIAN_BIN=/usr/lib/postgresql/$PGVERSION/bin

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() { warn "error: $*"; exit 1; }

# ------------------------------------------------------------------ packages

# file or command that must be there, and the package that brings it
needed() {
	cat <<LIST
/usr/bin/gcc gcc
/usr/bin/g++ g++
/usr/bin/make make
/usr/bin/perl perl
/usr/bin/gzip gzip
/usr/include/stdio.h libc6-dev
$DEBIAN_BIN/postgres postgresql-$PGVERSION
$DEBIAN_BIN/pgbench postgresql-$PGVERSION
/usr/lib/postgresql/$PGVERSION/lib/pgxs/src/makefiles/pgxs.mk postgresql-server-dev-$PGVERSION
/usr/lib/postgresql/$PGVERSION/lib/pg_cron.so postgresql-$PGVERSION-cron
/usr/share/postgresql/$PGVERSION/extension/pgtap.control postgresql-$PGVERSION-pgtap
/usr/bin/pg_prove libtap-parser-sourcehandler-pgtap-perl
/usr/share/perl5/IPC/Run.pm libipc-run-perl
/usr/include/boost/math/special_functions/beta.hpp libboost-math-dev
LIST
}

missing_packages() {
	needed | while read -r file package; do
		[ -e "$file" ] || echo "$package"
	done | sort -u
}

install_packages() {
	local missing sudo=''
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	say "Installing from Debian:" $missing
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "these packages are missing, and there is no sudo:" $missing
		sudo=sudo
	fi
	command -v apt-get >/dev/null || die "this is no Debian; please install:" $missing
	# a fresh postgresql package must not start a cluster of its own
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		$sudo mkdir -p /etc/postgresql-common
		echo 'create_main_cluster = false' |
			$sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
		warn "apt-get update failed; trying with what is known"
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null ||
		die "could not install:" $missing
}

# -------------------------------------------------------------------- places

server_user() { if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi; }

as_server() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && runuser -u postgres -- "$@")
	else
		"$@"
	fi
}

# where things live: sets HOME_DIR, SERVER, PGDATA_DIR, SOCKET_DIR
choose_places() {
	local sum
	sum=$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
	HOME_DIR=$ROOT/.pg
	if [ "$(id -u)" = 0 ] && ! as_server test -x "$ROOT"; then
		HOME_DIR=/var/tmp/bandit-$sum
		if [ ! -d "$HOME_DIR" ]; then
			say "postgres may not enter $ROOT; the private server goes to $HOME_DIR."
		fi
	fi
	SERVER=$HOME_DIR/usr/lib/postgresql/$PGVERSION
	PGDATA_DIR=$HOME_DIR/data-$PGVERSION
	SOCKET_DIR=$HOME_DIR/run
	# a socket's path has at most 107 bytes
	if [ ${#SOCKET_DIR} -gt 80 ]; then
		SOCKET_DIR=/tmp/bandit-$sum-$(id -u)
	fi
	mkdir -p "$HOME_DIR"
}

# a copy of Debian's server, so that "make install" changes nothing outside
copy_server() {
	local stamp=$HOME_DIR/copied-$PGVERSION version
	version=$("$DEBIAN_BIN/postgres" --version)
	if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$version" ]; then
		return
	fi
	say "Copying the server: $version"
	stop_cluster
	rm -rf "$HOME_DIR/usr/lib/postgresql/$PGVERSION" \
		"$HOME_DIR/usr/share/postgresql/$PGVERSION"
	mkdir -p "$HOME_DIR/usr/lib/postgresql" "$HOME_DIR/usr/share/postgresql"
	cp -a "/usr/lib/postgresql/$PGVERSION" "$HOME_DIR/usr/lib/postgresql/"
	cp -a "/usr/share/postgresql/$PGVERSION" "$HOME_DIR/usr/share/postgresql/"
	ln -sfn /usr/include "$HOME_DIR/usr/include"
	printf '%s' "$version" > "$stamp"
}

build() {
	local log=$HOME_DIR/build.log
	if ! make -C "$ROOT" -s PG_CONFIG="$PG_CONFIG" all install \
			>"$log" 2>&1; then
		cat "$log" >&2
		die "the extension did not build"
	fi
	grep -i 'warning:' "$log" >&2 || true
}

# ------------------------------------------------------------------- cluster

running() {
	[ -f "$PGDATA_DIR/postmaster.pid" ] &&
		as_server "$SERVER/bin/pg_ctl" -D "$PGDATA_DIR" status >/dev/null 2>&1
}

stop_cluster() {
	if [ -x "$SERVER/bin/pg_ctl" ] && running; then
		as_server "$SERVER/bin/pg_ctl" -D "$PGDATA_DIR" -m fast -w stop >/dev/null
	fi
}

make_cluster() {
	if [ -f "$PGDATA_DIR/bandit.ready" ]; then
		return
	fi
	say "Making a private cluster in $PGDATA_DIR"
	rm -rf "$PGDATA_DIR"
	mkdir -p "$PGDATA_DIR"
	[ "$(id -u)" != 0 ] || chown postgres "$PGDATA_DIR"
	as_server "$SERVER/bin/initdb" -D "$PGDATA_DIR" -U postgres -A trust \
		-E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$SOCKET_DIR'"
		echo "unix_socket_permissions = 0777"
		echo "fsync = off					# a demo and tests: nothing to lose"
		echo "shared_buffers = '256MB'"
		echo "max_connections = 120"
		echo "max_prepared_transactions = 10"
		echo "max_wal_size = '2GB'"
		echo "timezone = 'UTC'"
		echo "shared_preload_libraries = 'pg_cron'"
		echo "cron.database_name = 'demo'"
		echo "cron.host = '$SOCKET_DIR'"
		echo "cron.timezone = 'UTC'"
	} > "$HOME_DIR/private.conf"
	cat "$HOME_DIR/private.conf" >> "$PGDATA_DIR/postgresql.conf"
	touch "$PGDATA_DIR/bandit.ready"
	[ "$(id -u)" != 0 ] || chown postgres "$PGDATA_DIR/bandit.ready"
}

start_cluster() {
	mkdir -p "$SOCKET_DIR"
	# root's psql and the server's user must both get at the socket
	if [ "$(id -u)" = 0 ]; then
		chown postgres "$SOCKET_DIR"
	fi
	chmod 0700 "$SOCKET_DIR"
	running && return
	if ! as_server "$SERVER/bin/pg_ctl" -D "$PGDATA_DIR" -w -t 60 \
			-l "$PGDATA_DIR/server.log" start >/dev/null; then
		tail -n 20 "$PGDATA_DIR/server.log" >&2
		die "the private server did not start"
	fi
}

connection() {
	export PG_CONFIG=$SERVER/bin/pg_config
	export PGHOST=$SOCKET_DIR PGPORT=5432 PGUSER=postgres
	export PGDATABASE=${PGDATABASE:-postgres} PGAPPNAME=bandit
	export PATH=$SERVER/bin:$PATH
	unset PGPASSWORD PGSERVICE PGOPTIONS
}

bandit_setup() {
	install_packages
	choose_places
	copy_server
	connection
	build
	make_cluster
	start_cluster
}
