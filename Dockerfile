# One image for every process of the desk; docker-compose.yml says which runs what.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 \
    DATACATALOG_HOME=/home/desk/var \
    NAUTILUS_PATH=/nautilus \
    HOST=0.0.0.0 \
    PORT=8000

RUN useradd --create-home --uid 10001 desk \
    && install -d -o desk -g desk /home/desk/var /nautilus /nautilus/catalog

WORKDIR /home/desk/app
COPY requirements.txt .constraints.txt ./
RUN pip install --no-cache-dir uv \
    && uv pip install --system --no-cache --compile-bytecode -r requirements.txt
COPY . .

USER desk
# A key for this step alone, so that none is generated into the image.
RUN SECRET_KEY=only-for-collecting-static-files-in-the-build python manage.py collectstatic --noinput --verbosity 0

VOLUME ["/home/desk/var", "/nautilus"]
EXPOSE 8000
CMD ["sh", "-c", "exec python -m datacatalog.server -v 0 --no-server-name -b ${HOST:-127.0.0.1} -p ${PORT:-8000} datacatalog.asgi:application"]
