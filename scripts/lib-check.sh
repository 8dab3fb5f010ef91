# What the checkers share.  To be sourced after lib.sh.
#
# counted NAME GOOD BAD	counts, and says so at once
# passed, failed NAME	the same for one
# finish				the closing line; fails if something did
# stage LANE			copies the checkout to a place of the lane's own, with a
#						private server of its own, and sets STAGE to it
# assert_server			makes the server with assertions, sets ASSERT_BASE to it
#
# What takes minutes to make is kept in BANDIT_CACHE, by default
# /var/cache/bandit, or ~/.cache/bandit where that cannot be written to.

PASSED=0
FAILED=0
FAILURES=()
BEGAN=$SECONDS
CODENAME=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

section() { printf '\n== %s\n' "$*"; }

passed() { counted "$1" 1 0; }
failed() { counted "$1" 0 1; }

counted() {
	PASSED=$((PASSED + $2))
	FAILED=$((FAILED + $3))
	printf '  %-44s %5d ok' "$1" "$2"
	[ "$3" = 0 ] || { printf ' %5d NOT OK' "$3"; FAILURES+=("$1"); }
	printf '  (%d s)\n' $((SECONDS - BEGAN))
}

finish() {
	[ "$FAILED" = 0 ] || printf '  failed: %s\n' "${FAILURES[@]}"
	printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
	[ "$FAILED" = 0 ] && [ "$PASSED" != 0 ]
}

# add_counts LOG: what a script that ended with "N passed, N failed" counted
add_counts() {
	local line
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$2" | tail -n 1)
	# shellcheck disable=SC2086	# N passed, N failed
	set -- "$1" ${line:-0 passed, 1 failed}
	counted "$1" "$2" "$4"
}

# -------------------------------------------------------------------- places

cache_dir() {
	local dir
	for dir in "${BANDIT_CACHE:-/var/cache/bandit}" "$HOME/.cache/bandit"; do
		if mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ]; then
			printf '%s' "$dir"
			return
		fi
	done
	die "no folder for the cache; name one in BANDIT_CACHE"
}

# Sanitizers and valgrind need objects and a server of their own, and the
# checkout keeps its own: so they work on a copy.  Timestamps stay, so that
# only what changed is built again.
stage() {
	WORK=$CHECK_WORK
	own_directory "$WORK"
	STAGE=$WORK/$1
	LOGS=$STAGE.log
	mkdir -p "$STAGE"
	(cd "$STAGE" && find . -mindepth 1 -maxdepth 1 ! -name .pg ! -name src \
		-exec rm -rf {} +)
	rm -f "$STAGE"/src/*.[ch] "$STAGE"/src/*.cpp
	(cd "$ROOT" && tar -cf - --exclude=./.git --exclude=./.pg --exclude='*.o' \
		--exclude='*.so' --exclude='*.bc' --exclude=./.built-for \
		--exclude=./results --exclude=./output_iso --exclude=./tmp_check \
		--exclude=./test/unit/build .) | tar -C "$STAGE" -xf -
	rm -rf "$LOGS" "$STAGE/.pg/tap"
	find "$STAGE/.pg" -maxdepth 2 -name server.log -exec truncate -s 0 {} + 2>/dev/null
	mkdir -p "$LOGS"
	chmod 1777 "$LOGS"
}

# staged COMMAND...: run it in the copy, which then is the checkout
staged() { (cd "$STAGE" && exec "$@"); }

# -------------------------------------------------- a server with assertions

# the host's own sources of Debian packages, as sources of source packages
source_lists() {
	local file
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		awk -v RS= -v code="$CODENAME" '
			$0 ~ "\nSuites:[^\n]*[ ]" code {
				sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src"); print $0 "\n"
			}' "$file" | sed '/^#/d; 1{/^$/d}' > "$1/${file##*/}"
	done
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n "s/^deb \(.* $CODENAME[a-z/-]* .*\)/deb-src \1/p" > "$1/host.list"
}

