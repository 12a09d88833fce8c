# The front door. Everything is installed into .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= .daydream
FOLDERS := $(patsubst %/,%,$(dir $(wildcard shared/*/pyproject.toml services/*/pyproject.toml)))
PACKAGES := $(patsubst %,-e %,$(filter-out services/console,$(FOLDERS))) -e 'services/console[local,export,mcp,remote]'
# Hashes in constraints.txt are checked, those of the build backend too.
CONSTRAINED := --constraint constraints.txt --build-constraint constraints.txt
PYTEST := $(BIN)/python -m pytest
# Tests start hundreds of processes: without compiled modules each takes twice the time.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup hooks run test test-properties test-e2e test-deploy test-browser test-chaos test-cluster test-images screenshots vendor check docs reference bench bench-budget bench-sampler bench-critic bench-gateway bench-console lock dist sbom chart bench-documents bench-daydream bench-pipeline bench-scaling bench-peers soak faults fault-tests simulate

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: .venv/ready ## install everything into .venv

# uv comes first, by pip, which checks the hashes of a whole file or of nothing: so it gets uv's lines alone.
.venv/ready: VERSION pyproject.toml constraints.txt $(FOLDERS:=/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "daydream needs Python 3.11 or newer: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > .venv/uv.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement .venv/uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(CONSTRAINED) --group dev $(PACKAGES)
	@touch $@

hooks: setup ## check what a commit touches, before each commit
	$(BIN)/pre-commit install

run: setup ## run some daydreams on this machine: ingest the bundled notes, print the result, stop
	$(BIN)/daydream run --data $(DATA) $(ARGS)

test: setup ## all tests of parts: code, and code with NATS
	$(PYTEST) -n 3 --dist worksteal $(ARGS)

test-properties: setup ## the property tests with many random cases: takes minutes
	$(PYTEST) -m 'hypothesis and not browser' --hypothesis-profile=many -n 2 --dist worksteal $(ARGS)

test-e2e: setup .tools/ready .tools/prometheus ## tests that start services as processes: one service, or the whole system as its users do
	$(PYTEST) -m 'e2e and not slow' -n 2 --dist worksteal $(ARGS)

test-deploy: setup .tools/ready .tools/prometheus ## tests of the chart, the compose file, the images' recipe and the generated pages
	$(PYTEST) -m 'deploy and not slow' -n 2 --dist worksteal tests/deploy $(ARGS)

test-chaos: setup .tools/ready ## tests that take minutes: processes killed in the middle of runs, installed wheels
	$(PYTEST) -m slow $(ARGS)

test-cluster: setup ## the whole system on three NATS servers that are killed, frozen and restarted: SEEDS=3 for more moments
	$(PYTEST) -m cluster --exitfirst tests/cluster $(ARGS)

test-images: setup ## build all images and run the system in containers: tests/support/containers.py says how to fit it to a machine
	$(PYTEST) -m images tests/images $(ARGS)

simulate: setup ## the pure cores in virtual time with seeded faults: SEED=7 STEPS=1000000
	PYTHONPATH=tests $(BIN)/python -m simulation --seed $(or $(SEED),0) --steps $(or $(STEPS),100000)

test-browser: setup .tools/ready .tools/chromium ## tests of the web console in Debian's chromium, and of its API against its description
	$(PYTEST) -m browser tests/browser $(ARGS)

screenshots: setup .tools/ready .tools/chromium ## make the pictures of the console for README and docs
	PYTHONPATH=tests $(BIN)/python -m browser.screenshots

vendor: setup ## copy the front-end files of deploy/vendor.toml from their npm packages
	$(BIN)/python deploy/vendor.py

check: setup ## style, types, layers, phrases, sizes, workflows, docs, each package alone, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared services checks deploy tests
	$(BIN)/lint-imports
	$(BIN)/python -m checks
	$(BIN)/python -m checks.sizes
	$(BIN)/python -m checks.workflows
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m checks.each_alone
	$(BIN)/python -m checks.dependency_audit

docs: setup ## build the documentation site into site/, strictly: a broken link or anchor fails
	$(BIN)/zensical build --clean --strict

# each program writes the pages that derive from the code; tests keep them equal
reference: setup ## renew the generated pages: docs/reference, docs/settings.md, docs/faults.md, docs/threat-model.md, .env.example, dashboards
	PYTHONPATH=tests $(BIN)/python tests/deploy/settings_table.py
	PYTHONPATH=tests $(BIN)/python tests/deploy/reference_pages.py
	PYTHONPATH=tests $(BIN)/python tests/deploy/faults_page.py
	PYTHONPATH=tests $(BIN)/python tests/deploy/threat_model_page.py
	$(BIN)/python deploy/dashboards.py

faults: setup ## renew docs/faults.md from the tests with a fault mark and their recorded results
	PYTHONPATH=tests $(BIN)/python tests/deploy/faults_page.py

fault-tests: setup .tools/ready ## run and record the tests of a row of docs/faults.md: FAULT=F7, without it all of them; SEEDS=3
	$(PYTEST) -m fault --fault-results tests/fault_results.json $(ARGS) $$(PYTHONPATH=tests $(BIN)/python -m support.fault_marks $(FAULT))

bench: setup ## benchmarks: JSON lines, one per figure (BENCH=name for one of them)
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(BENCH)

bench-budget: setup ## the cap under load: DATA=folder of the Azure LLM inference trace, QUICK=1 for some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.budget --data $(DATA) $(if $(QUICK),--quick)

bench-sampler: setup ## where good pairs are, on public data: DATA=folder of MOOSE-Chem and SciMuse, QUICK=1 for fewer seeds
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.sampler --data $(DATA) $(if $(QUICK),--quick) $(ARGS)

bench-critic: setup ## how well judges are aggregated, on public verdicts and simulated judges: DATA=folder of SciMuse, QUICK=1 for fewer seeds
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.critic --data $(DATA) $(if $(QUICK),--quick) $(ARGS)

bench-daydream: setup ## whether the figures of `daydream bench` and of estimates hold, with fake models: QUICK=1 for fewer seeds
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.daydream $(if $(QUICK),--quick) $(ARGS)

bench-console: setup ## pages and API with 10,000 insights, 1,000,000 facts and 100 events a second: FACTS=number and MINUTES=number for less
	@PYTHONPATH=tests $(BIN)/python -m benchmarks console

bench-gateway: setup ## what the gateway adds to a call, and what bad days of a provider cost: QUICK=1 for two minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.gateway $(if $(QUICK),--quick) $(ARGS)

bench-pipeline: setup ## what the pipeline costs beside the models, with a bare relay in the same run: QUICK=1 for some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.pipeline $(if $(QUICK),--quick) $(ARGS)

bench-scaling: setup ## how critics scale, with calls of a second: QUICK=1 for some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.scaling $(if $(QUICK),--quick) $(ARGS)

soak: setup ## whether memory, files, consumers, lag and the ledger stay as they are at the highest rate: MINUTES=10 for less than an hour
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

bench-peers: setup .tools/peers/ready ## the same work by taskiq-nats, dramatiq and Celery in the same run, with kills and slow calls: QUICK=1 for some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.peers $(if $(QUICK),--quick) $(ARGS)

# The peers are no part of daydream, so they are kept out of its environment.
.tools/peers/ready: pyproject.toml constraints.txt .venv/ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .tools/peers
	$(BIN)/uv pip install --quiet --python .tools/peers/bin/python $(CONSTRAINED) --group peers
	@touch $@

bench-documents: setup ## which passages become facts, how fast documents are read, in how much memory, and what hostile ones cost: QUICK=1 for some minutes
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.documents $(if $(QUICK),--quick) $(ARGS)

lock: setup ## renew constraints.txt, with hashes, from the pyproject files
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
	  $(foreach folder,$(FOLDERS),--no-emit-package daydream-$(notdir $(folder))) \
	  --all-extras --group pyproject.toml:dev --group pyproject.toml:peers $(FOLDERS:=/pyproject.toml) --output-file constraints.txt

dist: setup ## build the wheels of all packages into dist/
	rm -rf dist
	for folder in $(FOLDERS); do $(BIN)/uv build --quiet --wheel --build-constraint constraints.txt --out-dir dist $$folder || exit 1; done
	@ls dist

sbom: dist ## list what the wheels install, with licences, in dist/daydream.cdx.json
	$(BIN)/uv venv --quiet --clear .tools/sbom
	$(BIN)/uv pip install --quiet --python .tools/sbom/bin/python $(CONSTRAINED) dist/*.whl "dist/daydream_console-$$(cat VERSION)-py3-none-any.whl[local,export,mcp,remote]"
	$(BIN)/cyclonedx-py environment --output-reproducible --of JSON --output-file dist/daydream.cdx.json .tools/sbom/bin/python

chart: setup .tools/ready ## package the Helm chart into dist/
	.tools/helm4 package helm/daydream --destination dist --version "$$(cat VERSION)" --app-version "$$(cat VERSION)"

.tools/chromium:
	@command -v chromium > /dev/null \
	  || apt-get install -y -qq --no-install-recommends chromium \
	  || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) \
	  || (echo "Install chromium: sudo apt-get install chromium" && exit 1)
	@mkdir -p .tools && touch $@

.tools/prometheus:
	@command -v prometheus promtool > /dev/null \
	  || apt-get install -y -qq --no-install-recommends prometheus \
	  || (apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus) \
	  || (echo "Install Prometheus, with promtool: sudo apt-get install prometheus" && exit 1)
	@mkdir -p .tools && touch $@

.tools/ready: deploy/tools.py .venv/ready
	$(BIN)/python deploy/tools.py
	@touch $@
