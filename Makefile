# `make` lists what there is. Nothing but Python 3.11 or newer with venv, and make, is needed beforehand.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CANDIDATES := python3 python3.13 python3.12 python3.11
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# Tests wait more than they compute: more of them than there are cores.
JOBS ?= 3

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --extra embedded --extra sandbox

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.run ## the whole product on this machine, with a Telegram of its own (Ctrl-C stops it)
	@exec $(BIN)/python -m backline up

.PHONY: test
test: $(VENV)/.dev ## all tests but those in a browser; ARGS="-k welcome" selects
	@exec $(BIN)/python -m pytest -n $(JOBS) -m "not browser" $(ARGS)

.PHONY: test-browser
test-browser: $(VENV)/.dev ## the tests in a browser: needs Debian's chromium
	@exec $(BIN)/python -m pytest -n 2 -m browser $(ARGS)

.PHONY: mutations
mutations: $(VENV)/.dev ## break delivery in many places, a test turns red each time (minutes; ARGS="claim record" selects)
	@$(BIN)/python -m backline.embedded $(BIN)/python -m tests.mutation_check $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## ruff, mypy --strict, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check-migrations
check-migrations: $(VENV)/.dev ## the migrations lead to the tables that the code declares
	$(BIN)/python -m backline.embedded $(BIN)/python -m backline migrate --check

.PHONY: bench
bench: $(VENV)/.dev ## how fast it is here
	@exec $(BIN)/python -m bench $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## kill, pause, cut and restart everything for minutes, then audit every message (ARGS="--seed 7")
	@exec $(BIN)/python -m chaos $(ARGS)

.PHONY: live-check
live-check: $(VENV)/.dev ## what we assume about Telegram, asked of Telegram (needs throw-away tokens: docs/live-check.md)
	@exec $(BIN)/python -m live_check $(ARGS)

.PHONY: crashes
crashes: $(VENV)/.dev ## a worker is killed a thousand times in each mode, at each named edge in turn (20 minutes)
	@KILLS=91 exec $(BIN)/python -m pytest -n $(JOBS) tests/e2e/test_checkpoints.py \
		tests/e2e/test_parallel_checkpoints.py $(ARGS)

.PHONY: docs
docs: $(VENV)/.dev ## write the pages that are generated from the code
	$(BIN)/python -m tenants.settings.docs > docs/settings.md.new
	mv docs/settings.md.new docs/settings.md
	$(BIN)/python -m worker.manual > docs/commands.md.new
	mv docs/commands.md.new docs/commands.md
	$(BIN)/python -m tenants.audit.docs > docs/audit.md.new
	mv docs/audit.md.new docs/audit.md
	$(BIN)/python -m tenants.plans_docs > docs/plans.md.new
	mv docs/plans.md.new docs/plans.md

.PHONY: check-docs
check-docs: docs ## the generated pages are up to date
	git diff --exit-code -- docs

.PHONY: lock
lock: $(VENV)/.tools ## pin what pyproject.toml asks for; ARGS=--upgrade takes newer releases
	$(COMPILE) --group dev --output-file requirements/dev.txt $(ARGS)
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/run.txt $(ARGS)

.PHONY: clean
clean: ## remove the virtual environment and the caches; data stays in its folder
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is quick; pip knows the mirrors and certificates that this machine is configured for.
define install
$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) \
	|| $(BIN)/python -m pip install --quiet --require-hashes -r $(1)
endef

$(VENV)/.run: requirements/run.txt $(VENV)/.tools
	@echo "Installing what Backline needs into $(VENV) …"
	@$(call install,requirements/run.txt)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.tools
	@echo "Installing what the tests need into $(VENV) …"
	@$(call install,requirements/dev.txt)
	@touch $@

$(VENV)/.tools: requirements/tools.txt
	@test -n "$(PYTHON)" || { echo "Backline needs Python 3.11 or newer: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is older than Python 3.11: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Install python3-venv: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.txt
	@touch $@
