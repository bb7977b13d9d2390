# Everything a person types. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3.11
DICOM ?= ../shared/data/dicom
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test full ui look real check format clean lock bench load fuzz scale rows risk tracing materialise federated dictionary

help: ## list these targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name it with PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Setting up .venv (once; takes a minute or two while packages are downloaded)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY) ## make .venv from requirements.lock

demo: $(READY) ## three data holders' exports become Tier 1, 2 and 3 releases in .demo/
	@$(BIN)/eucaim demo .demo

real: $(READY) ## the real DICOM objects of DICOM=../shared/data/dicom as one dataset in .real/
	@$(BIN)/eucaim real .real --dicom $(DICOM)

test: $(READY) ## run the tests
	@$(BIN)/pytest -q -n 2 --dist loadgroup

full: $(READY) ## test every real object, not one of each structure
	@EUCAIM_TESTS=full $(BIN)/pytest -q eucaim_pipelines_tests/deidentification/real

ui: $(READY) ## open Dagster on the demo (http://127.0.0.1:3000), its reports beside it (:3001)
	@test -f .demo/settings.yaml || $(BIN)/eucaim demo .demo
	@export EUCAIM_SETTINGS=$(CURDIR)/.demo/settings.yaml DAGSTER_HOME=$(CURDIR)/.demo/home PATH=$(CURDIR)/$(BIN):$$PATH; \
		eucaim reports & reports=$$!; trap 'kill $$reports 2>/dev/null' EXIT INT TERM; \
		dg dev -w workspace.yaml --host 127.0.0.1

look: $(READY) ## open every report of the demo in Chromium: no request, no axe violation; pictures in .look/
	@test -f .demo/settings.yaml || $(BIN)/eucaim demo .demo
	@test -d .look/node_modules/axe-core || npm install --silent --no-save --no-package-lock --prefix .look axe-core@4
	@$(BIN)/python -m eucaim_pipelines_tests.report.look .demo .look/node_modules/axe-core/axe.min.js .look/pictures

dictionary: $(READY) ## write data_contracts/DICTIONARY.md anew from the contracts
	@$(BIN)/eucaim dictionary

format: $(READY) ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet .

check: $(READY) ## format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY) ## measure speed and memory against cp and other tools, in one run
	@$(BIN)/python benchmarks/deidentify.py

load: $(READY) ## measure federated search over 1,000,000 series with wrk
	@$(BIN)/python benchmarks/search.py

fuzz: $(READY) ## ask the search service long what its description allows, and what not
	@EUCAIM_SCHEMATHESIS_EXAMPLES=2000 $(BIN)/pytest -q eucaim_pipelines_tests/search/test_schemathesis.py

scale: $(READY) ## measure mapping, checks and report of 100,000 people and 1,000,000 series
	@$(BIN)/python benchmarks/scale.py

tracing: $(READY) ## measure lineage, identity search and explain over a release of 1,000,000 objects
	@$(BIN)/python -m benchmarks.tracing

risk: $(READY) ## compare k, l and unique share of tables of 100,000 rows with pycanon (set up in .risk/)
	@$(BIN)/python benchmarks/risk.py

rows: $(READY) ## measure a clinical table of 1,000,000 rows from delivery to report
	@$(BIN)/python benchmarks/rows.py

materialise: $(READY) ## measure `eucaim materialise` of 10,000 objects, killed and resumed, from a folder and S3 (minutes)
	@$(BIN)/python -m benchmarks.materialise

federated: $(READY) ## fit a regression over three materialised sites with Flower (set up in .federated/), and pooled (minutes)
	@$(BIN)/python benchmarks/federated.py

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	@$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --all-extras --output-file requirements.lock pyproject.toml

clean: ## remove what the targets made, but .venv
	@rm -rf .demo .real .look .risk .federated build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
