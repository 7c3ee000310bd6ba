# Two images from the sources alone, with the versions that were tested. Without --target it is the one with everything
# (docs/image.md); `--target tap` is the tap by itself (docs/kubernetes.md).

FROM python:3.13-slim-trixie AS wheels
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY tools/constraints/ tools/constraints/
RUN python -m venv hatch && hatch/bin/pip install --constraint tools/constraints/dev.txt hatchling hatch-vcs
COPY pyproject.toml README.md LICENSE ./
COPY tools/readme.py tools/
COPY tap_instantly/ tap_instantly/
COPY schemas/ schemas/
COPY target_dlt/pyproject.toml target_dlt/README.md target_dlt/
COPY target_dlt/target_dlt/ target_dlt/target_dlt/
# A build from GitHub's address has no history to take the version from.
ARG VERSION=1.0.dev0
RUN SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION} \
    hatch/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . ./target_dlt

FROM wheels AS build-tap
RUN python -m venv --without-pip /opt/tap \
    && pip --python /opt/tap/bin/python install --constraint tools/constraints/dev.txt wheels/tap_instantly-*.whl

FROM python:3.13-slim-trixie AS tap
LABEL org.opencontainers.image.source="https://github.com/tap-instantly/tap-instantly" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-tap /opt/tap /opt/tap
# A number, so that Kubernetes can see that it is not root; whose it is matters to nobody, as nothing is written.
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["/opt/tap/bin/tap-instantly"]
CMD ["--help"]

# Each program has an environment of its own, since they need different versions of the same packages.
FROM python:3.13-slim-trixie AS build-pipeline
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY tools/constraints/ tools/constraints/
RUN python -m venv --without-pip /opt/target-postgres \
    && pip --python /opt/target-postgres/bin/python install --constraint tools/constraints/target-postgres.txt meltanolabs-target-postgres
RUN python -m venv --without-pip /opt/target-snowflake \
    && pip --python /opt/target-snowflake/bin/python install --constraint tools/constraints/target-snowflake.txt meltanolabs-target-snowflake
RUN python -m venv --without-pip /opt/marts \
    && pip --python /opt/marts/bin/python install --constraint tools/constraints/image.txt \
       dbt-core dbt-duckdb dbt-postgres dbt-snowflake altair "psycopg[binary]" vl-convert-python
# Meltano installs no plugins here, for which alone it needs uv.
RUN python -m venv --without-pip /opt/meltano \
    && pip --python /opt/meltano/bin/python install --constraint tools/constraints/meltano.txt "meltano[postgres]" \
    && pip --python /opt/meltano/bin/python uninstall --yes uv
COPY --from=wheels /build/wheels wheels
RUN python -m venv --without-pip /opt/target-dlt \
    && pip --python /opt/target-dlt/bin/python install --constraint tools/constraints/target-dlt.txt "$(ls wheels/target_dlt-*.whl)[postgres]"
COPY --from=build-tap /opt/tap /opt/tap
COPY meltano.yml /opt/pipeline/
COPY transform/ /opt/pipeline/transform/
COPY report/ /opt/pipeline/report/
COPY orchestrate/image/ /opt/pipeline/orchestrate/image/
# Meltano looks for its plugins so. What is the same in several environments becomes one file.
RUN mkdir -p /opt/plugins/extractors/tap-instantly /opt/plugins/loaders/target-dlt /opt/plugins/loaders/target-postgres \
       /opt/plugins/loaders/target-snowflake /opt/bin \
    && ln -s /opt/tap /opt/plugins/extractors/tap-instantly/venv \
    && for loader in target-dlt target-postgres target-snowflake; do ln -s "/opt/$loader" "/opt/plugins/loaders/$loader/venv"; done \
    && ln -s /opt/*/bin/tap-instantly /opt/*/bin/meltano /opt/*/bin/target-* /opt/*/bin/dbt /opt/bin/ \
    && python -m compileall -q /opt/pipeline \
    && hardlink --quiet --ignore-time /opt

FROM python:3.13-slim-trixie AS pipeline
LABEL org.opencontainers.image.source="https://github.com/tap-instantly/tap-instantly" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build-pipeline /opt /opt
# For whatever user runs it, also in a new volume, which takes over its rights.
RUN mkdir --mode=1777 /data
ENV PATH=/opt/bin:$PATH INSTANTLY_DATA=/data INSTANTLY_PLUGINS=/opt/plugins
USER 10001:10001
WORKDIR /opt/pipeline
ENTRYPOINT ["/opt/marts/bin/python", "-m", "orchestrate.image"]
