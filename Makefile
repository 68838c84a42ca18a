# `make demo` and `make test` do everything on a fresh machine; see docs/installation.md for other systems than Debian.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .venv/bin
SCREEN := -screen 0 1920x1080x24

# Linux without a display gets a virtual one, with Mesa's software OpenGL.
ifeq ($(shell uname -s)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
HEADLESS := yes
X := LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s "$(SCREEN)"
endif

.PHONY: help setup demo test fuzz lint docs pictures clean

help:
	@echo "make demo    set up, open the sample CT, run the detector (without a display: screenshots in demo/)"
	@echo "make test    set up and run the tests (ARGS='-k froc' passes options on to pytest)"
	@echo "make fuzz    read damaged files of every format (MINUTES=20, SEED=0, ONLY=dicom, or REPLAY=.fuzz/...)"
	@echo "make lint    ruff, mypy, the manifest and the import rules"
	@echo "make docs    the pages in docs/ with their reference, into site/"
	@echo "make pictures the pictures of the window in docs/"
	@echo "make setup   only .venv and what a window needs"
	@echo "make clean   remove .venv and everything else that was made here"

setup:
	@scripts/setup.sh

demo: setup
ifdef HEADLESS
	$(X) $(BIN)/lungmtl demo --screenshot demo
	@echo "no display here: the screenshots are in demo/"
else
	$(BIN)/lungmtl demo
endif

# Tests start many processes, each of which would compile what it imports anew where Python is told to keep no bytecode. Two of them
# run side by side: with more than a thread each, the threads of one wait for a core that those of the other hold.
test: setup
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(X) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

MINUTES ?= 5
SEED ?= 0

fuzz: setup
	$(BIN)/python -m tests.fuzz $(if $(REPLAY),--replay $(REPLAY),--minutes $(MINUTES) --seed $(SEED) --only "$(ONLY)")

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/npe2 validate napari-lungmtl
	$(BIN)/python -m pytest -q tests/test_house.py

# No tests or networks are needed to build them, but .venv is at hand.
docs: setup
	[ -x $(BIN)/mkdocs ] || $(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

pictures: setup
	$(X) $(BIN)/python scripts/screenshots.py $(ARGS)

clean:
	rm -rf .venv .fuzz demo site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
