# The daily commands. Each makes the environment first where it is missing.

VENV := .venv
READY := $(VENV)/ready
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)

# The machine's own Python where pyproject.toml allows its version, or else the newest that it allows.
PYTHONS := 3.14 3.13 3.12 3.11
ALLOWED := import sys; sys.exit("%d.%d" % sys.version_info[:2] not in "$(PYTHONS)".split())
find_python = $(shell for python in python3 $(PYTHONS:%=python%); do \
	$$python -c '$(ALLOWED)' 2>/dev/null && echo $$python && break; done)

OVERLAY := stories
EXPECTED := pipeline/commands/overlays/stories
JOBS := 1
LAUNCHER := local
LIMIT := 570
DRY :=
TRACKER :=
CUDA := 13.0

# The image, by Docker, or by Podman with DOCKER=podman.
DOCKER := docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE := gam:$(VERSION)
TOOLS := $(VENV)/tools
USE_TOOLS := PATH=$(CURDIR)/$(TOOLS)/bin:$(PATH)

# For drivers older than 580: torch's wheels for CUDA 12.6, by a lock of their own (make lock-cu126).
IMAGE_ARGS_12.6 := --build-arg LOCK=requirements-cu126.lock \
	--build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu126 \
	--build-arg BUILD_IMAGE=docker.io/nvidia/cuda:12.6.3-devel-ubuntu24.04 \
	--build-arg RUN_IMAGE=docker.io/nvidia/cuda:12.6.3-base-ubuntu24.04

.PHONY: help quickstart test faults cluster-check bench check repro grid gpu tables report watch verify expected doctor
.PHONY: image docker-repro docker-check lock lock-cu126 lint-docker crate sbom audit

help:                 ## what make can be told to do: this list
	@awk -F ':.*## ' '/^[a-z].*:.*## / { gsub(/ /, ", ", $$1); printf "%-14s%s\n", $$1, $$2 }' Makefile

quickstart: $(READY)  ## the whole pipeline, small, on a text that it makes itself (OVERLAY=wikitext: on WikiText-2)
	python -m pipeline quickstart --overlay $(OVERLAY)

# One process more than the two cores that all is made for: many tests wait, for a lock, a browser or other processes.
# Waiting threads spin little, since the processes share the cores.
test: $(READY)        ## all tests
	GOMP_SPINCOUNT=1000 python -m pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder

faults: $(READY)      ## kills, full disks and flipped bits in small runs, and what was lost: some minutes
	python -m tests.acceptance.faults

cluster-check: $(READY) ## the grid on a Slurm of two nodes that it starts here, in which things are killed: some minutes
	python -m tests.acceptance.cluster

bench: $(READY)       ## how fast this machine runs the models: some twenty-five minutes
	python -m benchmarks

check: $(READY)       ## lint and types
	ruff check .
	ruff format --check .
	mypy

repro grid: $(READY)  ## every run of params.yaml that is missing, and the tables (JOBS=2: two at a time; LAUNCHER=slurm: on a cluster)
	python -m pipeline.check
	python -m pipeline grid --jobs $(JOBS) --launcher $(LAUNCHER)

gpu: $(READY)         ## all that only a GPU can tell, in LIMIT seconds; again: the rest (DRY=1: on the CPU, tiny)
	python -m pipeline gpu --limit $(LIMIT) $(if $(DRY),--dry)

report: $(READY)      ## report/index.html: answers, tables, figures and where each number comes from, in one file
	python -m pipeline report

watch: $(READY)       ## the trainings that run now (TRACKER=tensorboard, dvclive, wandb or trackio: all runs in there, too)
	python -m pipeline watch $(if $(TRACKER),--tracker $(TRACKER))

verify: $(READY)      ## one recorded run of the small family, drawn by lot, trained again: does it come back?
	python -m pipeline verify

