# The desk's commands: `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test test-services lint bench truth peers lock clean

PYTHON := .venv/bin/python
LOCAL_DATABASE := postgres://postgres@127.0.0.1:5432/datacatalog
LOCAL_REDIS := redis://127.0.0.1:6379/0

# Without compiled modules every start takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: ## Install what is missing and start the desk on http://127.0.0.1:8000/ (PORT, HOST, DATACATALOG_HOME, NAUTILUS_PATH, …)
	@sh .make/venv requirements.txt
	@exec $(PYTHON) -m datacatalog.supervisor

test: ## Everything that needs no outside service; browser tests where a Chromium is found
	@sh .make/venv requirements.txt requirements-dev.txt
	@env -u DATABASE_URL -u REDIS_URL ENV_FILE= $(PYTHON) -m pytest -n auto --dist loadfile -m "not services" $(PYTEST)

test-services: ## The suite against the PostgreSQL and Redis of DATABASE_URL and REDIS_URL (default: local ones)
	@sh .make/venv requirements.txt requirements-dev.txt
	@export ENV_FILE= DATABASE_URL="$${DATABASE_URL:-$(LOCAL_DATABASE)}" REDIS_URL="$${REDIS_URL:-$(LOCAL_REDIS)}"; \
	$(PYTHON) -m tests.services && exec $(PYTHON) -m pytest -n auto --dist loadfile -m "not browser and not pure" $(PYTEST)

lint: ## Linter, format and types
	@sh .make/venv requirements.txt requirements-dev.txt
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy .

bench: peers ## Side-by-side measurements
	@exec $(PYTHON) -m benchmarks

truth: peers ## How right the checks are: known defects in real data (MARKET_DATA) and in the demo's
	@exec $(PYTHON) -m benchmarks.truth

peers: ## The tools that the desk is compared with, in .venv-peers; what cannot be had is left out
	@sh .make/venv requirements.txt requirements-dev.txt
	@sh .make/peers

lock: ## Pin what the requirements pull in, for every supported Python, into .constraints.txt
	@sh .make/venv requirements.txt requirements-dev.txt
	@sed '/^-c/d' requirements.txt > .lock.in && sed '/^-[cr]/d' requirements-dev.txt >> .lock.in
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.12 --no-annotate --no-header --strip-extras .lock.in -o .constraints.txt
	@rm .lock.in

clean: ## Remove .venv, .venv-v2, .uv and caches; never var/, which holds your data
	rm -rf .venv .venv-v2 .venv-peers .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
	@echo "var/ (database, exports, demo store, logs) is left alone: it is your data."
