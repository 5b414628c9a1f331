# One image for web, worker, beat and the migrate step; the command makes the difference.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements/production.txt /tmp/production.txt
RUN pip install --require-hashes --only-binary :all: -r /tmp/production.txt
WORKDIR /app
COPY . .
# collectstatic reads the settings and connects to nothing; these values stay in this one step.
RUN python -m config.messages compile \
 && BASE_URL=https://build.example EMAIL_URL=smtp://none \
    SECRET_KEY=build TOKEN_KEYS=build DATABASE_URL=postgresql:///none REDIS_URL=redis://none \
    python manage.py collectstatic --no-input --verbosity 0 \
 && python -m compileall -q /app

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tokenwacht
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001
EXPOSE 8000
# The heartbeat files of gunicorn's workers belong into memory; its control socket is not used.
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--threads=8", \
     "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
