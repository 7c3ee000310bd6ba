# `make image` builds it, from the wheel that `make dist` has made and checked, with the versions that were tested.
FROM python:3.13-slim-bookworm AS build
COPY constraints/dev.txt dist/tap_instantly-*.whl /build/
RUN python -m venv --without-pip /opt/tap \
    && pip --python /opt/tap/bin/python install --no-cache-dir --constraint /build/dev.txt /build/*.whl

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.source="https://github.com/tap-instantly/tap-instantly" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tap /opt/tap
# A number, so that Kubernetes can see that it is not root; whose it is matters to nobody, as nothing is written.
USER 10001:10001
WORKDIR /data
ENTRYPOINT ["/opt/tap/bin/tap-instantly"]
CMD ["--help"]
