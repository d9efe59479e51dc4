# govlake: `make help` lists the targets. Needs Python 3.11 or 3.12, git and make; nothing else.
SHELL  := /bin/bash
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] < (3,13))' 2>/dev/null && { echo $$p; break; }; done)
VENV   := .venv
BIN    := $(VENV)/bin
GOVLAKE_HOME ?= data
SERVE  ?= 1
DAYS   ?= 30
SCALE  ?= 0.01
SEED   ?= 1
export GOVLAKE_HOME
export DAGSTER_DISABLE_TELEMETRY := yes
export DO_NOT_TRACK := 1

# uv from PATH, or from a small virtual environment of its own
UV = $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)

.PHONY: help setup setup-superset check audit test bench answers run lock clean
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

.PHONY: uv
uv:
	@test -n "$(PYTHON)" || { echo "govlake needs Python 3.11 or 3.12; none was found on PATH (set PYTHON=...)"; exit 1; }
	@command -v uv >/dev/null 2>&1 || test -x .venv-uv/bin/uv || { $(PYTHON) -m venv .venv-uv && .venv-uv/bin/pip install -q uv; }

setup: $(VENV)/.done  ## create .venv from the hashed lock
$(VENV)/.done: requirements/platform.lock pyproject.toml | uv
	@test -x $(BIN)/python || $(UV) venv -q --python $(PYTHON) $(VENV)
	$(UV) pip sync -q --compile-bytecode --require-hashes --python $(BIN)/python requirements/platform.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

setup-superset: .venv-superset/.done  ## create .venv-superset from its own hashed lock
.venv-superset/.done: requirements/superset.lock | uv
	@test -x .venv-superset/bin/python || $(UV) venv -q --python $(PYTHON) .venv-superset
	$(UV) pip sync -q --compile-bytecode --require-hashes --python .venv-superset/bin/python requirements/superset.lock
	@touch $@

check: setup  ## ruff, pyright, import direction, bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/bandit -q -ll -ii -r pipelines assets schemas quality warehouse dashboards

audit: setup  ## known faults of both environments' packages (needs the network: asks pypi.org)
	$(UV) tool run pip-audit -r requirements/platform.lock --disable-pip --require-hashes
	$(UV) tool run pip-audit -r requirements/superset.lock --disable-pip --require-hashes

test: setup  ## every test (about ten minutes on two cores)
	$(BIN)/python -m pytest -n 2 $(ARGS)

bench: setup  ## speed, as ratios against bare scripts in the same run (ONLY=all: also a new day, lookups, 10x rows)
	$(BIN)/python -m tests.bench $(ARGS)

answers: setup  ## write the answers of docs/sql.md anew, from the demo district at its settings (minutes)
	$(BIN)/python -m tests.sql_page

run: setup  ## the demo district end to end, then Dagster and Superset (SERVE=0 returns after publishing)
	$(BIN)/govlake demo --home $(GOVLAKE_HOME) --days $(DAYS) --scale $(SCALE) --seed $(SEED)
	$(BIN)/govlake run --home $(GOVLAKE_HOME)
	@if [ "$(SERVE)" != "0" ]; then $(MAKE) -s setup-superset && $(BIN)/govlake serve --home $(GOVLAKE_HOME); fi

lock: setup  ## resolve again and rewrite requirements/*.lock (no addresses inside)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --group platform --group dev -o requirements/platform.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --group superset -o requirements/superset.lock

clean:  ## remove environments and caches (never data)
	rm -rf .venv .venv-uv .venv-superset .pytest_cache .ruff_cache .import_linter_cache
