# `make train` and `make test` work on a fresh machine with Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: train test test-zoo fuzz check pictures clean

# The README's front door: learn handwritten digits with LeNet-5.
train: $(VENV)/.installed
	$(BIN)/cnnspec train specs/lenet5.yaml

# Else each of the processes that tests start would compile all of cnnspec anew.
test: export PYTHONDONTWRITEBYTECODE =
test: check
	$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

# All networks of specs/ beside torchvision's, the large ones too: some minutes, and 6 GB of memory.
test-zoo: $(VENV)/.installed-dev
	$(BIN)/pytest -m 'zoo or not zoo' tests/zoo

# The tests on random and on damaged specs, fifty times as many: an hour or so.
fuzz: $(VENV)/.installed-dev
	CNNSPEC_EXAMPLES=50000 $(BIN)/pytest tests/test_random_specs.py tests/test_relations.py tests/test_mutations.py

# The pictures of the README; that of a report is a browser's.
pictures: $(VENV)/.installed-dev
	$(BIN)/cnnspec draw specs/lenet5.yaml --style volumes -o docs/pictures/lenet5.svg
	$(BIN)/cnnspec draw specs/resnet.yaml@resnet50 -o docs/pictures/resnet50.svg
	$(BIN)/cnnspec apply specs/edges.yaml@vertical examples/house.png -o docs/pictures/edges-vertical.png
	$(BIN)/cnnspec apply specs/edges.yaml@horizontal examples/house.png -o docs/pictures/edges-horizontal.png
	$(BIN)/cnnspec apply specs/edges.yaml examples/house.png -o docs/pictures/edges.png

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("cnnspec needs Python 3.11 or newer; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[sample]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build dist
