# `make quickstart` and `make test` do all the set-up they need.
SHELL := bash
.SHELLFLAGS := -o pipefail -ec
.DEFAULT_GOAL := help
.PHONY: help quickstart test jax slow beam tpu docs serve-docs lint bench clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/installed
LOG := .venv/install.log
PYTEST := $(BIN)/python -m pytest -q
SOURCES := keras_ctx recipes benchmarks tests
# Of `make serve-docs`.
DOCS_PORT ?= 8000

# TensorFlow's start-up remarks hide what matters; errors still show.
export TF_CPP_MIN_LOG_LEVEL ?= 2

# pip compiles nothing here, which would take a minute; what is imported once
# is kept, or else TensorFlow would be compiled anew by every process.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make quickstart  set up, then the main job: pretrain, fine-tune, export"
	@echo "make test        set up, then lint, types, import contracts, tests"
	@echo "make slow        set up, then the tests that take minutes"
	@echo "make beam        set up with Apache Beam, then its tests"
	@echo "make tpu         fetch the compiler of TPUs, then compile train steps with it"
	@echo "make docs        set up with Sphinx, then build the site: docs/_build/html"
	@echo "make serve-docs  the same, then show it on http://127.0.0.1:8000"
	@echo "make lint        set up, then lint, types and import contracts"
	@echo "make bench       set up with PyTorch and others, then speed beside them (hours)"
	@echo "make clean       remove .venv and caches (not runs/, not saved_models/)"

# Only the files whose hashes stand in the lock. What has to be built is built
# with the tools of the lock, which are installed first (seqeval asks for
# setuptools-scm, and setuptools would fetch the newest, which fails); in
# isolation pip would fetch the newest.
LOCKED := --require-hashes --no-deps --no-build-isolation \
  --disable-pip-version-check
BUILD_TOOLS := sed -n \
  '/^\(packaging\|setuptools\|setuptools-scm\|wheel\)==/,/[^\]$$/p' \
  requirements.lock
INSTALL := $(BIN)/python -m pip install $(LOCKED) --no-compile
# Half of what is installed, and so beside the others.
TENSORFLOW := /^tensorflow==/,/[^\]$$/

