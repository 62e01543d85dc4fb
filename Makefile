# Every command a newcomer needs; `make help` lists them. Needs make, a shell and Python 3.11 or newer, no more:
# the rest is installed here (.venv) or, for tests and as root on Debian, by apt.

PORT ?= 8000
PYTHON ?= python3
JOBS ?= 2
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard fieldapp/translations/*/LC_MESSAGES/*.po))

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench catalogue lock clean packages test-packages translations system
.DELETE_ON_ERROR:
# Prerequisites are steps in order: packages before what uses them.
.NOTPARALLEL:
.ONESHELL:
.SHELLFLAGS := -euc
MAKEFLAGS += --no-print-directory
# A .pyc is written once by pip; a colleague's PYTHONPATH or user site must not leak into the pinned set.
export PYTHONNOUSERSITE := 1
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: packages translations  ## serve the demo city on http://127.0.0.1:8000 (PORT=… to change)
	@export FIELDAPP_PUBLIC_URL="$${FIELDAPP_PUBLIC_URL:-http://127.0.0.1:$(PORT)}"
	exec $(PY) -m flask --app wsgi serve --port $(PORT)

test: test-packages translations system  ## every test, from nothing: rules, pages, both databases, a real browser (ARGS=… for pytest)
	@exec $(PY) -m pytest -n $(JOBS) --dist loadfile $(ARGS)

lint: test-packages  ## ruff, mypy, import-linter
	@$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy -n 2
	if grep -q '^\[tool\.importlinter' pyproject.toml; then $(VENV)/bin/lint-imports; fi

format:  test-packages  ## write the code as ruff likes it
	@$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: test-packages translations  ## measure: ratios against a bare app, growth, stalled uploads, first load (minutes)
	@for script in requests photos orders desk pool growth stalled_uploads first_load labels offline chaos; do
	    printf '\n== bench/%s.py\n' "$$script"
	    $(PY) -m bench.$$script $(ARGS)
	done

lock:  ## pin every dependency again, with hashes (after a change in pyproject.toml)
	@test -x $(VENV)/bin/pip-compile || $(PY) -m pip install -q 'pip-tools>=7.6,<8'
	options="--generate-hashes --no-emit-find-links --no-emit-index-url --no-emit-trusted-host --strip-extras --quiet"
	$(VENV)/bin/pip-compile $$options --extra=production --output-file=requirements.txt pyproject.toml
	$(VENV)/bin/pip-compile $$options --extra=production --extra=test --output-file=requirements-test.txt pyproject.toml

catalogue: test-packages  ## read all texts again and bring the English catalogue up to date
	@pot=$$(mktemp)
	$(PY) -m babel.messages.frontend -q extract -F babel.cfg -k _ -k lazy -k N_ -k ngettext:1,2 --sort-output --no-location -o $$pot .
	$(PY) -m babel.messages.frontend -q update -i $$pot -d fieldapp/translations -l en --no-fuzzy-matching --ignore-obsolete --no-wrap
	rm $$pot

clean:  ## remove .venv, caches and compiled catalogues; data in instance/ stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-results $(CATALOGUES)

# --- what the commands above stand on -------------------------------------------------------------

# Debian's python3 comes without ensurepip: `python3 -m venv` fails until python3-venv is there.
$(PY):
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
	    echo "fieldapp needs Python 3.11 or newer; '$(PYTHON)' is: $$("$(PYTHON)" -V 2>&1)." \
	         "Name another one with: make run PYTHON=/path/to/python3.11" >&2
	    exit 1
	fi
	if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	        echo "Python has no venv module yet: installing Debian's python3-venv."
	        apt-get update -q
	        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv
	    fi
	    if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then
	        echo "Python's venv module is missing. Install it, then run make again:" \
	             "    sudo apt-get install python3-venv" >&2
	        exit 1
	    fi
	fi
	"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	rm -f $(VENV)/*.installed

# The stamp is a copy of the list that was installed: compared by content, since a checkout changes file times.
define install
	@if ! cmp -s $(1) $(VENV)/$(1).installed; then
	    echo "Installing the pinned packages of $(1) into $(VENV) …"
	    $(PY) -m pip install --quiet --progress-bar off --require-hashes --no-deps -r $(1)
	    cp $(1) $(VENV)/$(1).installed
	fi
endef

packages: $(PY)
	$(call install,requirements.txt)

test-packages: $(PY)
	$(call install,requirements-test.txt)

translations: $(CATALOGUES)

%.mo: %.po
	@$(PY) -m babel.messages.frontend compile --input-file $< --output-file $@

# Browser, PostgreSQL, Java and a Chinese font; the finders the tests use say what is missing.
system: test-packages
	@$(PY) -m tests.tools.system
