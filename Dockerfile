# The images of Mintworks. Targets: operator, runner; and localnet, for development only.
#
#   docker build --target operator -t mintworks/operator .
#
# BASE is any image with Python 3.11 or newer as `python3`, its venv module and a CA bundle. Behind a
# company's proxy mount your own bundle over /etc/ssl/certs/ca-certificates.crt for the build.
ARG BASE=python:3.11-slim-bookworm

# What builds: uv and the build backend at fixed versions, in a place of their own.
FROM ${BASE} AS builder
ARG UV_VERSION=0.13.9
ARG HATCHLING_VERSION=1.27.0
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/mintworks \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never \
    PATH=/opt/build/bin:$PATH
RUN python3 -m venv /opt/build && \
    pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION} hatchling==${HATCHLING_VERSION}
WORKDIR /source
COPY pyproject.toml uv.lock ./
COPY crds/pyproject.toml crds/
COPY operator/pyproject.toml operator/
COPY jobrunners/pyproject.toml jobrunners/
COPY dev/pyproject.toml dev/
COPY cli/pyproject.toml cli/

# The lock's dependencies, hashes checked: a layer that our own code does not touch.
FROM builder AS operator-dependencies
RUN uv sync --frozen --no-dev --no-install-workspace --package mintworks-operator

FROM builder AS runner-dependencies
RUN uv sync --frozen --no-dev --no-install-workspace --package mintworks-runners

FROM builder AS localnet-dependencies
RUN uv sync --frozen --no-dev --no-install-workspace --package mintworks-dev

# Our own code: wheels, unpacked for the interpreter of the image, without any network.
FROM builder AS code
COPY crds/src crds/src
COPY operator/src operator/src
COPY jobrunners/src jobrunners/src
COPY dev/src dev/src
RUN uv venv --quiet /opt/mintworks && \
    for package in crds operator jobrunners dev; do \
        uv build --quiet --offline --no-build-isolation --python /opt/build/bin/python --wheel --out-dir /wheels/$package $package; \
    done && \
    install="uv pip install --quiet --offline --no-deps --python /opt/mintworks/bin/python" && \
    $install --prefix /code/operator/opt/mintworks /wheels/crds/*.whl /wheels/operator/*.whl && \
    $install --prefix /code/runner/opt/mintworks /wheels/crds/*.whl /wheels/jobrunners/*.whl && \
    $install --prefix /code/localnet/opt/mintworks /wheels/crds/*.whl /wheels/jobrunners/*.whl /wheels/dev/*.whl

# What runs. No user database entry is needed for the id; libraries that ask for a name find USER.
FROM ${BASE} AS runtime
ENV HOME=/tmp \
    PATH=/opt/mintworks/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USER=mintworks
WORKDIR /tmp
USER 65532:65532

FROM runtime AS localnet
COPY --from=localnet-dependencies /opt/mintworks /opt/mintworks
COPY --from=code /code/localnet /
ENTRYPOINT ["python", "-m", "mintworks_dev", "localnet", "run"]

FROM runtime AS runner
COPY --from=runner-dependencies /opt/mintworks /opt/mintworks
COPY --from=code /code/runner /
ENTRYPOINT ["python", "-m", "mintworks_runners"]

FROM runtime AS operator
COPY --from=operator-dependencies /opt/mintworks /opt/mintworks
COPY --from=code /code/operator /
ENTRYPOINT ["python", "-m", "mintworks_operator"]