# The environment is made anew whenever the lock or setup.cfg is newer than it.
# pip's output goes to a log; a line for each package shows that it moves.
$(STAMP): requirements.lock setup.cfg
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; sys.exit( \
	  None if (3, 11) <= v < (3, 14) else \
	  f"Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is {v[0]}.{v[1]}. " \
	  "Name another: make PYTHON=/path/to/python3.11")'
	@rm -rf .venv
	@echo "Making .venv with $(PYTHON)"
	@"$(PYTHON)" -m venv .venv
	@$(BUILD_TOOLS) >.venv/build.lock
	@$(INSTALL) --quiet -r .venv/build.lock \
	  >$(LOG) 2>&1 || { tail -n 20 $(LOG); exit 1; }
	@sed -n '$(TENSORFLOW)p' requirements.lock >.venv/tensorflow.lock
	@sed '$(TENSORFLOW)d' requirements.lock >.venv/others.lock
	@$(INSTALL) --quiet -r .venv/tensorflow.lock >$(LOG).tensorflow 2>&1 & \
	total=$$(( $$(grep -c == .venv/others.lock) - \
	  $$(grep -c == .venv/build.lock) )); \
	PYTHONUNBUFFERED=1 $(INSTALL) --progress-bar off \
	  -r .venv/others.lock 2>&1 | tee $(LOG) | awk -v total=$$total ' \
	  /^ *(Collecting|Processing) / { sub(".*/", "", $$2); \
	    printf "[%d/%d] %s\n", ++n, total, $$2; fflush() } \
	  /^Building wheel/ { print; fflush() } \
	  /^Installing collected/ { print "Installing"; fflush() }' \
	|| { tail -n 20 $(LOG); kill $$! 2>/dev/null; exit 1; }; \
	wait $$! || { tail -n 20 $(LOG).tensorflow; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation \
	  --disable-pip-version-check --editable . >>$(LOG) 2>&1 \
	|| { tail -n 20 $(LOG); exit 1; }
	@touch $@

quickstart: $(STAMP)
	$(BIN)/python recipes/quickstart.py

# The static checks beside the laws on JAX, then the tests on TensorFlow. Those
# come last, so that their closing line is the last line: in three processes on
# two cores, since one of them often waits for a program that its test started.
# What XLA refuses shows without its optimizer, which takes half of the time.
test jax: export XLA_FLAGS := --xla_backend_optimization_level=0
test: $(STAMP)
	$(MAKE) --no-print-directory --jobs=2 --output-sync=recurse lint jax
	$(PYTEST) -n 3 --dist loadfile -m "not slow"

# The laws that compile, on a second backend.
jax: $(STAMP)
	KERAS_BACKEND=jax \
	  $(PYTEST) tests/contracts/test_layer_laws.py -k compiled -m "not slow"

# Whole trainings, kills at random moments, all laws on the second backend. A
# process takes up to 6 GB.
slow: $(STAMP)
	KERAS_BACKEND=jax $(PYTEST) -n 2 tests/contracts/test_layer_laws.py
	KERAS_BACKEND=jax $(PYTEST) -n 2 tests/test_doctest.py \
	  -k "keras_ctx.layers or keras_ctx.models"
	$(PYTEST) -n 2 -m slow

# In an environment of its own, since Beam changes versions of the lock.
BEAM := .venv-beam/bin/python
.venv-beam/installed: requirements.lock setup.cfg
	rm -rf .venv-beam
	"$(PYTHON)" -m venv .venv-beam
	$(BUILD_TOOLS) >.venv-beam/build.lock
	$(BEAM) -m pip install --quiet $(LOCKED) -r .venv-beam/build.lock
	$(BEAM) -m pip install --quiet $(LOCKED) -r requirements.lock
	$(BEAM) -m pip install --quiet --no-build-isolation --editable .[beam]
	touch $@

beam: .venv-beam/installed
	$(BEAM) -m pytest -q tests/recipes/test_prepare_corpus.py -k beam

# The compiler of TPUs, which runs without one; of the version that JAX asks
# for, and apart from .venv, where JAX would look for TPUs in every process.
.tpu/installed: tpu.lock $(STAMP)
	rm -rf .tpu
	$(BIN)/python -m pip install --quiet $(LOCKED) --target .tpu -r tpu.lock
	touch $@

tpu: .tpu/installed
	PYTHONPATH=.:.tpu $(BIN)/python -m pytest -q \
	  tests/distribution/test_tpu_compiler.py

# Sphinx and its theme, apart from .venv, which has the library that it reads.
.docs/installed: docs.lock $(STAMP)
	rm -rf .docs
	$(BIN)/python -m pip install --quiet $(LOCKED) --target .docs -r docs.lock
	touch $@

# Warnings are errors, references that lead nowhere included.
docs: .docs/installed
	PYTHONPATH=.:.docs CUDA_VISIBLE_DEVICES= $(BIN)/python -m sphinx -q -W -n \
	  --keep-going -b html -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

serve-docs: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 \
	  --directory docs/_build/html $(DOCS_PORT)

lint: $(STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# The other libraries, in an environment of their own: PyTorch and its kin would
# change versions of the lock, which ours and KerasHub keep. Not locked, so that
# they can be the newest; the page names their versions.
BENCH := .venv-bench/bin/python
BENCH_OPTIONS ?=
.venv-bench/installed: setup.cfg
	rm -rf .venv-bench
	"$(PYTHON)" -m venv .venv-bench
	$(BENCH) -m pip install --quiet --disable-pip-version-check \
	  --editable .[bench]
	touch $@

# With nothing beside it; BENCH_OPTIONS="--works training --threads 2" for a part.
bench: $(STAMP) .venv-bench/installed
	$(BIN)/python benchmarks/speed.py $(BENCH_OPTIONS)

clean:
	rm -rf .venv .venv-beam .venv-bench .tpu .docs docs/_build .pytest_cache .ruff_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