# fetch_source DIRECTORY VERSION: unpack the source package there; a mirror that
# lacks that version may have another
fetch_source() {
	local version apt=(-q -o "Dir::Etc::SourceList=/dev/null"
		-o "Dir::Etc::SourceParts=$1/sources" -o "Dir::State::Lists=$1/lists"
		-o "Dir::Cache=$1/cache" -o "APT::Sandbox::User=root")
	mkdir -p "$1/sources" "$1/lists/partial" "$1/cache/archives/partial"
	source_lists "$1/sources"
	cd "$1" || return
	timeout 300 apt-get "${apt[@]}" update || return
	for version in "$2" $(apt-cache "${apt[@]}" showsrc "postgresql-$PGVERSION" |
		sed -n 's/^Version: //p' | sort -rVu); do
		timeout 300 apt-get "${apt[@]}" source "postgresql-$PGVERSION=$version" &&
			mv "postgresql-$PGVERSION"-*/ source && return
	done
	return 1
}

# compile_server SOURCE TARGET: where Debian puts things, so that a copy of it
# is a server that can be moved, as lib.sh does
compile_server() {
	(cd "$1" && ./configure --prefix=/usr --libdir=/usr/lib \
		--bindir="$DEBIAN_LIB/bin" --datadir="$DEBIAN_SHARE" \
		--includedir=/usr/include/postgresql --sysconfdir=/etc/postgresql-common \
		--libexecdir=/usr/lib/postgresql --with-system-tzdata=/usr/share/zoneinfo \
		--disable-rpath --with-openssl --with-icu --with-libxml --without-readline \
		--enable-cassert --enable-debug --enable-tap-tests \
		CFLAGS="-g -O1 -fno-omit-frame-pointer" CPPFLAGS=-DUSE_VALGRIND &&
		for each in src config contrib/dblink contrib/pgstattuple; do
			make -s -j"$(nproc)" -C $each all &&
				make -s -C $each install DESTDIR="$2" || exit
		done)
}

