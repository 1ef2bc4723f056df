# The program alone; the newsroom's folder, its keys and all passwords come from outside
# (compose.yaml, docs/operations.md).
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE config.toml ./
COPY mailer ./mailer
COPY templates ./templates
COPY lists ./lists
COPY releases ./releases
RUN python -m venv /opt/mailer && /opt/mailer/bin/pip install --no-cache-dir .

FROM python:3.12-slim
# socat is the door to the desk, which answers on loopback only; the fonts have the letters that
# PDFs of releases need and Typst's own lack (`mailer doctor` looks for them).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends socat fonts-noto-core fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
# Whoever owns the newsroom's folder outside; new spool volumes take owner and mode from here.
ARG MAILER_UID=1000
RUN useradd --uid "${MAILER_UID}" --no-create-home mailer \
    && install --directory --owner=mailer --mode=0755 /srv/newsroom \
    && install --directory --owner=mailer --mode=0700 /srv/newsroom/spool
COPY --from=build /opt/mailer /opt/mailer
ENV PATH=/opt/mailer/bin:$PATH HOME=/tmp MAILER_CONFIG=/srv/newsroom/config.toml
USER mailer
WORKDIR /srv/newsroom
STOPSIGNAL SIGTERM
ENTRYPOINT ["mailer"]
