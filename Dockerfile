# One image for web, workers and set-up; docker-compose.yml says which command each runs.
FROM python:3.11-slim

# The CPU build of torch is a tenth of the CUDA one: --build-arg TORCH_INDEX= with the address of its index.
ARG TORCH_INDEX=

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    KITH_HOME=/data \
    NUMBA_CACHE_DIR=/data/compiled

# A fixed number, so that files in the volume keep their owner when the image is built again.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin kith \
    && install -d -o kith -g kith -m 0700 /data

WORKDIR /app
COPY requirements.txt .
RUN pip install ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.txt

# Owned by root: the program cannot change its own code.
COPY . .
RUN python -m compileall -q .

USER kith
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", \
     "--workers=2", "--threads=8", "--timeout=120", "--graceful-timeout=10", \
     "--no-control-socket", "--worker-tmp-dir=/dev/shm"]
