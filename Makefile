# The two commands of the README are `make lab` and `make test`; `make help` lists the rest.
PYTHON ?= python3
UV ?= $(shell command -v uv)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev

# With uv where there is one (`make UV= ...` does without), else with venv and pip.
ifneq ($(UV),)
CREATE := $(UV) venv --quiet --python $(PYTHON) $(VENV)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
CREATE := $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) makes no virtual environments: \
install its modules venv and ensurepip (Debian: apt-get install python3-venv), or install uv."; exit 1; }
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "clover-nb needs Python 3.11 or later; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing what $(1) pins into $(VENV) ..."
	@test -x $(BIN)/python || $(CREATE)
	@$(INSTALL) --require-hashes -r $(1)
	@$(INSTALL) --no-deps --no-build-isolation -e .
endef

.DEFAULT_GOAL := help
.PHONY: help lab test test-long compat check format notebooks screenshots lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

$(READY): requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(READY_DEV): requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $@ $(READY)

lab: $(READY) ## open JupyterLab on the embedded sandbox (options: make lab ARGS="--no-browser --port=8899")
	@$(BIN)/clover-nb lab $(ARGS)

test: $(READY_DEV) ## run the tests: units, sandbox, forms in a browser, notebooks
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-long: $(READY_DEV) ## run the tests that take minutes: storms, kill -9, other users, a fresh install
	$(BIN)/python -m pytest -n 2 --dist loadfile -m long $(ARGS)

compat: $(READY_DEV) ## run Clover's own SDKs against the sandbox (needs npm)
	$(BIN)/python compat/run.py

check: $(READY_DEV) ## lint, format, types, layers, unused code, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/vulture
	$(BIN)/codespell

format: $(READY_DEV) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY_DEV) ## run the notebooks and keep their outputs
	$(BIN)/python tools/run_notebooks.py $(ARGS)

screenshots: $(READY_DEV) ## make the pictures of the README
	$(BIN)/python -m pytest -p no:randomly tests/browser/screenshots.py

COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes \
	--no-emit-index-url --python-version 3.11 --quiet
lock: $(READY_DEV) ## pin what pyproject.toml asks for, with hashes: for running, and for developing
	$(COMPILE) --group dev -o requirements-dev.lock $(ARGS)
	$(COMPILE) --group environment -c requirements-dev.lock -o requirements.lock

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
