# Everything here makes the virtual environment that it needs, on a machine that has only Python (>= 3.11) and make.
#   make demo [ARGS=...]    the whole thing, a Xero to rehearse on included; needs no account
#   make test [ARGS=...]    the tests, with a PostgreSQL of their own (ARGS go to pytest)
#   make check              format, lint, types, import contracts
#   make format             mends what can be mended by machine
#   make bench [FULL=1]     speed and memory
#   make mutants [ARGS=...] switches each invariant's mechanism off and requires its test to fail
#   make docs               brings the parts of docs/ that repeat the code up to date: hooks, keys of the configuration
#   make lock               brings requirements*.lock up to date with pyproject.toml (ARGS=--upgrade: to the newest)

VENV ?= .venv
# One more than there are processors: many tests wait for processes and clocks.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
export PYTHON FULL

PIP = $(VENV)/bin/python -m pip --disable-pip-version-check install -qq

.PHONY: demo test check format bench mutants docs lock venv
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	@$(VENV)/bin/counterfoil demo $(ARGS)

test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist load --maxschedchunk 1 $(ARGS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix-only --exit-zero .
	$(VENV)/bin/ruff format .

bench: $(VENV)/.dev
	$(VENV)/bin/python -m bench $(ARGS)

mutants: $(VENV)/.dev
	$(VENV)/bin/python -m tools.mutants $(ARGS)

docs: $(VENV)/.dev
	$(VENV)/bin/python -m tools.docs

venv: $(VENV)/.dev
$(VENV): $(VENV)/.dev

# Two stamps in one environment: the demo needs only what ships, and starts that much sooner.
$(VENV)/.runtime: pyproject.toml requirements.lock
	@tools/make_venv.sh $(VENV)
	@echo "Installing what counterfoil needs into $(VENV)" >&2
	@$(PIP) -r requirements.lock -e .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements-dev.lock
	@tools/make_venv.sh $(VENV)
	@echo "Installing what counterfoil and its tests need into $(VENV)" >&2
	@$(PIP) -r requirements-dev.lock -e .
	@touch $@ $(VENV)/.runtime

# uv reads the whole index for all platforms at once; it lives in an environment of its own and only here. The lock
# names no index, so that a mirror serves as well. The second file keeps to the first: tests run on what ships.
LOCK = $(VENV)-lock/bin/uv pip compile --universal --python-version 3.11 --quiet --no-annotate --no-emit-index-url \
	--custom-compile-command "make lock" pyproject.toml $(ARGS)
lock:
	@tools/make_venv.sh $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip --disable-pip-version-check install -qq uv
	@$(LOCK) --output-file requirements.lock
	@$(LOCK) --output-file requirements-dev.lock --extra dev --constraints requirements.lock
