# `make help` lists what there is. Each environment is installed once, when first needed.
PYTHON ?= python3
# Another environment that is active here must not confuse what runs in ours.
unexport VIRTUAL_ENV
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
CHROMIUM := sh tests/get_debian.sh chromium chromium chromium-browser google-chrome chrome
NBVAL := -q -p coursekit.nbval_figures --nbval --nbval-current-env --nbval-cell-timeout 300 --nbval-sanitize-with src/coursekit/masks.cfg
GRADING := $(addprefix tests/,test_classes.py test_formgrader.py $(addprefix test_grade_,same.py hostile.py resume.py protect.py feedback.py cluster.py postgres.py))
LESSONS := $(addprefix tests/,test_lessons.py test_colab.py)
DEVICE := $(addprefix tests/,test_second_device.py $(addprefix test_device_,helpers.py lessons.py experiments.py))
SITE := $(addprefix tests/,test_site.py test_node.py test_demos.py test_demo_engine.py)
BROWSER := $(addprefix tests/,test_browser.py test_demo_browser.py test_demo_use.py)
UNIT := $(addprefix --ignore=,$(LESSONS) $(DEVICE) tests/test_nbval.py $(GRADING) $(SITE) $(BROWSER))

.PHONY: help book serve lab notebooks test check lint unit lessons device colab grading measure nbval site browser publish pdf zip links workflows lock clean

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

book: .venv/book ## build the site from the committed notebooks (needs no torch)
	@$(BIN)/python -m coursekit.site build

serve: book ## serve the built site on this machine
	@$(BIN)/python -m coursekit.site serve

lab: .venv/lab ## open JupyterLab on the lessons
	$(BIN)/jupyter lab --notebook-dir=notebooks/lessons

notebooks: .venv/lab ## build the notebooks whose sources changed (ALL=1: every one)
	@$(BIN)/coursekit stamp
	@$(BIN)/coursekit build $(if $(ALL),--all)

test: check lessons nbval grading site browser ## the whole gate, set-up included

check: lint unit ## the part of it that takes under two minutes
	@$(BIN)/coursekit check

lint: .venv/dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

unit: .venv/dev
	@$(BIN)/python -m pytest -q $(UNIT)

lessons: .venv/dev
	@$(BIN)/python -m pytest -q $(LESSONS)
	@$(BIN)/python -m pytest -q -m "not slow" $(DEVICE)

device: .venv/dev ## run lessons and tiny experiments on a second device, simulated here; claims must hold there
	@$(BIN)/python -m pytest -q $(DEVICE)

grading: .venv/dev ## grade classes: as nbgrader does, hostile ones, killed and resumed
	@$(CHROMIUM)
	@sh tests/get_debian.sh bubblewrap bwrap
	@sh tests/get_debian.sh postgresql initdb
	@$(BIN)/python -m pytest -q $(GRADING)

colab: .venv/dev ## run each notebook alone, with the versions of Colab's runtimes
	@$(BIN)/python tests/colab_runtime.py

measure: .venv/dev ## measure grading beside stock nbgrader: cost, throughput, memory
	@for what in fixed class cluster memory; do $(BIN)/python tests/bench/measure_grading.py $$what; done

nbval: .venv/dev
	@DEEPCOURSE_DEVICE=cpu $(BIN)/python -m pytest $(NBVAL) notebooks/lessons
	@$(BIN)/python -m pytest -q tests/test_nbval.py

site: .venv/dev
	@$(BIN)/python -m coursekit.site build --all
	@$(BIN)/python -m pytest -q $(SITE)

publish: .venv/dev ## build what is published: site with wheel, zip and PDF in _build/release
	@$(CHROMIUM)
	@$(BIN)/coursekit stamp
	@$(BIN)/python -m coursekit.site build --all
	@rm -rf build _build/release
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir _build/release .
	@$(BIN)/python -m coursekit.pdf
	@$(BIN)/python -m coursekit.site zip
	@cp _build/release/*.whl _build/html/

pdf: book .venv/dev ## make one PDF of the book
	@$(CHROMIUM)
	@$(BIN)/python -m coursekit.pdf

zip: book ## pack the site into one file that opens anywhere, without a network
	@$(BIN)/python -m coursekit.site zip

links: book ## follow the links that lead out of the book (asks other sites)
	@$(BIN)/python -m coursekit.outside

workflows: ## check GitHub's workflows against their schema and with zizmor
	@$(PYTHON) -m venv _build/workflows
	@_build/workflows/bin/python -m pip install --quiet --disable-pip-version-check check-jsonschema zizmor
	@_build/workflows/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@_build/workflows/bin/zizmor --offline --persona pedantic .github/workflows

browser: .venv/dev
	@$(CHROMIUM)
	@$(BIN)/python -m pytest -q $(BROWSER)

lock: .venv/dev ## write the versions installed now to constraints.txt
	@{ head -n 1 constraints.txt; $(BIN)/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools --exclude wheel | sed 's/+cpu//'; } > constraints.part
	@mv constraints.part constraints.txt

clean: ## delete what was built and installed
	rm -rf _build .venv web/node_modules

# One environment, filled as far as needed; the stamps are the files named here.
.venv/book: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("expected Python 3.11 or newer, came %d.%d: name one, as in `make book PYTHON=python3.12`" % v[:2])'
	@echo "Installing what the book needs into .venv (once) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(PIP) --group book
	@$(PIP) --no-deps -e .
	@touch $@

.venv/lab: .venv/book
	@echo "Installing torch and what runs the lessons into .venv (once) …"
	@$(PIP) --group lab -e .
	@touch $@

.venv/dev: .venv/lab
	@echo "Installing what the tests need into .venv (once) …"
	@$(PIP) --group dev
	@touch $@
