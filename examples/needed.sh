# What an example needs of Debian: lines "file package" for install_packages.
# To be sourced by bash, after scripts/lib.sh.
needed_by_example() {
	local modules=/usr/lib/python3/dist-packages
	case "$1" in
	node)
		cat <<-LIST
			/usr/bin/node nodejs
			/usr/bin/npm npm
		LIST
		;;
	python)
		cat <<-LIST
			/usr/bin/python3 python3
			$modules/psycopg python3-psycopg
			$modules/psycopg_pool python3-psycopg-pool
			$modules/flask python3-flask
			$modules/waitress python3-waitress
		LIST
		;;
	*) die "usage: examples/run node | python" ;;
	esac
}
