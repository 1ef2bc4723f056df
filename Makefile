# `make demo` and `make test` work in a fresh clone with no other step.

.DELETE_ON_ERROR:
.PHONY: demo demo-cluster test lint bench bench-scale campaign clean help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PYTEST_FLAGS ?= -q
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where it is set, each of a thousand processes of the tests would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=
# What the benchmarks compare with, and a compiler for the sink that they send into.
BENCH_PACKAGES := postfix gcc libc6-dev openssl nodejs npm
# Beside these the tests run a second mail server and two more verifiers of signatures.
FONTS := fonts-liberation fonts-dejavu-core fonts-noto-core fonts-noto-cjk
BROWSER := chromium $(FONTS)

help:
	@echo "make demo   send the sample release to sample journalists on this machine"
	@echo "            (DEMO_FLAGS=--once leaves after checking everything)"
	@echo "make demo-cluster  200,000 messages through two workers and PostgreSQL; one worker is killed,"
	@echo "            the database restarted, ledger and mail server compared (CLUSTER_FLAGS=--help)"
	@echo "make test   linters, types and all tests (PYTEST_FLAGS, such as -x)"
	@echo "make lint   linters and types only"
	@echo "make bench  how fast sending is, as ratios to its peers (BENCH_FLAGS=--help)"
	@echo "make bench-scale  PostgreSQL beside SQLite, two machines, claims among ten million"
	@echo "make campaign  kill a sending newsroom a thousand times and compare ledger and server"
	@echo "            (CAMPAIGN_FLAGS='--kills 1000 --store both|sqlite|postgresql --machines N --seed N')"
	@echo "make clean  remove what the two above installed in this folder"

demo: $(VENV)/.run
	$(BIN)/mailer demo $(DEMO_FLAGS)

demo-cluster: $(VENV)/.dev
	$(BIN)/python -m tests.cluster $(CLUSTER_FLAGS)

test: lint $(VENV)/.programs
	$(BIN)/python -m pytest -n 4 --dist worksteal $(PYTEST_FLAGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev $(VENV)/.bench-programs
	$(BIN)/python -m benchmarks $(BENCH_FLAGS)

bench-scale: $(VENV)/.dev $(VENV)/.bench-programs
	$(BIN)/python -m benchmarks.shared $(BENCH_FLAGS)

campaign: $(VENV)/.dev
	$(BIN)/python -m tests.campaign $(CAMPAIGN_FLAGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/message/foreign/node_modules

# The virtual environment, made again when the dependencies change.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mailer needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); $(MAKE) --no-print-directory venv-package && \
	  $(PYTHON) -m venv $(VENV); }

.PHONY: venv-package
venv-package:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; \
	else \
	  echo "Python's venv module is missing: install the package python3-venv." >&2; exit 1; \
	fi

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@ $(VENV)/.run

# Debian and Ubuntu, as root; elsewhere they are named and left to the reader.
$(VENV)/.programs: Makefile | $(BIN)/python
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin"; missing=; \
	has() { command -v "$$1" >/dev/null; }; \
	has smtp-sink || missing="$$missing postfix"; \
	has chromium || has chromium-browser || missing="$$missing $(BROWSER)"; \
	[ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] && \
	  [ -e /usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf ] && \
	  [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || missing="$$missing $(FONTS)"; \
	has opendkim || missing="$$missing opendkim"; \
	has openssl || missing="$$missing openssl"; \
	has node || missing="$$missing nodejs"; \
	has npm || missing="$$missing npm"; \
	if [ -z "$$missing" ]; then \
	  :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  set -e; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  echo "Installing$$missing"; \
	  apt-get update; \
	  echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
	  apt-get install -y --no-install-recommends $$missing; \
	else \
	  echo "The tests need programs that are not there." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install$$missing" >&2; \
	  exit 1; \
	fi
	@touch $@

$(VENV)/.bench-programs: | $(BIN)/python
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin"; missing=; \
	for program in smtp-sink smtp-source cc openssl node npm; do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	if [ -z "$$missing" ]; then \
	  :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  set -e; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  echo "Installing $(BENCH_PACKAGES)"; \
	  apt-get update; \
	  echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections; \
	  apt-get install -y --no-install-recommends $(BENCH_PACKAGES); \
	else \
	  echo "The benchmarks need these programs:$$missing." >&2; \
	  echo "On Debian or Ubuntu: sudo apt-get install $(BENCH_PACKAGES)" >&2; \
	  exit 1; \
	fi
	@touch $@
