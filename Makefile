# The front door. Everything is installed into .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= .daydream
PACKAGES := $(patsubst %,-e %,$(wildcard shared/*)) $(patsubst %,-e %,$(filter-out services/console,$(wildcard services/*))) -e 'services/console[local,export]'
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup run test test-chaos check docs bench bench-budget bench-sampler bench-critic lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/ready ## install everything into .venv

.venv/ready: pyproject.toml constraints.txt $(wildcard shared/*/pyproject.toml services/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "daydream needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev $(PACKAGES)
	@touch $@

run: setup ## dream on this machine: ingest the bundled notes, think, print what was found, stop
	$(BIN)/daydream run --data $(DATA) $(ARGS)

test: setup .tools/ready ## all tests that take seconds
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

test-chaos: setup .tools/ready ## the tests that take minutes: processes killed in the middle of runs, and more
	$(PYTEST) -m slow $(ARGS)

check: setup ## style, types, boundaries between services, each service installed alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared services
	$(BIN)/lint-imports
	$(BIN)/python tests/deploy/each_alone.py

docs: setup ## build the documentation site into site/, strictly: a broken link or anchor fails
	$(BIN)/zensical build --clean --strict

bench: setup ## benchmarks: JSON lines, one a figure (BENCH=name for one of them)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(BENCH)

bench-budget: setup ## the cap under load: DATA=folder of the Azure LLM inference trace, QUICK=1 for a minute
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.budget --data $(DATA) $(if $(QUICK),--quick)

bench-sampler: setup ## where the good pairs lie, on public data: DATA=folder of MOOSE-Chem and SciMuse, QUICK=1 for fewer seeds
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.sampler --data $(DATA) $(if $(QUICK),--quick) $(ARGS)

bench-critic: setup ## how well judges are added up, on public verdicts and simulated judges: DATA=folder of SciMuse, QUICK=1 for fewer seeds
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.critic --data $(DATA) $(if $(QUICK),--quick) $(ARGS)

lock: setup ## renew constraints.txt from the pyproject files
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 --no-emit-package daydream-contracts --no-emit-package daydream-runtime --no-emit-package daydream-models --upgrade \
	  --all-extras --group pyproject.toml:dev shared/*/pyproject.toml services/*/pyproject.toml --output-file constraints.txt

.tools/ready: deploy/tools.py setup
	$(BIN)/python deploy/tools.py
	@touch $@
