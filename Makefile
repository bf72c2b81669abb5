# The two commands of the README are `make lab` and `make test`; `make help` lists the rest.
PYTHON ?= python3
# Where a machine forbids to keep compiled code, each kernel would take seconds to compile pandas anew.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
READY_DOCS := $(VENV)/.ready-docs
HUB := .venv-hub
READY_HUB := $(HUB)/.ready
LOWEST := .venv-lowest
READY_LOWEST := $(LOWEST)/.ready

# uv installs: the machine's, else PyPI's, in three parts of pip's time. pip does where there is none,
# and with `make UV= ...`.
UV ?= $(or $(shell command -v uv),$(BIN)/uv)

# $(call install,ENVIRONMENT,LOCK)
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "clover-nb needs Python 3.11 or later; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@set -e; python=$(1)/bin/python; uv="$(UV)"; \
	pip="$$python -m pip install --quiet --disable-pip-version-check"; \
	if [ ! -x $$python ]; then \
		echo "Making $(1) ..."; \
		if [ -n "$$uv" ] && [ -x "$$uv" ]; then "$$uv" venv --quiet --python $(PYTHON) $(1); \
		else $(PYTHON) -m venv $(1) || { rm -rf $(1); echo "$(PYTHON) makes no virtual environments:" \
			"install its modules venv and ensurepip (Debian: apt-get install python3-venv), or install uv."; exit 1; }; fi; \
	fi; \
	if [ -n "$$uv" ] && [ ! -x "$$uv" ]; then \
		echo "Fetching uv, which is quicker than pip ..."; \
		$$pip --require-hashes -r requirements-uv.lock || uv=; \
	fi; \
	install="$${uv:+$$uv pip install --quiet --python $$python}"; \
	echo "Installing the $$(grep -c == $(2)) packages of $(2) into $(1) with $${uv:-pip} ..."; \
	$${install:-$$pip} $(if $(filter-out %-lowest.lock,$(2)),--require-hashes) -r $(2); \
	$${install:-$$pip} --no-deps --no-build-isolation -e .
endef

.DEFAULT_GOAL := help
.PHONY: help lab hub test test-long lowest compat check format notebooks screenshots docs dist lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

$(READY): requirements.lock pyproject.toml
	$(call install,$(VENV),requirements.lock)
	@touch $@

$(READY_DEV): requirements-dev.lock pyproject.toml
	$(call install,$(VENV),requirements-dev.lock)
	@touch $@ $(READY)

$(READY_DOCS): $(READY_DEV) requirements-docs.lock
	$(call install,$(VENV),requirements-docs.lock)
	@touch $@

$(READY_HUB): requirements-hub.lock pyproject.toml deploy/jupyterhub/package-lock.json
	$(call install,$(HUB),requirements-hub.lock)
	@mkdir -p $(HUB)/proxy && cp deploy/jupyterhub/package*.json $(HUB)/proxy
	@cd $(HUB)/proxy && npm ci --silent --no-audit --no-fund
	@$(HUB)/bin/python -m compileall -qq $(HUB)/lib clover_nb || true # users may not write there; templates aren't Python
	@touch $@

$(READY_LOWEST): requirements-lowest.lock pyproject.toml
	$(call install,$(LOWEST),requirements-lowest.lock)
	@touch $@

lab: $(READY) ## open JupyterLab on the embedded sandbox (options: make lab ARGS="--no-browser --port=8899")
	@$(BIN)/clover-nb lab $(ARGS)

hub: $(READY_HUB) ## JupyterHub with the sandbox, PostgreSQL and two example users (needs npm and PostgreSQL)
	@$(HUB)/bin/python deploy/jupyterhub/example.py

# Three on two cores: browsers and kernels wait much of the time. Files go by their order (see
# tests/conftest.py), not by how many tests they have.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder

test: $(READY_DEV) ## run the tests: units, sandbox, forms in a browser, notebooks
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-long: $(READY_DOCS) $(READY_HUB) ## run the tests that take minutes: storms, kill -9, other users, a fresh install
	$(BIN)/python -m pytest $(PARALLEL) -m long $(ARGS)

lowest: $(READY_LOWEST) ## run the tests on the oldest versions of everything that pyproject.toml asks for
	$(LOWEST)/bin/python -m pytest $(PARALLEL) --nbval-lax -W default --ignore=tests/project --ignore=tests/browser $(ARGS)

compat: $(READY_DEV) ## run Clover's own SDKs against the sandbox (needs npm)
	$(BIN)/python compat/run.py

check: $(READY_DEV) ## lint, format, types, layers, unused code, spelling, names
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/vulture
	$(BIN)/codespell
	$(BIN)/python tools/count_names.py

format: $(READY_DEV) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY_DEV) ## run the notebooks and keep their outputs
	$(BIN)/python tools/run_notebooks.py $(ARGS)

screenshots: $(READY_DEV) ## make the pictures of the README
	$(BIN)/python -m pytest -p no:randomly tests/browser/screenshots.py

docs: $(READY_DOCS) ## make the pages of the documentation: site/pages/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env -c docs/site -d site/cache . site/pages $(ARGS)

dist: $(READY) ## build the wheel and the sdist, the same bytes from the same commit
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m hatchling build

COMPILE := $(BIN)/uv pip compile --universal --no-emit-index-url --python-version 3.11 --quiet
HASHED := $(COMPILE) --generate-hashes
PACKAGE := pyproject.toml --extra charts --extra team
lock: $(READY_DEV) ## pin what pyproject.toml asks for: for running, developing, the docs; and the oldest of it
	$(HASHED) $(PACKAGE) --group dev -o requirements-dev.lock $(ARGS)
	$(HASHED) $(PACKAGE) --group environment -c requirements-dev.lock -o requirements.lock
	$(HASHED) $(PACKAGE) --group environment --group hub -c requirements-dev.lock -o requirements-hub.lock
	$(HASHED) --group docs -c requirements-dev.lock -o requirements-docs.lock $(ARGS)
	$(HASHED) --group installer -c requirements-dev.lock -o requirements-uv.lock
	$(COMPILE) $(PACKAGE) --group test --resolution lowest-direct --upgrade --no-annotate -o requirements-lowest.lock

clean: ## remove the environments, what was built, and caches
	rm -rf $(VENV) $(HUB) $(LOWEST) dist site .pytest_cache .mypy_cache .ruff_cache
