# bandit: contextual Thompson sampling inside PostgreSQL
#
#   make && sudo make install         build and install, PG_CONFIG= honoured
#   make installcheck                 test against your own running server
#   make help                         everything else

# "make demo DATA=dir" names a folder of ratings; PGXS means something else
DEMO_DATA := $(DATA)

EXTENSION = bandit
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bandit.control)

MODULE_big = bandit
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c))) src/special.o
OUR_HEADERS = $(wildcard src/*.h)
SQL_SCRIPT = sql/bandit--$(EXTVERSION).sql
FRAGMENTS = $(sort $(wildcard sql/install/*.sql))
DATA_built = $(SQL_SCRIPT)
override DATA = $(filter-out $(SQL_SCRIPT),$(wildcard sql/bandit--*--*.sql))

PG_CPPFLAGS = -Isrc
PG_CFLAGS = -ffp-contract=off $(if $(filter true,$(CI)),-Werror)
PG_CXXFLAGS = -ffp-contract=off
SHLIB_LINK = -lstdc++ -lm

REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=bandit
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=bandit

# TAP tests start servers of their own, which root must not
ifeq ($(shell test "$$(id -u)" != 0 && perl -MIPC::Run -e 1 2>/dev/null && echo yes),yes)
TAP_TESTS = 1
endif
PROVE_TESTS = test/t/*.pl

EXTRA_CLEAN = $(SQL_SCRIPT) test/unit/build output_iso results \
	regression.diffs regression.out tmp_check log

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
override with_llvm := no
include $(PGXS)
override with_llvm := no

$(SQL_SCRIPT): $(FRAGMENTS) bandit.control
	cat $(FRAGMENTS) > $@

$(OBJS): $(OUR_HEADERS)

# ---------------------------------------------------------------------------
# A private server inside the checkout: nothing below touches another one.

.PHONY: demo test unit bench psql start stop status destroy format lint help

demo:
	@DATA="$(DEMO_DATA)" scripts/demo

test:
	@scripts/test

psql:
	@scripts/cluster psql

start stop status destroy:
	@scripts/cluster $@

bench:
	@scripts/bench

unit:
	@scripts/unit

format:
	@scripts/format

lint:
	@scripts/lint

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make demo                         see it work, from nothing to a learning curve"
	@echo "make test                         every test, on the private server"
	@echo "make psql                         psql on the private server"
	@echo "make stop                         stop the private server"
	@echo "make status, make destroy         what it is doing; remove it and its data"
	@echo "make bench                        speed, as ratios to named alternatives"
	@echo "make lint, make format, make unit checks, indentation, tests without a server"