assert_server() {
	local version key cache work
	needed | install_packages || exit
	install_packages <<-LIST || exit
		/usr/bin/dpkg-source dpkg-dev
		/usr/bin/patch patch
		/usr/bin/bison bison
		/usr/bin/flex flex
		/usr/bin/pkg-config pkg-config
		/usr/include/zlib.h zlib1g-dev
		/usr/include/libxml2/libxml/parser.h libxml2-dev
		/usr/include/openssl/ssl.h libssl-dev
		/usr/include/unicode/ucol.h libicu-dev
		/usr/include/valgrind/memcheck.h valgrind
	LIST
	version=$(dpkg-query -W -f '${Version}' "postgresql-$PGVERSION")
	key=$version-$(declare -f compile_server fetch_source | cksum | cut -d' ' -f1)
	cache=$(cache_dir) || exit
	ASSERT_BASE=$cache/assert-$key
	[ ! -d "$ASSERT_BASE" ] || return 0
	say "Building PostgreSQL $version with assertions, once; some minutes"
	work=$cache/building-assert
	exec 8>"$cache/assert.lock"
	flock 8
	if [ ! -d "$ASSERT_BASE" ]; then
		rm -rf "$work"
		mkdir -p "$work/root"
		if ! { (fetch_source "$work" "$version") &&
			timeout 1500 bash -c "$(declare -f compile_server)
				DEBIAN_LIB=$DEBIAN_LIB DEBIAN_SHARE=$DEBIAN_SHARE
				compile_server $work/source $work/root"; } \
			>"$cache/assert.log" 2>&1 8>&-; then
			tail -n 30 "$cache/assert.log" >&2
			die "the server with assertions did not build; see $cache/assert.log"
		fi
		rm -rf "$cache"/assert-[0-9]*
		cp "$work/source/src/tools/valgrind.supp" "$work/root/"
		mv "$work/root" "$ASSERT_BASE"
		rm -rf "$work"
	fi
	exec 8>&-
}

# ------------------------------------------------------------------ reports

# What a server's log must not have: a failed assertion, memory written past
# its end, something left open, a server process that was killed by a signal.
BAD_LINES='TRAP:|detected write past chunk|problem in (alloc set|slab|generation)|(reference|refcount) leak|AddressSanitizer|runtime error:'

# look_in_logs NAME: those lines in the logs of the stage's servers
look_in_logs() {
	local found
	found=$(find "$STAGE/.pg" \( -name server.log -o -path '*/log/*.log' \) \
		-exec grep -aHE "$BAD_LINES" {} + | sed -E "s|^$STAGE/||; s/[-0-9]+ [0-9:.]+ UTC \\[[0-9]+\\] //; s/0x[0-9a-f]+/0x.../" | sort | uniq -c |
		sort -rn | head -n 20)
	if [ -z "$found" ]; then passed "$1"; else
		printf '%s\n' "$found"
		failed "$1"
	fi
}

# reports_of_ours MARK FILES...: of reports by valgrind, those whose stack has a
# frame in our library
reports_of_ours() {
	cat "$@" 2>/dev/null | sed 's/^[*=]*[0-9]*[*=]* *//' | awk -v src="$STAGE/src/" '
		/VALGRINDERROR-BEGIN/ { inside = 1; text = ""; ours = 0; next }
		/VALGRINDERROR-END/ {
			if (ours && !seen[text]++) printf "%s\n", text
			inside = 0; next
		}
		inside {
			if (index($0, src) || /bandit\.so/) ours = 1
			sub(/^(at|by) 0x[0-9A-F]+: /, "  "); text = text $0 "\n"
		}'
}

# valgrind_wrapper SUPPRESSIONS...: sets BANDIT_WRAPPER to a stand-in for
# postgres that runs a server under valgrind, and the rest without
valgrind_wrapper() {
	local file options=''
	for file; do options+=" --suppressions=$file"; done
	export BANDIT_WRAPPER=$WORK/valgrind-wrapper-${STAGE##*/}
	cat > "$BANDIT_WRAPPER" <<SCRIPT
#!/bin/sh
case "\${1:-}" in
--boot | --check | --single | --describe-config | -V | --version | -C) ;;
*) exec /usr/bin/valgrind --quiet --leak-check=no --trace-children=yes \\
	--num-callers=40 --fullpath-after= --max-stackframe=8000000 \\
	--error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END \\
	--log-file="$LOGS/valgrind.%p.log"$options "\$0.real" "\$@" ;;
esac
exec "\$0.real" "\$@"
SCRIPT
}

# under_valgrind NAME KIND FILES: run them; what counts is what valgrind says.
# It computes long double as double, so that outputs may differ.
under_valgrind() {
	local name=$1 kind=$2 files=$3 found ran
	section "$name, under valgrind"
	rm -f "$LOGS"/valgrind.*.log
	staged env ONLY="$kind" FILES="$files" KEEP=1500 scripts/test \
		>"$LOGS/$kind.log" 2>&1
	ran=$(grep -cE '^ +(test )?[a-z_0-9-]+ +(\.\.\. (ok|FAILED)|[0-9]+ ok)' "$LOGS/$kind.log")
	grep -E 'FAILED|NOT OK' "$LOGS/$kind.log" |
		sed 's/^ */  differs under valgrind, whose long double is double: /'
	if [ "$ran" = 0 ] || grep -qE 'server closed the connection|did not (start|build)' "$LOGS/$kind.log"; then
		tail -n 40 "$LOGS/$kind.log"
		failed "$name: the server stays up"
	else
		counted "$name: files run" "$ran" 0
	fi
	found=$(reports_of_ours "$LOGS"/valgrind.*.log)
	if [ -z "$found" ]; then passed "$name: no report names our files"; else
		printf '%s\n' "$found" | head -n 150
		failed "$name: no report names our files"
	fi
}

# assert_stage: a running server with assertions, and the way to it
assert_stage() {
	assert_server
	stage assert
	export BANDIT_BASE=$ASSERT_BASE
	staged scripts/cluster start >/dev/null || die "the server did not start"
	eval "$(staged scripts/cluster env)"
}
