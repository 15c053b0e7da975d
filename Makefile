# Thin entry points; the build itself is meson.build, the tests are tests/run.

BUILD ?= build

.PHONY: all deps deps-lint demo test lint sanitize valgrind clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: install the Debian package meson (all of them: make deps)" >&2; exit 1; }
	@command -v ninja >/dev/null || { echo "ninja is missing: install the Debian package ninja-build (all of them: make deps)" >&2; exit 1; }
	@meson setup $(BUILD) >/dev/null || { meson setup $(BUILD); exit 1; }

# The laboratory runs only as root, so only root needs its packages.
deps:
	@tools/install-packages build test $(if $(filter 0,$(shell id -u)),lab)

deps-lint:
	@tools/install-packages build test lint

demo: deps all
	@tests/lab/demo $(if $(KEEP),--keep)

test: deps all
	@tests/run $(BUILD)

# Warnings, format, clang-tidy, cppcheck, manual pages, scripts, sizes, words. PARTS="tidy words": these only.
lint: deps-lint
	@tools/lint $(PARTS)

# The unit tests and corpora once more: under AddressSanitizer and UBSan, and under valgrind.
sanitize: deps
	@test -f $(BUILD)-asan/build.ninja || meson setup $(BUILD)-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C $(BUILD)-asan --quiet
	@meson test -C $(BUILD)-asan --no-rebuild --quiet --print-errorlogs

valgrind: deps all
	@meson test -C $(BUILD) --no-rebuild --quiet --print-errorlogs --suite unit --timeout-multiplier 20 \
		--wrap 'valgrind --quiet --suppressions=$(CURDIR)/tests/valgrind.supp --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite'

clean:
	rm -rf $(BUILD) $(BUILD)-asan build-gcc build-clang
