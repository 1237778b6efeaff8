# The daily commands. Each makes the environment first where it is missing.

VENV := .venv
READY := $(VENV)/ready
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)

# The first Python of a version that pyproject.toml allows.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
find_python = $(shell for p in python3 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)

OVERLAY := stories

.PHONY: quickstart test faults check repro tables

quickstart: $(READY)  ## the whole pipeline, small, on the embedded corpus (OVERLAY=wikitext: on real text from a mirror)
	python -m pipeline.quickstart --overlay $(OVERLAY)

test: $(READY)        ## all tests
	python -m pytest --numprocesses=2 --dist=loadfile

faults: $(READY)      ## kills, full disks, flipped bits and the like, some minutes of them, and what was lost
	python -m tests.faults

check: $(READY)       ## lint and types
	ruff check .
	ruff format --check .
	mypy

repro: $(READY)       ## the grid of params.yaml; ends nonzero where a run is missing, with all tables made
	python -m pipeline.check
	dvc repro --keep-going; status=$$?; dvc repro --single-item tables figures && exit $$status

tables: $(READY)      ## the tables and figures from the results that are there
	python -m pipeline.check
	dvc repro --single-item --force tables figures

$(READY): pyproject.toml constraints.txt
	@test -n "$(find_python)" || { echo "error: Python 3.11 or 3.12 is needed, and none was found: install one" >&2; exit 2; }
	$(find_python) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[pipeline,dev]'
	touch $@
