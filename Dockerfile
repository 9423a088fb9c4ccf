# A server for .onnx voices, without torch: `docker compose up --build`, or
#   docker build -t parlance . && docker run --read-only -p 127.0.0.1:8080:8080 -v ./voice:/voices:ro parlance
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /parlance

COPY serving/container.lock serving/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r serving/container.lock \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin parlance

COPY pyproject.toml infer.py ./
COPY configs configs
COPY text text
COPY data data
COPY models models
COPY voices voices
COPY speaking speaking
COPY serving serving

USER 10001
EXPOSE 8080 10200
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
ENTRYPOINT ["python", "-m", "serving"]
CMD ["/voices", "--host", "0.0.0.0", "--wyoming-port", "10200"]
