# make run    install what is missing and open the workbench
# make test   the whole check: style, import rules, types, tests
# Variables: PYTHON (interpreter for a new .venv), TORCH_INDEX (package index for another build of PyTorch),
# PYTEST_ARGS, WORKBENCH_DATA (folder of local data sets).

BIN := .venv/bin
SOURCES := engines workbench tests
PYTEST_ARGS ?= -q --numprocesses logical --maxprocesses 4 --dist loadfile
NEW_WEIGHTS := build/weights

# Data sets beside the checkout are used when nothing else is named.
ifndef WORKBENCH_DATA
ifneq ($(wildcard ../shared/data/README.md),)
export WORKBENCH_DATA := $(abspath ../shared/data)
endif
endif
export PYTHON TORCH_INDEX

.DEFAULT_GOAL := help
.PHONY: help run tour test lint format types check-tests weights weights-vision clean

help:
	@echo "make run      install what is missing and open the workbench (without a display: screenshots)"
	@echo "make test     the whole check: ruff, import rules, mypy, pytest"
	@echo "make lint | types | check-tests    its parts;   make format    rewrite the style"
	@echo "make tour     drive every panel's demonstration and leave pictures in screenshots/"
	@echo "make weights  train the shipped weights again (hours);   make weights-vision    those on images"
	@echo "make clean    remove caches and built files; the environment in .venv stays"

# The window needs the base dependencies only; the rest is for those who change the code.
.venv/base.stamp: pyproject.toml packaging/make-env.sh
	@packaging/make-env.sh
	@touch $@

.venv/dev.stamp: pyproject.toml packaging/make-env.sh
	@packaging/make-env.sh dev,cluster,peers
	@touch .venv/base.stamp $@

run: .venv/base.stamp
	@if [ "$$(uname -s)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY$$QT_QPA_PLATFORM" ]; then \
	    echo "There is no display here, so the workbench draws itself offscreen (make tour)."; \
	    $(MAKE) --no-print-directory tour; \
	else \
	    exec $(BIN)/paper-workbench; \
	fi

tour: .venv/base.stamp
	@QT_QPA_PLATFORM=$${QT_QPA_PLATFORM:-offscreen} $(BIN)/paper-workbench tour --out screenshots
	@echo "Screenshots are in $(CURDIR)/screenshots"

test: lint types check-tests

lint: .venv/dev.stamp
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports

types: .venv/dev.stamp
	$(BIN)/mypy engines workbench

check-tests: .venv/dev.stamp
	QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

format: .venv/dev.stamp
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

weights: .venv/base.stamp
	$(BIN)/paper-workbench run hex.train --preset ship --set save_as=$(NEW_WEIGHTS)/hex.safetensors
	$(BIN)/paper-workbench run hex.train --preset ship-finish --set start_from=$(NEW_WEIGHTS)/hex.safetensors \
	    --set twin_from=$(NEW_WEIGHTS)/hex-twin.safetensors --set save_as=$(NEW_WEIGHTS)/hex-finished.safetensors

# Trains what resources/weights lacks; to train one again: vision.ship --set names=NAME --set redo=true
weights-vision: .venv/base.stamp
	$(BIN)/paper-workbench run vision.ship

clean:
	rm -rf build dist screenshots *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find engines workbench tests resources -name __pycache__ -type d -prune -exec rm -rf {} +
