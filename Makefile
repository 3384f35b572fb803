# The commands that a newcomer needs. CMake and Ninja do the work; `cmake --list-presets` shows the other builds.

.PHONY: help deps build demo test soak bench validate fuzz format clean

# Seconds that `make test` gives to each fuzz target; 0 leaves fuzzing out.
FUZZ_SECONDS ?= 0
# Random models that `make test` runs (scripts/fuzz_models.py); 0 leaves them out.
FUZZ_MODELS ?= 0
# More arguments for CMake, e.g. -DSPARSEACCEL_WERROR=ON, when a build folder is made.
CMAKE_ARGS ?=

help:
	@echo 'make demo    build, then run the bundled model on three machines'
	@echo 'make test    build, then run all tests (FUZZ_SECONDS=60 adds a minute of fuzzing a target, FUZZ_MODELS=200 as many random models)'
	@echo 'make soak    build, then run all tests, whole models on all their machines among them'
	@echo 'make build   build only; tools land in build/bin'
	@echo 'make bench   simulation speed beside oneDNN'
	@echo 'make validate  simulated figures beside published ones; writes docs/validation.md'
	@echo 'make fuzz    build the fuzz targets with clang and run each for a minute'
	@echo 'make format  clang-format over the sources'

deps:
	@scripts/install-deps.sh

build: deps
	@test -f build/build.ninja || cmake --preset release $(CMAKE_ARGS)
	@ninja -C build

demo: build
	@scripts/demo.sh

test: build
	@if [ "$(FUZZ_SECONDS)" != 0 ]; then $(MAKE) --no-print-directory build-fuzz; fi
	@if [ "$(FUZZ_MODELS)" != 0 ]; then scripts/install-deps.sh ort; fi
	@python3 scripts/run_tests.py --build build --fuzz-seconds $(FUZZ_SECONDS) --models $(FUZZ_MODELS)

soak: build
	@python3 scripts/run_tests.py --build build --soak

bench: build
	@build/bin/sparse-bench

validate: build
	@python3 validation/validate.py --write

.PHONY: build-fuzz
build-fuzz:
	@scripts/install-deps.sh fuzz
	@test -f build-fuzz/build.ninja || cmake --preset fuzz
	@ninja -C build-fuzz fuzzers

fuzz: deps
	@$(MAKE) --no-print-directory build-fuzz
	@python3 scripts/run_tests.py --only-fuzz --fuzz-seconds 60

format:
	@git ls-files '*.cpp' '*.h' | xargs clang-format-22 -i

clean:
	@rm -rf build build-debug build-sanitize build-threads build-fuzz
