# Everything runs from .venv, made from the lock file; nothing else is installed on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: run demo test check clean

run: $(VENV)/ready  ## serve the whole application on this machine until Ctrl-C
	$(BIN)/python -m infra.local

demo: $(VENV)/ready  ## replay real baskets through the public API and check the books
	$(BIN)/python -m infra.demo

test: check  ## all tests, lint and types
	$(BIN)/pytest -n 2 --dist loadfile

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

$(VENV)/ready: uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --quiet
	touch $@

clean:
	rm -rf $(VENV) .local
