# The two commands of the README are `make lab` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help lab test compat check format notebooks screenshots lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "clover-nb needs Python 3.11 or later; name one with: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lab: $(READY) ## open JupyterLab on the embedded sandbox (options: make lab ARGS="--no-browser --port=8899")
	@$(BIN)/clover-nb lab $(ARGS)

test: $(READY) ## run every test: units, sandbox, forms in a browser, notebooks
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

compat: $(READY) ## run Clover's own SDKs against the sandbox (needs npm)
	$(BIN)/python compat/run.py

check: $(READY) ## lint, format, types, unused code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture

format: $(READY) ## format the code and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(READY) ## run the notebooks and keep their outputs
	$(BIN)/python tools/run_notebooks.py $(ARGS)

screenshots: $(READY) ## make the pictures of the README
	$(BIN)/python -m pytest -p no:randomly tests/browser/screenshots.py

lock: $(READY) ## pin what pyproject.toml asks for, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--no-emit-index-url --python-version 3.11 --quiet -o requirements.lock

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
