# One command per wish; each starts from nothing but Python >= 3.10, make and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYNC := UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen --inexact --all-extras

AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo -n)

.PHONY: help install demo docs test chromium lint sweep histories bench convergence mutation clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make .venv/ with Meltano and every console script

$(VENV)/.installed: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(SYNC) --all-groups
	@touch $@

demo: install ## Start the local servers, run the sync through Meltano, print what happened, stop them
	@$(BIN)/python demo/run.py

docs: install ## Build the documentation into .site/; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

test: install lint chromium ## Run every check and every test
	$(BIN)/pytest -n 3 --dist loadgroup tests

chromium: ## Install the browser that the page is tested in, where it is missing
	@command -v chromium >/dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -qq -y --no-install-recommends chromium; } \
		|| echo "chromium could not be installed: the tests of the page in a browser are skipped, and fail where CI is set" >&2

lint: install ## Style, types and the rules between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

sweep: install ## Every fault at every call, every switch alone, every crash; make test takes a selection
	SWEEP=all $(BIN)/pytest -n 2 tests/system/test_faults.py tests/system/test_switches.py tests/system/test_crashes.py \
		tests/system/test_meltano.py tests/system/test_together.py tests/system/test_kill.py \
		tests/system/test_tutorial.py tests/system/test_budgets.py tests/system/test_at_rest.py \
		tests/contract/test_target_spotio_faults.py

histories: install ## Random histories with crashes over the real plugins: SEED=1 HISTORIES=200
	$(BIN)/python -m tests.system.histories --seed $(or $(SEED),1) --histories $(or $(HISTORIES),200)

bench: install ## Measure rates as ratios to a bare loop of the same run
	$(BIN)/python -m tests.benchmarks

convergence: install ## Random histories: SEED= the first one, HISTORIES= how many
	$(BIN)/python -m tests.convergence --seed $(or $(SEED),0) --histories $(or $(HISTORIES),100000)

mutation: install ## Hunt every planted bug with random histories; fails below 100 %
	$(BIN)/python -m tests.convergence --mutants

clean: ## Remove what install, demo and test made
	rm -rf $(VENV) .site .meltano .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