expected: quickstart  ## what `reproduce.sh --quick` expects, anew: after a change that is meant to change the quickstart
	rm -rf $(EXPECTED)
	mkdir -p $(EXPECTED)/results $(EXPECTED)/paper_tables
	cp -r .quickstart/stories/results/curves $(EXPECTED)/results/
	cp .quickstart/stories/paper_tables/summary.json $(EXPECTED)/paper_tables/

doctor:               ## what this machine lacks, one line each, with what to do about it
	@$(or $(find_python),python3) pipeline/commands/doctor.py

tables: $(READY)      ## the tables, the figures and README's opening, from the results that are there
	python -m pipeline.check
	dvc repro --single-item --force tables figures
	python -m pipeline readme

image:                ## builds the container image, for a GPU (DOCKER=podman: by Podman; CUDA=12.6: for older drivers)
	$(DOCKER) build --file docker/Dockerfile --tag $(IMAGE) --build-arg VERSION=$(VERSION) $(IMAGE_ARGS_$(CUDA)) \
		--build-arg REVISION="$$(git describe --always --dirty --abbrev=40 --exclude '*')" \
		--build-arg SOURCE="$$(git remote get-url origin 2>/dev/null | sed 's#//[^/@]*@#//#')" .

docker-repro:         ## every run of params.yaml that is missing, in that image (JOBS=8: eight at a time, a GPU each)
	$(DOCKER) run --rm --init --gpus all --user "$$(id -u):$$(id -g)" \
		--volume "$(CURDIR)":/repo --volume gam-cache:/cache $(IMAGE) \
		python -m pipeline grid --jobs $(JOBS)

docker-check: $(READY) $(TOOLS)/ready ## builds the image without CUDA and tries it, where this machine can
	docker/check.sh || [ $$? = 77 ]

lock: $(TOOLS)/ready  ## docker/*.lock anew, after an edit of pyproject.toml, constraints.txt or docker/tools.in
	$(USE_TOOLS) docker/lock.sh 3.12 pipeline,test,mamba docker/requirements.lock docker/requirements-source.lock
	$(USE_TOOLS) uv pip compile --quiet --config-file docker/uv.toml --custom-compile-command "make lock" \
		--universal --python-version 3.11 --only-binary :all: --generate-hashes --no-annotate \
		--output-file docker/tools.lock docker/tools.in >/dev/null

lock-cu126: $(TOOLS)/ready ## docker/requirements-cu126.lock, for `make image CUDA=12.6`
	$(USE_TOOLS) docker/lock.sh 3.12 pipeline,test,mamba docker/requirements-cu126.lock /dev/null cu126

lint-docker: $(TOOLS)/ready ## lint of the Dockerfile and of the shell scripts
	$(USE_TOOLS) hadolint docker/Dockerfile
	$(USE_TOOLS) shellcheck --severity=warning docker/*.sh reproduce.sh

crate: $(TOOLS)/ready ## ro-crate-metadata.json: what this release consists of, for machines, checked by their validator
	python -m pipeline crate
	$(TOOLS)/bin/python tests/acceptance/crate.py \
		"$$(python -c 'import rocrate; print(*rocrate.__path__)')/data/ro-crate.jsonld"

sbom: $(TOOLS)/ready  ## sbom.cdx.json: the Python packages of the image, as CycloneDX
	cat docker/requirements.lock docker/requirements-source.lock | PYTHONWARNINGS=ignore \
		$(TOOLS)/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml --output-file sbom.cdx.json -

audit: $(TOOLS)/ready ## known vulnerabilities in the packages of the image
	cat docker/requirements.lock docker/requirements-source.lock >$(TOOLS)/all.lock
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --requirement $(TOOLS)/all.lock

$(TOOLS)/ready: docker/tools.lock $(READY)
	python -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --no-deps --require-hashes --requirement docker/tools.lock
	touch $@

$(READY): pyproject.toml constraints.txt
	@test -n "$(find_python)" || { \
		echo "error: Python $(lastword $(PYTHONS)) to $(firstword $(PYTHONS)) is needed, none was found: install one" >&2; \
		exit 2; }
	$(find_python) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[pipeline,dev]'
	touch $@
