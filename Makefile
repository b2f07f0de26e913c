# Everything a user or contributor does starts here. `make` alone lists the targets.
# Set-up is done by tools/setup, which costs nothing when there is nothing to do.
.DEFAULT_GOAL := help
.PHONY: help setup run demo-cascade test test-fast check format format-check lint types imports audit-locks audit sbom bench lock clean
.NOTPARALLEL:

PORT ?= 4000
BIN := .venv/bin
PATHS := src tests $(wildcard benchmarks)
TYPED := src tests $(if $(wildcard benchmarks/*.py),benchmarks)
# Arguments passed on to pytest, as in `make test ARGS="tests/codecs -k sse"`.
ARGS ?=

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install all that development needs into .venv
	@tools/setup dev

run: ## Install what is needed and serve on 127.0.0.1 (PORT=4000), with an embedded model
	@tools/setup run
	@exec $(BIN)/tenbin serve --port $(PORT)

demo-cascade: ## Show a cascade at work: the embedded model, its gates, a simulated strong model
	@tools/setup dev
	@$(BIN)/python -m benchmarks.cascade_demo

test: ## Run every test (ARGS="..." goes to pytest)
	@tools/setup dev
	@$(BIN)/python -m pytest $(ARGS)

test-fast: ## Run the tests without those that drive real clients
	@tools/setup dev
	@$(BIN)/python -m pytest -m "not slow" $(ARGS)

check: format-check lint types imports audit-locks test ## Format, lint, types, import contracts, dependencies, tests

format: ## Rewrite the sources in the house's format
	@tools/setup dev
	@$(BIN)/ruff format $(PATHS)
	@$(BIN)/ruff check --fix $(PATHS)

format-check: ## Check the format
	@tools/setup dev
	@$(BIN)/ruff format --check $(PATHS)

lint: ## Check the style, and that no clock, chance or task is hidden
	@tools/setup dev
	@$(BIN)/ruff check $(PATHS)

types: ## Check the types, strictly
	@tools/setup dev
	@$(BIN)/mypy $(TYPED)

imports: ## Check that imports run one way through the house
	@tools/setup dev
	@$(BIN)/lint-imports --no-logo

audit-locks: ## Check without network what Tenbin is built from: hashes, licences, nothing unpinned
	@tools/setup dev
	@$(BIN)/python tools/audit

audit: audit-locks ## Ask for known weaknesses of every locked package (needs network)
	@for lock in requirements*.lock; do \
		echo "$$lock"; $(BIN)/pip-audit --require-hashes --disable-pip --progress-spinner off -r $$lock || exit 1; done

sbom: ## Write what a release is made of to dist/sbom.json (CycloneDX)
	@tools/setup dev
	@mkdir -p dist
	@$(BIN)/python tools/sbom > dist/sbom.json

bench: ## Run the benchmarks
	@tools/setup dev
	@$(BIN)/python benchmarks/run $(ARGS)

lock: ## Raise every pinned version to the newest allowed and write the lock files
	@tools/setup dev
	@tools/lock

clean: ## Remove what was installed, built or remembered
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find $(PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +
