# What contributors type; `make` alone lists it. CI runs the same words (see .ci/run).

# The newest Python that is 3.11 or later and really starts: a shim of pyenv may exist without its Python.
PYTHON = $(shell for name in python3.13 python3.12 python3.11 python3; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)

BIN := .venv/bin
INSTALLED := .venv/.installed
LOCK := requirements.lock

.PHONY: help install check format layout lint types page imports rules test proofs demo wheel lock cluster cluster-down clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) ## make .venv with the command `tilt` and all tools

format: $(INSTALLED) ## lay out all files, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: layout lint types page imports rules ## layout, lint, types of Python and of the page, import directions, house rules; -k goes on after a failure

layout: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

# Node is the machine's: where there is none, the page is checked by those who have one.
page: $(INSTALLED)
	@if command -v npm >/dev/null; then cd web && npm ci --silent --prefer-offline && npm run --silent check; \
	else echo "page: not checked, there is no npm"; fi

imports: $(INSTALLED)
	$(BIN)/lint-imports

rules: $(INSTALLED)
	$(BIN)/pytest -q tests/house_rules

test: $(INSTALLED) ## run all tests, in three processes; starts the test cluster if there is none
	$(BIN)/python -m tests.in_parts

proofs: $(INSTALLED) ## drop some fields that docs/engine.md calls "works": the tests that prove them must fail
	$(BIN)/python scripts/prove_fields.py --sample 6 -m engine -k docker

demo: $(INSTALLED) ## show what pytilt does, in a minute
	$(BIN)/tilt demo --install-engine

wheel: $(INSTALLED) ## build the wheel in dist, for pipx or uv
	rm -f dist/*.whl
	$(BIN)/hatchling build -t wheel

cluster: ## start the test cluster (Debian, root)
	tests/cluster/cluster up

cluster-down: ## stop the test cluster
	tests/cluster/cluster down

clean: ## remove all that these targets made here
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find src tests -name __pycache__ -prune -exec rm -rf {} +

lock: | $(BIN)/pip ## take the newest versions of all dependencies into requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --group dev --no-annotate --no-header \
		--output-file $(LOCK).new pyproject.toml
	@(head -n 1 $(LOCK); cat $(LOCK).new) > $(LOCK).all && mv $(LOCK).all $(LOCK) && rm $(LOCK).new

# Installs again whenever the dependencies change; what the lock names is taken for the build too.
$(INSTALLED): pyproject.toml $(LOCK) | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.3'
	$(BIN)/python -m pip install --quiet --constraint $(LOCK) --build-constraint $(LOCK) --editable . --group dev
	$(BIN)/python -m compileall -q src
	@touch $@

$(BIN)/pip:
	@.ci/make-venv "$(PYTHON)" .venv
