# One command each: `make run` to use Kith, `make test` to test it. Both set everything up first.

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# A machine without a GPU can take a smaller build of PyTorch: the address of its index for CPUs.
TORCH_INDEX ?=

.PHONY: run test check bench fuzz setup dev format vendor messages screenshots crash-points recovery soak store-faults \
	load mutation three-users sign-ins

run: setup
	$(VENV)/bin/python manage.py up

setup: $(VENV)/installed

dev: $(VENV)/installed-dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@echo "Installing what Kith needs. The first time this takes some minutes."
	$(PIP) install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(PIP) install -r requirements-dev.txt
	touch $@

# Three processes share the files, for one of them always waits for something; then the browser, which wants the machine
# for itself.
test: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m pytest --ignore tests/e2e -n 3 --dist loadfile --no-loadscope-reorder --durations 20
	$(VENV)/bin/python -m pytest tests/e2e --maxfail 10 --durations 10

check: dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/bandit --quiet -lll --recursive accounts config ml people photos tools manage.py
	$(VENV)/bin/djade --check $$(git ls-files 'templates/*.html')
	$(VENV)/bin/python manage.py makemigrations --check --dry-run

format: dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .
	-$(VENV)/bin/djade $$(git ls-files 'templates/*.html')

# FOLDER: photos to measure with.
FOLDER ?= var/test/portraits

bench: dev
	$(VENV)/bin/python -m tests.prepare
	KITH_MODELS=$(CURDIR)/var/test/models $(VENV)/bin/python manage.py bench $(FOLDER) $(if $(JSON),--json $(JSON))

# A running Kith is killed at each named step (docs/reliability/faults.md).
crash-points: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.crash_points $(STEPS) $(if $(JSON),--json $(JSON))

# How soon it works again after all that can happen to a worker.
recovery: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.recovery $(if $(JSON),--json $(JSON))

# PostgreSQL, Valkey and the disk are killed, frozen, emptied and filled while clients send photos.
store-faults: dev
	$(VENV)/bin/python -m tools.store_faults $(if $(JSON),--json $(JSON))

# It is hurt at random for MINUTES while clients send photos.
SEED ?= 1

soak: MINUTES ?= 20
soak: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.soak --seed $(SEED) --minutes $(MINUTES) $(if $(JSON),--json $(JSON))

# Changes one thing of a module at a time: does a test notice? HALF=mend for the half by which tests are written.
mutation: MINUTES ?= 20
mutation: HALF ?= measure
mutation: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.mutation --half $(HALF) --minutes $(MINUTES) $(if $(JSON),--json $(JSON))

# Three users at random, each act in a process that may be killed.
three-users: STEPS ?= 2000
three-users: dev
	$(VENV)/bin/python -m tools.three_users --steps $(STEPS) --seed $(SEED) $(if $(JSON),--json $(JSON))

# A thousand sign-ins, 20 at a time and all at once: how much memory they take.
sign-ins: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.sign_ins $(if $(JSON),--json $(JSON))

# PART: load (fifty people beside busy workers), ingest (a thousand photos of 3 MB) or endurance (hours).
PART ?= load

load: MINUTES ?= 15
load: dev var/locust
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.load $(PART) --minutes $(MINUTES) $(if $(JSON),--json $(JSON))

var/locust:
	python3 -m venv $@
	$@/bin/pip --disable-pip-version-check --quiet install locust==2.47.0

# Bad and odd files, and mutations of sound ones for so many minutes, through the process that decodes pictures.
fuzz: MINUTES ?= 10
fuzz: dev
	$(VENV)/bin/python -m tools.fuzz --minutes $(MINUTES) $(if $(JSON),--json $(JSON))

# Collects the texts of the interface into locale/ and compiles their translations.
messages: dev
	$(VENV)/bin/python -m tools.messages

# The pictures of the README, of a fresh Kith with the portraits of the tests.
screenshots: dev
	$(VENV)/bin/python -m tests.prepare
	$(VENV)/bin/python -m tools.screenshots

vendor:
	tools/vendor/refresh.sh
