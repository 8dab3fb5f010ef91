# bandit: contextual Thompson sampling inside PostgreSQL
#
#   make && sudo make install         build and install, PG_CONFIG= honoured
#   make installcheck                 test against your own running server
#
#   make demo                         see it work, from nothing to a learning
#                                       curve; DATA=dir names a MovieLens folder
#   make test                         every test, on a private server
#   make psql                         psql on the private server
#   make start, make stop             the private server: start it, stop it,
#   make status, make destroy           ask what it does, remove it and its data
#
#   make unit                         tests that need no server
#   make test-report                  look at bandit.report in headless Chromium
#   make test-versions                every test on PostgreSQL 17 and 18 too
#   make test-examples                the HTTP servers of examples/
#   make test-monitoring              monitoring/ against Debian's Prometheus
#   make lint                         house rules that a script can see
#   make check-all                    the six checkers, one after the other:
#   make check-warnings                 gcc, clang and clang's analyzer
#   make check-asan                     with AddressSanitizer and UBSan
#   make check-valgrind                 under valgrind, on Debian's server
#   make check-assert                   on a server with assertions, some under
#                                         valgrind; FULL=1 for all
#   make fuzz                           invented input, FUZZ_SECONDS=60 each
#   make sqlsmith                       invented statements, SMITH_SECONDS=60
#   make format                       indent src/ as PostgreSQL does
#   make soak                         half an hour of everything at once;
#                                       SOAK_MINUTES=4 for less
#   make bench                        speed, as ratios to named alternatives;
#                                       BENCH="select train" for some of it, FULL=1
#                                       for full sizes; writes docs/performance.md
#   make nodes                        three writable nodes learn from each other
#   make citus                        the loop on Citus, where that is installed
#   make simulations                  play known problems, write docs/simulations.md
#   make recommenders                 measure the arms, write docs/recommenders.md
#   make bench-feedback               feedback on one hot arm, by many clients
#   make bench-bulk                   loads of watched tables; DATA=dir as above
#   make dist                         a zip of the last commit, for PGXN

.PHONY: all help
all:

EXTENSION = bandit
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bandit.control)

