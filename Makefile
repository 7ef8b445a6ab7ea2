# Two commands on a fresh Debian machine with Python 3.11: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# In runlevel 1 a package starts no service: a Redis of its own would be in nobody's
# way (tests take free ports), but one that cannot start fails the installation.
APT = $(SUDO) env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq

# The pure core: no I/O, so no excuse. Every branch of it is tested.
comma := ,
empty :=
space := $(empty) $(empty)
CORE_OF_CHANNELS := $(addprefix channels/,errors.py events.py positions.py view.py encoding.py)
CORE_OF_PUBLISHERS := $(addprefix publishers/,after.py batches.py bodies.py faults.py fold.py \
	permissions.py requests.py rich_text.py stories.py text.py updates.py)
CORE := $(subst $(space),$(comma),$(strip $(CORE_OF_CHANNELS) $(CORE_OF_PUBLISHERS)))

.PHONY: run test check bench chaos format clean

run: $(VENV)/.installed
	$(BIN)/livewire demo

test: $(VENV)/.installed-test programs node_modules check
	$(BIN)/pytest -q -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/coverage report --include=$(CORE) --fail-under=100

check: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-test programs
	$(BIN)/python -m benchmarks

# make chaos SECONDS=600 SEED=7; without a seed one is drawn, and printed.
SECONDS ?= 120
chaos: $(VENV)/.installed-test
	$(BIN)/python -m tests.chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) node_modules data .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || ($(SUDO) apt-get update -qq && $(APT) python3-venv)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip

$(VENV)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q -e .
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q -e '.[test,dev]'
	@touch $@ $(VENV)/.installed

programs:
	@(command -v chromium && command -v curl && command -v faketime) >/dev/null || \
		($(SUDO) apt-get update -qq && $(APT) chromium curl faketime)
	@command -v redis-server >/dev/null || ($(SUDO) apt-get update -qq && \
		($(APT) redis-server redis-tools || command -v redis-server >/dev/null))
.PHONY: programs

node_modules: package.json
	@(command -v node && command -v npm) >/dev/null || ($(SUDO) apt-get update -qq && $(APT) nodejs npm)
	npm install --silent --no-audit --no-fund --no-package-lock
	@touch $@
