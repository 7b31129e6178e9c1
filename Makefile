# make run: the whole console in one process. make test: every test. Neither asks anything.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
PY := $(VENV)/bin/python
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
ARGS ?=

# The environment of pip and uv decides where packages come from; nothing is asked and nothing is checked for.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export DEBIAN_FRONTEND := noninteractive

.PHONY: help run test faults lint format messages bench clean

help:
	@echo "make run        set everything up and start the console (ARGS='--port 9000 --no-demo')"
	@echo "make test       set everything up and run every test (ARGS='-k stream')"
	@echo "make faults     2,000 streams and 300 media items under random faults and kill -9, and every case of the"
	@echo "                fault tables (about twenty minutes; ARGS='--seed 7 --streams 200' for the first)"
	@echo "make lint       formatting, lint, types and who may import whom"
	@echo "make format     format the code"
	@echo "make messages   compile the translations"
	@echo "make bench      measure what the README claims"
	@echo "make clean      remove the virtual environment; the data in var/ stays"

run: $(RUN_STAMP)
	@exec $(PY) manage.py console $(ARGS)

test: $(DEV_STAMP)
	@scripts/test_packages.sh
	@$(MAKE) --no-print-directory lint
	@scripts/run_tests.sh $(PY) $(ARGS)

faults: $(DEV_STAMP)
	@scripts/test_packages.sh
	$(PY) -m faults $(ARGS)
	$(PY) -m pytest tests/faults tests/worker/test_resent.py --whole --ignore=tests/faults/test_whole_house.py

lint: $(DEV_STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy adapter simulator qqconsole bench faults scripts
	PYTHONPATH=. $(VENV)/bin/lint-imports

format: $(DEV_STAMP)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

messages: $(DEV_STAMP)
	$(PY) scripts/compile_messages.py

bench: $(DEV_STAMP)
	$(PY) -m bench $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/qqconsole-bench"

$(RUN_STAMP): requirements.txt constraints.txt
	@scripts/install.sh $(VENV) requirements.txt
	@touch $@

# The development set holds the other one.
$(DEV_STAMP): requirements-dev.txt requirements.txt constraints.txt
	@scripts/install.sh $(VENV) requirements-dev.txt
	@touch $(RUN_STAMP) $@
