# `make help` lists the targets, from the comments behind them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env run app test test-slow test-all check docs study bench lock clean accept notebooks random-sets validate

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := 12
INSTALL := install --quiet --require-hashes -r requirements.lock
WARM := $(BIN)/python -m zerolimit.run.warm
SELF := install --quiet --no-deps --no-build-isolation -e .

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

env: $(READY) ## make .venv with the locked libraries and this package

$(READY): requirements.lock pyproject.toml
	@if command -v uv >/dev/null; then \
	  echo "Making $(VENV) with uv: once, a minute or two"; \
	  uv venv --quiet --clear --python '>=3.$(OLDEST)' $(VENV) && \
	  VIRTUAL_ENV=$(VENV) uv pip $(INSTALL) --compile-bytecode && VIRTUAL_ENV=$(VENV) uv pip $(SELF); \
	else \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, $(OLDEST)))' 2>/dev/null || \
	    { echo "zerolimit needs Python 3.$(OLDEST) or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1): install one and say make PYTHON=python3.$(OLDEST)" >&2; exit 1; }; \
	  echo "Making $(VENV) with pip: once, a few minutes"; \
	  $(PYTHON) -m venv --clear $(VENV) && \
	  $(BIN)/python -m pip --disable-pip-version-check $(INSTALL) && \
	  $(BIN)/python -m pip --disable-pip-version-check $(SELF); \
	fi
	@touch $(READY)

run: $(READY) ## the default scenario, 36 months: 30,000 real clients, then a drawn population as large
	$(BIN)/zerolimit run --portfolio uci --set pool_share=0.31 --out runs/uci --force
	$(BIN)/zerolimit run --borrowers 30000 --out runs/drawn --force

app: $(READY) ## the page: sliders and pictures in a browser, without the internet
	$(BIN)/zerolimit app

test: $(READY) ## the tests, without the slow ones
	$(WARM)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(READY) ## the slow tests
	$(WARM)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 20 -m slow

test-all: test test-slow ## all tests

accept: $(READY) ## accept the outputs of all presets as they are now (tests/baselines)
	$(BIN)/python tests/baselines.py

validate: $(READY) ## measure how true the model is, over 20 seeds, and record it for the documents (docs/plausible.md)
	@rm -rf build/validation
	$(BIN)/zerolimit validate --out build/validation
	$(BIN)/python -m docs.score build/validation
	$(BIN)/python -m docs.generate --quick

VALIDATION := model/zerolimit/validation
random-sets: $(READY) ## measure which targets random parameter sets pass as well, some minutes: make random-sets SETS=300
	@rm -rf build/random-sets build/random-cards
	$(BIN)/zerolimit validate baseline jiebei-2018 jiebei-2020 --random experiments/sensitivity --sets $(or $(SETS),300) --out build/random-sets
	$(BIN)/zerolimit validate cards cards-2008 cards-2020 --random $(VALIDATION)/ranges_cards.toml --sets $(or $(SETS),300) --out build/random-cards
	cp build/random-sets/random.toml $(VALIDATION)/random.toml
	cp build/random-cards/random.toml $(VALIDATION)/random-cards.toml

check: $(READY) ## style, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY) ## write the generated parts of the documents anew, and the site: build/site/html/index.html
	$(BIN)/python -m docs.generate
	$(BIN)/python docs/build.py

study: $(READY) ## run a study of experiments/ and draw its figure: make study NAME=tipping
	@test -f "experiments/$(NAME)/run.py" || { echo "make study NAME=...: one of $$(ls -d experiments/*/ | xargs -n1 basename | paste -sd' ')" >&2; exit 2; }
	$(BIN)/python experiments/$(NAME)/run.py

notebooks: $(READY) ## run the notebooks and keep their outputs
	$(BIN)/python tests/notebooks.py

bench: $(READY) ## measure speed and memory
	$(BIN)/python bench/run.py
	$(BIN)/python -m bench.sweep
	$(BIN)/python -m bench.small_runs

lock: ## resolve requirements.lock anew (needs uv)
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], "editables", sep="\n")' \
	  | uv pip compile --quiet --universal --python-version 3.$(OLDEST) --extra dev --generate-hashes --no-emit-index-url --upgrade \
	    --custom-compile-command "make lock" -o requirements.lock pyproject.toml -

clean: ## remove the environment, results and caches
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find model tests -name __pycache__ -prune -exec rm -rf {} +
