# Thin entry points; the build itself is meson.build, the tests are tests/run.

BUILD ?= build

# configure FOLDER,OPTIONS: makes a build folder; meson speaks only when it fails.
comma := ,
configure = test -f $(1)/build.ninja || meson setup $(2) $(1) >$(1).log 2>&1 && rm -f $(1).log || { cat $(1).log >&2; rm -f $(1).log; exit 1; }

.PHONY: all deps deps-lint demo soak test lint sanitize sanitize-threads valgrind fuzz bench clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: install the Debian package meson (all of them: make deps)" >&2; exit 1; }
	@command -v ninja >/dev/null || { echo "ninja is missing: install the Debian package ninja-build (all of them: make deps)" >&2; exit 1; }
	@$(call configure,$(BUILD))

# The laboratory runs only as root, so only root needs its packages.
deps:
	@tools/install-packages build test $(if $(filter 0,$(shell id -u)),lab)

deps-lint:
	@tools/install-packages build test lint

demo: deps all
	@tests/lab/demo $(if $(KEEP),--keep)

# MINUTES of mixed load and faults in the laboratory, and a judge; JSON=FILE: all that was seen (docs/reliability.md).
MINUTES ?= 30
soak: deps all
	@PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 SALLYPORT_BUILD=$(abspath $(BUILD)) /usr/bin/python3 -P -m lab.soak \
		--minutes $(MINUTES) $(if $(JSON),--json $(abspath $(JSON)))

test: deps all
	@tests/run $(BUILD)

# Warnings, format, clang-tidy, cppcheck, manual pages, scripts, sizes, words. PARTS="tidy words": these only.
lint: deps-lint
	@tools/lint $(PARTS)

# The unit tests and corpora once more, under AddressSanitizer and UBSan; LAB=1: the laboratory's tests too.
sanitize: deps
	@$(call configure,$(BUILD)-sanitize,-Db_sanitize=address$(comma)undefined -Db_lundef=false)
	@ninja -C $(BUILD)-sanitize --quiet
	@$(if $(LAB),tests/run $(BUILD)-sanitize,meson test -C $(BUILD)-sanitize --no-rebuild --quiet --print-errorlogs)

# The unit tests under ThreadSanitizer; LAB=1: the laboratory's tests too, with four workers, so that threads meet.
sanitize-threads: export SALLYPORT_SLOW = 1
sanitize-threads: export SALLYPORT_WORKERS = 4
# Its memory has fixed places, which some kernels' randomization takes from it.
without_randomization = $(if $(shell setarch -R true 2>/dev/null && echo yes),setarch -R)
sanitize-threads: deps
	@$(call configure,$(BUILD)-threads,-Db_sanitize=thread -Db_lundef=false)
	@ninja -C $(BUILD)-threads --quiet
	@! nm -u $(BUILD)-threads/sallyport | grep -q __tsan_atomic_thread_fence || \
		{ echo "there are fences in src/, which ThreadSanitizer does not understand" >&2; exit 1; }
	@$(without_randomization) $(if $(LAB),tests/run --suite=unit $(BUILD)-threads,meson test -C $(BUILD)-threads --no-rebuild --quiet --print-errorlogs --suite unit)

# The unit tests under valgrind.
valgrind: deps all
	@SALLYPORT_SLOW=1 meson test -C $(BUILD) --no-rebuild --quiet --print-errorlogs --suite unit --timeout-multiplier 20 \
		--wrap 'valgrind --quiet --suppressions=$(CURDIR)/tests/valgrind.supp --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'

# Every fuzz target for T seconds, from its corpus; TARGETS="packet name": these only.
T ?= 20
fuzz: deps-lint
	@export CC=clang; $(call configure,$(BUILD)-fuzz,-Dfuzz=true)
	@ninja -C $(BUILD)-fuzz --quiet
	@tools/fuzz $(BUILD)-fuzz $(T) $(TARGETS)

# sallyport beside the kernel's own forwarding and the programs a user would pick instead; QUICK=1: an impression
# in three minutes. RUN="--only dns": more options (bench/run --help).
bench:
	@tools/install-packages build lab bench
	@$(call configure,$(BUILD)-bench,-Dbench=true)
	@ninja -C $(BUILD)-bench --quiet bench-programs
	@bench/run --programs $(BUILD)-bench/bench --output $(BUILD)-bench/results $(if $(QUICK),--quick) $(RUN)

clean:
	rm -rf $(BUILD) $(BUILD)-sanitize $(BUILD)-threads $(BUILD)-fuzz $(BUILD)-bench build-gcc build-clang
