# SPDX-License-Identifier: Apache-2.0
# riderwatch: `make demo` runs the main job, `make check` the tests. `make help` lists the rest.

CC ?= cc
# Understands link-time optimisation.
AR := gcc-ar
BUILD ?= build/release
VERSION := 0.1.0
PKG_CONFIG ?= pkg-config

WARNINGS := -std=gnu11 -Wall -Wextra -Wformat-security -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
	-Wno-missing-field-initializers $(WERROR)
OPTIMISE ?= -O3 -g -flto=auto
HARDEN ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS ?= -Wl,-z,relro,-z,now
# CPPFLAGS, CFLAGS and LDFLAGS of a packager come last and win.
LINK = $(CC) $(OPTIMISE) $(SANITIZE) $(CFLAGS) $(LDFLAGS)
BASE_FLAGS = $(WARNINGS) $(OPTIMISE) $(HARDEN) $(SANITIZE) $(CPPFLAGS) $(CFLAGS) -fno-omit-frame-pointer -D_GNU_SOURCE -MMD -MP -Iinclude

# Found late, so that `make setup` works before the packages are there.
flags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
libs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
PURE_PACKAGES := jansson libcrypto
DAEMON_PACKAGES := rdkafka libevent hiredis libssl

# pipelines/ sees only include/ and itself: no Kafka, Redis or libevent flags, no daemon/ (checked by `make layers`).
PIPELINES_FLAGS = $(BASE_FLAGS) -Ipipelines $(call flags,$(PURE_PACKAGES))
DAEMON_FLAGS = $(BASE_FLAGS) -Idaemon/common -Idaemon/riderwatchd -Idaemon/riderwatchctl -Idaemon/riderwatch-board $(call flags,$(DAEMON_PACKAGES) $(PURE_PACKAGES)) \
	-DRIDERWATCH_VERSION='"$(VERSION)"'
TEST_FLAGS = $(DAEMON_FLAGS) -Ipipelines -Itests $(call flags,cmocka)
PURE_LIBS = $(call libs,$(PURE_PACKAGES)) -lm
DAEMON_LIBS = $(call libs,$(DAEMON_PACKAGES)) $(PURE_LIBS) -lpthread

