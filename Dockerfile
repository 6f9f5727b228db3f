# docker build --target mock .        the mock: small, no root, healthy when it answers
# docker build --target judge .       aios-conformance, to judge any URL
# docker build --target reference .   real models on a CPU; they are fetched at the first start
FROM python:3.12-slim AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 aios
WORKDIR /home/aios

FROM base AS wheel
COPY . /src
RUN pip wheel --no-deps --wheel-dir /wheels /src

FROM base AS judge
RUN --mount=from=wheel,source=/wheels,target=/wheels pip install /wheels/*.whl
USER aios
ENTRYPOINT ["aios-conformance"]
CMD ["--help"]

# the mock alone, without the judge's libraries
FROM base AS mock
RUN --mount=from=wheel,source=/wheels,target=/wheels \
    pip install --no-compile aiohttp argcomplete cachetools google-re2 jmespath jsonschema-rs msgspec \
    multidict orjson platformdirs prometheus-client pyyaml referencing uvloop yarl \
    && pip install --no-compile --no-deps /wheels/*.whl
USER aios
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"]
ENTRYPOINT ["aios-mock", "--host", "0.0.0.0", "--port", "8000"]
CMD []

FROM base AS reference
RUN pip install --index-url https://download.pytorch.org/whl/cpu 'torch>=2.13'
RUN --mount=from=wheel,source=/wheels,target=/wheels \
    pip install "$(echo /wheels/*.whl)[reference]"
USER aios
ENV AIOS_CACHE_DIR=/home/aios/models
RUN mkdir /home/aios/models
VOLUME /home/aios/models
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=300s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8001/health')"]
ENTRYPOINT ["aios-reference", "--host", "0.0.0.0", "--port", "8001"]
CMD []
