# Everything a newcomer needs: `make demo` and `make test`. Both do all their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPA := .cache/opa
STAMP := $(VENV)/.installed
RUN := PATH="$(CURDIR)/.cache:$$PATH" $(BIN)

.PHONY: demo test soak setup format lint types contracts rego tests bench openapi lock clean

demo: setup
	$(RUN)/python -m demo $(if $(STAY),--stay)

test: setup format lint types contracts rego tests

# The same tests at full counts: thousands of kills, 100,000 damaged rows.
soak: setup opa
	SALLYPORT_SOAK=1 $(RUN)/pytest --timeout 3600 -n 2 --dist loadfile

setup: $(STAMP)

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sallyport needs Python 3.11 or newer; run: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

format: setup
	$(BIN)/ruff format --check --quiet .

lint: setup
	$(BIN)/ruff check --quiet .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports --no-cache

# The pinned OPA server. Where it can't be had, what needs it is skipped aloud; CI fails instead.
.PHONY: opa
opa:
	@bash tools/opa.sh || { status=$$?; [ "$$CI" != true ] && [ $$status -eq 3 ] && echo "WITHOUT OPA: the checks that need it are skipped"; }

rego: setup opa
	@if [ -x $(OPA) ]; then bash tools/rego.sh; fi

# A file's tests stay together, in order, on one of two workers: some build on those before them.
tests: setup opa
	$(RUN)/pytest -n 2 --dist loadfile

bench: setup opa
	$(RUN)/python -m bench

openapi: setup
	$(BIN)/sallyport openapi > openapi/sallyport.json

# Pins every dependency with its hashes, for every platform and Python that we support.
lock:
	$(PYTHON) -m venv .cache/lock && .cache/lock/bin/pip install --quiet uv
	.cache/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet pyproject.toml -o requirements.lock
	.cache/lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .demo