PIPELINES_C := $(shell find pipelines -name '*.c')
COMMON_C := $(wildcard daemon/common/*.c)
DAEMON_C := $(filter-out daemon/riderwatchd/main.c,$(wildcard daemon/riderwatchd/*.c))
CTL_C := $(filter-out daemon/riderwatchctl/main.c,$(wildcard daemon/riderwatchctl/*.c))
BOARD_C := $(filter-out daemon/riderwatch-board/main.c,$(wildcard daemon/riderwatch-board/*.c))
GENERATOR_C := $(wildcard scripts/generator/*.c)
SIM_C := $(wildcard tests/sim/*.c)
TRAINER_C := $(wildcard scripts/trainer/*.c)
UNIT_C := $(wildcard tests/unit/test_*.c)
UNIT_HELP_C := $(filter-out $(UNIT_C),$(wildcard tests/unit/*.c))

# What ThreadSanitizer needs to follow librdkafka's threads.
THREADS_C := $(if $(findstring thread,$(SANITIZE)),tests/tsan/c11_threads.c)

object = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB := $(BUILD)/libpipelines.a
UNIT_LIB := $(BUILD)/libunit.a
DAEMON := $(BUILD)/riderwatchd
CTL := $(BUILD)/riderwatchctl
BOARD := $(BUILD)/riderwatch-board
GENERATOR := $(BUILD)/generate
SIM := $(BUILD)/sim
TRAINER := $(BUILD)/train
MICRO := $(BUILD)/micro
COMPARE := $(BUILD)/compare_decoders
BENCH := $(addprefix $(BUILD)/,floor stamps count_allocations.so)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_C))

.PHONY: all programs help setup demo run stop check unit unit-programs sim sim-program check-deploy rights flow no-taint chaos chaos-programs chaos-mix chaos-short bench asan tsan fuzz fuzz-programs layers train train-check bench-micro decode-compare format man install uninstall deb clean FORCE
.SECONDARY:

all: programs $(GENERATOR) $(BENCH)

programs: $(DAEMON) $(CTL) $(BOARD) ## what is installed

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t16

$(LIB): $(call object,$(PIPELINES_C))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(DAEMON): $(call object,$(THREADS_C) $(DAEMON_C) $(COMMON_C) daemon/riderwatchd/main.c) $(LIB)
	$(LINK) -o $@ $^ $(DAEMON_LIBS)

$(CTL): $(call object,$(CTL_C) $(COMMON_C) daemon/riderwatchctl/main.c) $(LIB)
	$(LINK) -o $@ $^ $(DAEMON_LIBS)

$(BOARD): $(call object,$(THREADS_C) $(BOARD_C) $(COMMON_C) daemon/riderwatch-board/main.c) $(LIB)
	$(LINK) -o $@ $^ $(DAEMON_LIBS)

$(GENERATOR): $(call object,$(GENERATOR_C))
	$(LINK) -o $@ $^ $(call libs,rdkafka libcrypto) -lm -lpthread

# The benchmark's baselines, its ruler of alert latency, and what counts allocations when preloaded.
$(BUILD)/floor: $(call object,$(addprefix tests/bench/,floor.c records.c byte_scan.c matcher.c bare_counters.c)) $(LIB)
	$(LINK) -o $@ $^ $(call libs,rdkafka hiredis)

$(BUILD)/stamps: $(call object,tests/bench/stamps.c tests/bench/records.c) $(LIB)
	$(LINK) -o $@ $^ $(call libs,rdkafka)

$(BUILD)/count_allocations.so: tests/bench/count_allocations.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -g -D_GNU_SOURCE -fPIC -shared -o $@ $<

$(TRAINER): $(call object,$(TRAINER_C)) $(LIB)
	$(LINK) -o $@ $^ $(PURE_LIBS)

$(MICRO): $(call object,$(wildcard tests/bench/micro*.c) tests/unit/redis_server.c) $(LIB)
	$(LINK) -o $@ $^ $(call libs,hiredis) $(PURE_LIBS)

COMPARE_C := tests/fuzz/compare_decoders.c tests/bench/micro_events.c $(addprefix tests/unit/decode_,cases.c compare.c mutations.c oracle.c)
$(COMPARE): $(call object,$(COMPARE_C)) $(LIB)
	$(LINK) -o $@ $^ $(call libs,cmocka) $(PURE_LIBS)

$(SIM): $(call object,$(SIM_C)) $(LIB)
	$(LINK) -o $@ $^ $(PURE_LIBS)

# All that unit tests may use; each takes its part, which is linked several times as fast as all of it.
$(UNIT_LIB): $(call object,$(UNIT_HELP_C) $(DAEMON_C) $(CTL_C) $(BOARD_C) $(COMMON_C))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) qcs $@ $^

# -u: link-time optimisation does not see that what is written in assembler, the text of the library, is asked for.
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(call object,$(THREADS_C)) $(UNIT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(LINK) -Wl,-u,redis_library_name -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs,cmocka) $(DAEMON_LIBS)

$(BUILD)/unit/test_floor: $(call object,tests/bench/byte_scan.c tests/bench/matcher.c)

# A flag change rebuilds everything.
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CC) $(BASE_FLAGS)' | cmp -s - $@ || echo '$(CC) $(BASE_FLAGS)' > $@

$(BUILD)/pipelines/%.o: pipelines/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(PIPELINES_FLAGS) -c -o $@ $<
$(BUILD)/daemon/%.o: daemon/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(DAEMON_FLAGS) -c -o $@ $<
$(BUILD)/scripts/trainer/%.o: scripts/trainer/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(PIPELINES_FLAGS) -Iscripts/trainer -c -o $@ $<
$(BUILD)/scripts/%.o: scripts/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(filter-out -Iinclude,$(BASE_FLAGS)) $(call flags,rdkafka) -c -o $@ $<
$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(TEST_FLAGS) -c -o $@ $<
# Embedded with .incbin, which the compiler's own dependencies do not name.
$(BUILD)/scripts/generator/phrases.o: scripts/generator/phrases.tsv scripts/generator/frames.tsv
$(BUILD)/pipelines/redis/library.o: pipelines/redis/riderwatch.lua
$(BUILD)/daemon/riderwatch-board/assets.o: daemon/riderwatch-board/openapi.json $(wildcard daemon/riderwatch-board/page/*)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

unit: $(UNIT) ## unit tests of every module
	@set -e; for t in $(UNIT); do $$t; done
unit-programs: $(UNIT)

# The simulator's own build of the protocol, in which single rules can be broken.
sim-program: $(SIM)
	$(MAKE) BUILD=build/planted OPTIMISE="-O2 -g -DPROTOCOL_PLANTED_BUGS" build/planted/sim

sim: sim-program ## simulate the protocol: make sim SEEDS=20000 FIRST_SEED=0
	build/release/sim --seeds $(or $(SEEDS),20000) --first-seed $(or $(FIRST_SEED),0)
	build/planted/sim --planted

setup: ## install what is missing (apt, Kafka's jars)
	@scripts/setup

demo: ## the main job on a real Kafka and Redis, with a kill on the way and a recount at the end
	@scripts/demo

run: ## the same set-up, left running, with what to type to look around
	@scripts/run

stop: ## end what make run started
	@scripts/run --stop

check: setup ## every test: layers, unit, sanitizers, simulator, real Kafka and Redis, the short fault matrix (some 20 minutes)
	@scripts/check

flow: setup ## only the tests on a real Kafka and Redis
	@scripts/check flow

rights: all ## each right less in Kafka and Redis, all of them (a minute; make flow tries some)
	RIGHTS=all /usr/bin/python3 -m pytest -p no:cacheprovider -v tests/flow/test_rights.py

check-deploy: setup ## only the tests of what deploy/ holds
	@scripts/check deploy

# A daemon that goes on with a producer whose requests may still be under way: the tests must see what that does.
no-taint:
	$(MAKE) BUILD=build/no-taint build/no-taint/riderwatchd \
		OPTIMISE="$(OPTIMISE) -DPROTOCOL_PLANTED_BUGS -DPROTOCOL_PLANTED_BUG=PLANTED_TAINT_IGNORED"

chaos-programs: all no-taint $(BUILD)/wall_clock.so

$(BUILD)/wall_clock.so: tests/chaos/wall_clock.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -g -D_GNU_SOURCE -fPIC -shared -o $@ $< -ldl -lpthread

chaos: setup chaos-programs ## the fault matrix on a real Kafka and Redis (some 25 minutes): make chaos ROWS="name ..."
	/usr/bin/python3 tests/chaos/run.py $(ROWS)

chaos-mix: setup chaos-programs ## a random mix of the faults: make chaos-mix SEED=7 SECONDS=120 SEEDS=3 THREE=1
	/usr/bin/python3 tests/chaos/run.py --mix $(or $(SECONDS),120) $(if $(SEED),--seed $(SEED)) --seeds $(or $(SEEDS),1) $(if $(THREE),--three)

chaos-short: setup ## the short set of it (some six minutes)
	@scripts/check chaos

asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/check asan

TSAN_TESTS := log watchdog publisher source store kafka_adapters worker
tsan: setup ## data races: what has threads, under ThreadSanitizer
	$(MAKE) BUILD=build/tsan HARDEN= OPTIMISE="-O1 -g" SANITIZE=-fsanitize=thread \
		build/tsan/riderwatchd $(TSAN_TESTS:%=build/tsan/unit/test_%)
	@scripts/stack up tsan; eval "$$(scripts/stack env tsan)"; export RIDERWATCH_TEST_BROKERS=$$BROKERS; \
		tests/tsan/run.py $(TSAN_TESTS:%=build/tsan/unit/test_%); status=$$?; scripts/stack clean tsan; exit $$status

# clang's libFuzzer, with an arena whose allocations are heap blocks of their own, so that each overrun is seen.
FUZZ_C := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_HELP_C := tests/fuzz/fuzz_checks.c tests/unit/decode_oracle.c tests/unit/decode_compare.c
FUZZ := $(patsubst tests/fuzz/%.c,%,$(filter-out $(FUZZ_HELP_C),$(FUZZ_C)))
$(addprefix $(BUILD)/,$(FUZZ)): $(BUILD)/%: $(BUILD)/tests/fuzz/%.o $(call object,$(FUZZ_HELP_C) $(DAEMON_C) $(COMMON_C)) $(LIB)
	$(CC) $(OPTIMISE) $(SANITIZE) -fsanitize=fuzzer -o $@ $^ $(DAEMON_LIBS)
# The inputs that are kept, through the same functions.
$(BUILD)/unit/test_fuzz_corpus: $(call object,$(FUZZ_C))
fuzz-programs:
	@$(MAKE) BUILD=build/fuzz CC=clang HARDEN= OPTIMISE="-O1 -g -DFUZZ_ALONE -DARENA_BLOCK_FIRST=1 -DARENA_BLOCK_LAST=1 $(COVERAGE)" \
		SANITIZE="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined" $(addprefix build/fuzz/,$(FUZZ))

fuzz: setup fuzz-programs ## fuzz all that parses: make fuzz FUZZ_SECONDS=20 TARGETS="decode seen"
	@scripts/fuzz $(or $(FUZZ_SECONDS),20) $(TARGETS)

bench-micro: $(MICRO) $(GENERATOR) ## each step of an event against its floor: make bench-micro STEPS="decode redis" JSON=1
	@$(MICRO) --generator $(GENERATOR) $(if $(JSON),--json) $(STEPS)

decode-compare: $(COMPARE) $(GENERATOR) ## decoder against jansson on mutated events: make decode-compare EVENTS=10000000 SEED=1
	@nice -n 10 $(COMPARE) $(or $(SEED),1) $(or $(EVENTS),10000000) $(GENERATOR)

train: $(TRAINER) ## fit the classifier's weights to the labelled texts: make train REVIEWS=file.tsv (file is optional)
	scripts/check-texts
	$(TRAINER) $(if $(REVIEWS),--reviews $(REVIEWS))

train-check: $(TRAINER) ## score that on texts held out, five times: make train-check REVIEWS=file.tsv
	$(TRAINER) --check $(if $(REVIEWS),--reviews $(REVIEWS))

layers: ## the architecture as a check
	@scripts/check-layers

bench: setup ## CPU, memory and latency against baselines, in build/bench/report.md: make bench ARGS="--only catch-up --events 20000"
	@scripts/bench $(ARGS)

format: ## clang-format over all C files
	@clang-format -i $$(find include pipelines daemon tests scripts -name '*.[ch]')

# Made from what the programs and the tables say.
MAN := $(BUILD)/man/made
man: $(MAN) ## manual pages in build/release/man: mandoc build/release/man/riderwatchd.8
$(MAN): scripts/man-pages $(wildcard deploy/man/*.in) $(DAEMON) $(CTL) $(BOARD) $(wildcard daemon/common/*.def include/*.def)
	scripts/man-pages $(BUILD) $(@D)
	@touch $@

PREFIX ?= /usr/local
UNITS ?= $(PREFIX)/lib/systemd/system
SHARE := $(DESTDIR)$(PREFIX)/share
# Paths of the package (/usr) as they are under PREFIX.
RELOCATE := sed -e 's|/usr/share/|$(PREFIX)/share/|g; s|/usr/sbin/|$(PREFIX)/sbin/|g'

install: $(DAEMON) $(CTL) $(BOARD) $(MAN) ## programs, rules, units, manuals: DESTDIR and PREFIX are honoured
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITS)
	install -m 755 $(DAEMON) $(BOARD) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(CTL) $(DESTDIR)$(PREFIX)/bin
	install -d $(SHARE)/riderwatch/rules $(SHARE)/riderwatch/schemas $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 644 pipelines/rules/*.json pipelines/rules/*.tsv $(SHARE)/riderwatch/rules
	install -m 644 deploy/schemas/*.json $(SHARE)/riderwatch/schemas
	install -d $(SHARE)/riderwatch/kafka $(SHARE)/riderwatch/redis
	install -m 644 deploy/kafka/acls.tsv $(SHARE)/riderwatch/kafka
	install -m 755 deploy/kafka/acls $(SHARE)/riderwatch/kafka
	install -m 644 deploy/redis/riderwatch.acl $(SHARE)/riderwatch/redis
	install -d $(SHARE)/riderwatch/prometheus $(SHARE)/riderwatch/grafana $(SHARE)/doc/riderwatch
	install -m 644 deploy/prometheus/*.yml $(SHARE)/riderwatch/prometheus
	install -m 644 deploy/grafana/*.json $(SHARE)/riderwatch/grafana
	install -d $(SHARE)/doc/riderwatch/shard
	install -m 644 deploy/runbook.md deploy/dashboards.md $(SHARE)/doc/riderwatch
	install -m 644 deploy/shard/* $(SHARE)/doc/riderwatch/shard
	$(RELOCATE) -i $(SHARE)/riderwatch/prometheus/riderwatch.rules.yml
	install -m 755 scripts/create-topics $(SHARE)/riderwatch
	install -m 644 deploy/systemd/riderwatch.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/riderwatch.conf
	for unit in riderwatchd riderwatch-board; do \
		$(RELOCATE) deploy/systemd/$$unit.service >$(DESTDIR)$(UNITS)/$$unit.service || exit 1; done
	for section in 1 5 7 8; do \
		install -d $(SHARE)/man/man$$section; install -m 644 $(BUILD)/man/*.$$section $(SHARE)/man/man$$section || exit 1; done
	if $(CTL) --help | grep -q '^  completion '; then \
		install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/vendor-completions && \
		$(CTL) completion bash >$(SHARE)/bash-completion/completions/riderwatchctl && \
		$(CTL) completion zsh >$(SHARE)/zsh/vendor-completions/_riderwatchctl; fi
	install -d $(DESTDIR)/etc/riderwatch
	[ -e $(DESTDIR)/etc/riderwatch/riderwatch.json ] || \
		{ umask 027; $(RELOCATE) deploy/riderwatch.json >$(DESTDIR)/etc/riderwatch/riderwatch.json; }
	[ -e $(DESTDIR)/etc/riderwatch/secrets ] || install -d -m 700 $(DESTDIR)/etc/riderwatch/secrets

uninstall: ## what install made, but for /etc/riderwatch
	rm -f $(DESTDIR)$(PREFIX)/sbin/riderwatchd $(DESTDIR)$(PREFIX)/sbin/riderwatch-board $(DESTDIR)$(PREFIX)/bin/riderwatchctl \
		$(DESTDIR)$(UNITS)/riderwatchd.service \
		$(DESTDIR)$(UNITS)/riderwatch-board.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/riderwatch.conf
	rm -f $(SHARE)/bash-completion/completions/riderwatchctl $(SHARE)/zsh/vendor-completions/_riderwatchctl \
		$(foreach page,$(basename $(notdir $(wildcard deploy/man/*.in))),$(SHARE)/man/man?/$(page))
	rm -rf $(SHARE)/riderwatch $(SHARE)/doc/riderwatch

deb: ## Debian packages in build/deb/
	@scripts/build-deb

clean: ## remove what was built (a running stack's data too)
	rm -rf build