MODULE_big = bandit
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c))) src/special.o
FRAGMENTS = $(sort $(wildcard sql/install/*.sql))
SQL_SCRIPT = sql/bandit--$(EXTVERSION).sql
# Upgrade scripts of versions that are not released yet; a release freezes
# them: the built file is committed, its source in sql/upgrade goes.
UPGRADES = $(patsubst sql/upgrade/%.sql,sql/bandit--%.sql,$(wildcard sql/upgrade/*.sql))
DATA_built = $(SQL_SCRIPT) $(UPGRADES)

# No contraction into fused operations: draws are the same on every machine.
# Boost's templates stay inside the library, so that no other library's copy
# of them can take their place.
PG_CPPFLAGS = -Isrc -DBANDIT_VERSION=$(EXTVERSION)
PG_CFLAGS = -ffp-contract=off -fno-semantic-interposition $(if $(filter true,$(CI)),-Werror)
PG_CXXFLAGS = -ffp-contract=off -fvisibility=hidden -fvisibility-inlines-hidden $(COPT)
SHLIB_LINK = -lstdc++ -lm

# Loops over rows of factors, and over points, which pay for every instruction.
src/basis.o src/factorise.o src/propensity.o src/ranking.o: CFLAGS += -O3

# Inputs in test/, outputs of pg_regress in expected/.
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=bandit
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=bandit

# TAP tests start servers of their own, which root must not.
PROVE_TESTS = $(sort $(wildcard test/t/*.pl))
ifneq ($(PROVE_TESTS),)
ifeq ($(shell test "$$(id -u)" != 0 && perl -MIPC::Run -e 1 2>/dev/null && echo yes),yes)
TAP_TESTS = 1
endif
endif

EXTRA_CLEAN = $(DATA_built) .built-for test/unit/build results output_iso \
	regression.diffs regression.out tmp_check log

# ---------------------------------------------------------------------------
# Build: stock PGXS, unless nothing but the targets further down is wanted,
# which must work before there is a PostgreSQL.

CHECKS = check-all check-warnings check-asan check-valgrind check-assert fuzz sqlsmith
OUR_GOALS = demo soak test test-monitoring test-examples test-report test-versions \
	bench bench-feedback bench-bulk nodes citus simulations recommenders psql start stop \
	status destroy unit unit-programs lint format help dist $(CHECKS)

ifneq ($(filter-out $(OUR_GOALS),$(or $(MAKECMDGOALS),all)),)
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifeq ($(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h),)
$(error PostgreSQL's headers are not to be found with PG_CONFIG=$(PG_CONFIG). \
	Install postgresql-server-dev-15, or name another pg_config; \
	"make demo" and "make test" install what they need themselves)
endif
# here, since "DATA=dir make demo" means something else by it; with the old
# versions, to which dumps of them are restored
DATA = $(filter-out $(UPGRADES),$(wildcard sql/bandit--*--*.sql)) \
	$(wildcard test/upgrade/bandit--*.sql)
override with_llvm := no
include $(PGXS)
override with_llvm := no
PROVE_FLAGS += -I test/t

$(SQL_SCRIPT): $(FRAGMENTS) bandit.control
	cat $(FRAGMENTS) > $@

$(UPGRADES): sql/bandit--%--$(EXTVERSION).sql: sql/upgrade/%--$(EXTVERSION).sql \
		test/upgrade/bandit--%.sql $(FRAGMENTS) scripts/upgrade-script
	scripts/upgrade-script $(filter %.sql,$^) > $@

$(OBJS): $(wildcard src/*.h) .built-for

# changes when another server or other flags would make other objects
.built-for: FORCE
	@echo '$(VERSION) $(CC) $(CFLAGS) $(CXXFLAGS) $(EXTVERSION)' | cmp -s - $@ || \
	echo '$(VERSION) $(CC) $(CFLAGS) $(CXXFLAGS) $(EXTVERSION)' > $@

.PHONY: FORCE
endif

.DELETE_ON_ERROR:

# ---------------------------------------------------------------------------
# A private server inside the checkout: nothing below touches another one.

.PHONY: $(OUR_GOALS)

demo soak bench bench-feedback bench-bulk nodes citus simulations recommenders:
	@scripts/$@

test test-monitoring test-examples test-report test-versions lint format $(CHECKS):
	@scripts/$@

psql start stop status destroy:
	@scripts/cluster $@

# The pure parts, compiled apart from the server's headers and flags.
UNIT_PROGRAMS = $(patsubst %.c,test/unit/build/%,$(notdir $(wildcard test/unit/*.c)))
UNIT_FLAGS = -g -O2 -Wall -Wextra -ffp-contract=off -Isrc $(COPT)
UNIT_OBJS = $(addprefix test/unit/build/,random.o elementary.o dist.o basis.o blend.o \
	factorise.o policy.o text_vector.o walk.o \
	propensity.o quadrature.o ranking.o ranking_floors.o ranking_scores.o special.o)

unit: unit-programs
	@prove --exec '' $(UNIT_PROGRAMS)

unit-programs: $(UNIT_PROGRAMS)

$(UNIT_PROGRAMS): test/unit/build/%: test/unit/%.c $(wildcard test/unit/*.h) $(UNIT_OBJS)
	gcc -std=gnu99 $(UNIT_FLAGS) $< $(UNIT_OBJS) -lstdc++ -lm -o $@

test/unit/build/%.o: src/%.c $(wildcard src/*.h)
	@mkdir -p $(@D)
	gcc -std=gnu99 $(UNIT_FLAGS) -c $< -o $@

test/unit/build/%.o: src/%.cpp $(wildcard src/*.h)
	@mkdir -p $(@D)
	g++ $(UNIT_FLAGS) -c $< -o $@

dist:
	git archive --format zip --prefix=bandit-$(EXTVERSION)/ \
		-o bandit-$(EXTVERSION).zip HEAD

help:
	@sed -n -e '1s/^# //p' -e '2,/^$$/s/^#\( *\)/\1/p' Makefile
