"""Bodies that are too large, or large and from strangers, are refused by their headers; others stay out of memory."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from catalog_app.models import Store, Upload
from catalog_app.services.tokens import create_token
from catalog_app.tests.jobs.processes import database_url
from tests.running import free_port, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

MIB, GIB = 1024**2, 1024**3
UPLOAD = "/imports/new/"
API_UPLOAD = "/api/v1/nautilus/data/import"


@dataclass
class Server:
    """The web process, on the tests' database."""

    port: int
    process: subprocess.Popen

    def refused(self, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
        """Send the head of a POST, and `body` if any; return status and body of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **headers}.items())
            connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read().decode()

    def memory_bytes(self) -> int:
        """Most memory that the process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.fixture
def server(transactional_db: None) -> Iterator[Server]:
    port = free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.served_settings",
        "DATACATALOG_HOME": str(settings.DATACATALOG_HOME),
        "DATABASE_URL": database_url(),
        "ENV_FILE": "",
    }
    command = [sys.executable, "-m", "datacatalog.server", "-v", "0", "-p", str(port), "datacatalog.asgi:application"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        wait_for(lambda: _answers(port), 60, "the start of the server")
        yield Server(port, process)
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def cookie(analyst_client: Client) -> dict[str, str]:
    session = analyst_client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}


def test_large_bodies_are_refused_by_their_headers(server: Server, cookie: dict[str, str], analyst: User) -> None:
    status, text = server.refused(UPLOAD, {"Content-Length": str(3 * GIB), **cookie})
    assert status == 413
    assert f"limit of {settings.UPLOAD_LIMIT_BYTES // MIB + 1} MiB" in text

    status, text = server.refused(API_UPLOAD, {"Content-Length": str(3 * GIB)})
    assert (status, json.loads(text)["status"]) == (413, 413)

    for path in ("/login/", "/exports/new/", "/api/v1/nautilus/data/export", "/imports/new", "/nowhere"):
        status, _ = server.refused(path, {"Content-Length": str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), **cookie})
        assert status == 413, path

    # Asked first, as curl does: the body is never called for.
    status, _ = server.refused(UPLOAD, {"Content-Length": str(3 * GIB), "Expect": "100-continue", **cookie})
    assert status == 413

    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    status, _ = server.refused("/login/", {"Transfer-Encoding": "chunked"}, chunk * 6)
    assert status == 413


def test_strangers_may_not_upload(server: Server, cookie: dict[str, str], analyst: User) -> None:
    for stranger in (
        {},
        {"Cookie": f"{settings.SESSION_COOKIE_NAME}=nonsense"},
        {"Authorization": "Bearer nonsense"},
    ):
        assert server.refused(UPLOAD, {"Content-Length": str(GIB), **stranger})[0] == 401
        assert server.refused(UPLOAD, {"Transfer-Encoding": "chunked", **stranger})[0] == 401

    secret = create_token(analyst, "upload", ["import"], days=1).secret
    body = b"x" * (6 * MIB)
    bearer = {"Authorization": f"Bearer {secret}", "Content-Length": str(len(body)), "Content-Type": "text/plain"}
    assert server.refused(API_UPLOAD, bearer, body)[0] == 422  # Django read it and found no file

    analyst.is_active = False
    analyst.save()
    assert server.refused(UPLOAD, {"Content-Length": str(GIB), **cookie})[0] == 401


def test_a_large_upload_stays_out_of_memory(server: Server, analyst: User, tmp_path: Path) -> None:
    Store.objects.create(name="desk", root=str(tmp_path))
    secret = create_token(analyst, "upload", ["import"], days=1).secret
    before = server.memory_bytes()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="bars.csv"\r\n\r\n'
    size = 300 * MIB
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", API_UPLOAD)
    connection.putheader("Authorization", f"Bearer {secret}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    tail = b"\r\n--b--\r\n"
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders()
    connection.send(head)
    for _ in range(300):
        connection.send(b"\0" * MIB)
    connection.send(tail)
    answer = connection.getresponse()

    detail = json.loads(answer.read())["detail"]
    assert answer.status == 422
    assert "bars.csv" in detail
    assert Upload.objects.get().size_bytes == size
    assert server.memory_bytes() - before < 150 * MIB
    deadline = time.monotonic() + 20
    while list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*")) == []
