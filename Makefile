# Thin entry points; the build itself is meson.build, the tests are tests/run.

BUILD ?= build

.PHONY: all deps demo test lint sanitize clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: install the Debian package meson (all of them: make deps)" >&2; exit 1; }
	@command -v ninja >/dev/null || { echo "ninja is missing: install the Debian package ninja-build (all of them: make deps)" >&2; exit 1; }
	@meson setup $(BUILD) >/dev/null || { meson setup $(BUILD); exit 1; }

# The laboratory runs only as root, so only root needs its packages.
deps:
	@tools/install-packages build test $(if $(filter 0,$(shell id -u)),lab)

demo: deps all
	@tests/lab/demo $(if $(KEEP),--keep)

test: deps all
	@tests/run $(BUILD)

clean:
	rm -rf $(BUILD)
