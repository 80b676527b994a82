# The gateway's image. Build: docker build --target gateway -t sallyport .
#
# The base image is pinned by tag. To pin it by digest as well, give the digest that you verified:
#   docker build --build-arg PYTHON=python:3.11.14-slim-bookworm@sha256:… --target gateway .
ARG PYTHON=python:3.11.14-slim-bookworm

# 1. The project's own wheel, made with the locked tools.
FROM ${PYTHON} AS wheel
WORKDIR /src
COPY requirements-dev.lock ./
RUN python -m venv /tools \
 && /tools/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: --requirement requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY adapters adapters
RUN /tools/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels .

# 2. The environment: every dependency with its hash, then the wheel, compiled ahead of time.
FROM ${PYTHON} AS environment
COPY requirements.lock /
RUN python -m venv /opt/sallyport \
 && /opt/sallyport/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: --requirement /requirements.lock
COPY --from=wheel /wheels /wheels
RUN /opt/sallyport/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-index --find-links /wheels sallyport \
 && /opt/sallyport/bin/python -m compileall -q /opt/sallyport/lib \
 && /opt/sallyport/bin/pip uninstall --yes --quiet pip setuptools

# 3. What runs (--target gateway): no build tools, no root, nothing written but in /var/lib/sallyport.
FROM ${PYTHON} AS gateway
RUN groupadd --gid 10001 sallyport \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin sallyport \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/sallyport
COPY --from=environment /opt/sallyport /opt/sallyport
COPY policies /usr/share/sallyport/policies
ENV PATH=/opt/sallyport/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SALLYPORT_HOME=/var/lib/sallyport/gateway
USER 10001:10001
WORKDIR /var/lib/sallyport
VOLUME /var/lib/sallyport
EXPOSE 8443
STOPSIGNAL SIGTERM
# Alive is not ready: a gateway whose policy was refused still answers, and says so on /readyz.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8443/livez', timeout=4)"]
ENTRYPOINT ["sallyport"]
CMD ["serve"]

# 4. For deploy/compose.yaml alone: the set-up steps, and mount points that belong to the user, since a
#    new volume takes its owner from them.
FROM gateway AS trial
USER 0:0
COPY --chmod=0555 deploy/init.sh deploy/trial_ca.py /usr/share/sallyport/
RUN install --directory --owner 10001 --group 10001 --mode 0700 \
      /entries /trust /certs /certs/tx /certs/ca /certs/nm /certs/us
USER 10001:10001
