# The daily commands. Each makes the environment first where it is missing.

VENV := .venv
READY := $(VENV)/ready
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)

# The first Python of a version that pyproject.toml allows.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))
find_python = $(shell for p in python3 python3.12 python3.11; do $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)

OVERLAY := stories
JOBS := 1

# The image, by Docker, or by Podman with DOCKER=podman.
DOCKER := docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE := gam:$(VERSION)
TOOLS := $(VENV)/tools
USE_TOOLS := PATH=$(CURDIR)/$(TOOLS)/bin:$(PATH)

.PHONY: quickstart test faults bench check repro grid tables image docker-repro docker-check lock lint-docker sbom audit

quickstart: $(READY)  ## the whole pipeline, small, on the embedded corpus (OVERLAY=wikitext: on real text from a mirror)
	python -m pipeline quickstart --overlay $(OVERLAY)

test: $(READY)        ## all tests
	GOMP_SPINCOUNT=1000 python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder # little spinning: two share the cores

faults: $(READY)      ## kills, full disks, flipped bits and the like, some minutes of them, and what was lost
	python -m tests.acceptance.faults

bench: $(READY)       ## how fast this machine runs the models, beside the published algorithm and its own limit
	python -m benchmarks

check: $(READY)       ## lint and types
	ruff check .
	ruff format --check .
	mypy

repro grid: $(READY)  ## the grid of params.yaml, JOBS trainings at a time; ends nonzero where a run is missing, tables made
	python -m pipeline.check
	python -m pipeline grid --jobs $(JOBS)

tables: $(READY)      ## the tables, the figures and README's opening from the results that are there
	python -m pipeline.check
	dvc repro --single-item --force tables figures
	python -m pipeline readme

image:                ## the environment of the grid on a GPU, as an image
	$(DOCKER) build --file docker/Dockerfile --tag $(IMAGE) --build-arg VERSION=$(VERSION) \
		--build-arg REVISION="$$(git describe --always --dirty --abbrev=40 --exclude '*')" \
		--build-arg SOURCE="$$(git remote get-url origin 2>/dev/null | sed 's#//[^/@]*@#//#')" .

docker-repro:         ## the grid of params.yaml in that image, on all GPUs
	$(DOCKER) run --rm --init --gpus all --user "$$(id -u):$$(id -g)" \
		--volume "$(CURDIR)":/repo --volume gam-cache:/cache $(IMAGE) dvc repro

docker-check: $(READY) $(TOOLS)/ready  ## the Dockerfile, built and run on a stand-in base image, where this machine allows
	docker/check.sh || [ $$? = 77 ]

lock: $(TOOLS)/ready  ## docker/*.lock, after an edit of pyproject.toml, constraints.txt or docker/tools.in
	$(USE_TOOLS) docker/lock.sh 3.12 pipeline,test,mamba docker/requirements.lock docker/requirements-source.lock
	$(USE_TOOLS) uv pip compile --quiet --config-file docker/uv.toml --custom-compile-command "make lock" \
		--universal --python-version 3.11 --only-binary :all: --generate-hashes --no-annotate \
		--output-file docker/tools.lock docker/tools.in >/dev/null

lint-docker: $(TOOLS)/ready
	$(USE_TOOLS) hadolint docker/Dockerfile
	$(USE_TOOLS) shellcheck --severity=warning docker/*.sh

sbom: $(TOOLS)/ready  ## sbom.cdx.json: what the image has from the Python Package Index, as CycloneDX
	cat docker/requirements.lock docker/requirements-source.lock | PYTHONWARNINGS=ignore \
		$(TOOLS)/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml --output-file sbom.cdx.json -

audit: $(TOOLS)/ready ## known vulnerabilities in it; fails too where a package cannot be looked up
	cat docker/requirements.lock docker/requirements-source.lock >$(TOOLS)/all.lock
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --requirement $(TOOLS)/all.lock

$(TOOLS)/ready: docker/tools.lock $(READY)
	python -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --no-deps --require-hashes --requirement docker/tools.lock
	touch $@

$(READY): pyproject.toml constraints.txt
	@test -n "$(find_python)" || { echo "error: Python 3.11 or 3.12 is needed, and none was found: install one" >&2; exit 2; }
	$(find_python) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[pipeline,dev]'
	touch $@
