"""Bodies that are too large, or large and from strangers, are refused before Django reads them."""

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client

from datacatalog.asgi import application

GIB = 1024**3
UPLOAD = "/imports/new/"


def _answer(path: str, headers: dict[str, str], body: list[bytes] | None = None) -> tuple[int, str]:
    """Send a POST and return status and body; without `body` nothing but the headers is ever sent."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50_000),
        "headers": [(b"host", b"localhost"), *((k.encode(), v.encode()) for k, v in headers.items())],
    }

    async def talk() -> tuple[int, str]:
        communicator = ApplicationCommunicator(application, scope)
        for index, chunk in enumerate(body or []):
            more = index + 1 < len(body or [])
            await communicator.send_input({"type": "http.request", "body": chunk, "more_body": more})
        start: dict[str, Any] = await communicator.receive_output(timeout=10)
        text = b""
        while True:
            part = await communicator.receive_output(timeout=10)
            text += part.get("body", b"")
            if not part.get("more_body"):
                return start["status"], text.decode()

    return asyncio.run(talk())


def test_three_gigabytes_are_refused_by_their_announcement_alone(db: None) -> None:
    status, text = _answer(UPLOAD, {"content-length": str(3 * GIB)})

    assert status == 413
    assert f"limit of {settings.UPLOAD_LIMIT_BYTES // 1024**2 + 1} MiB" in text


@pytest.mark.parametrize("path", ["/login/", "/exports/new/", "/api/v1/nautilus/data/export"])
def test_elsewhere_the_limit_is_small(db: None, path: str) -> None:
    status, _ = _answer(path, {"content-length": str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})

    assert status == 413


def test_the_api_answers_with_problem_details(db: None) -> None:
    status, text = _answer("/api/v1/nautilus/data/import", {"content-length": str(3 * GIB)})

    assert status == 413
    assert json.loads(text)["status"] == 413


def test_an_unannounced_body_is_counted(db: None) -> None:
    chunk = b"x" * 1024**2
    status, _ = _answer("/login/", {"transfer-encoding": "chunked"}, [chunk] * 6)

    assert status == 413


@pytest.mark.django_db(transaction=True)
def test_a_stranger_may_not_upload() -> None:
    assert _answer(UPLOAD, {"content-length": str(GIB)})[0] == 401
    assert _answer(UPLOAD, {"content-length": str(GIB), "authorization": "Bearer nonsense"})[0] == 401
    assert _answer(UPLOAD, {"transfer-encoding": "chunked"})[0] == 401


@pytest.mark.django_db(transaction=True)
def test_a_user_who_is_logged_in_is_let_through_to_django(analyst_client: Client) -> None:
    session = analyst_client.cookies[settings.SESSION_COOKIE_NAME].value
    headers = {"cookie": f"{settings.SESSION_COOKIE_NAME}={session}", "content-type": "text/plain"}

    status, _ = _answer(UPLOAD, {**headers, "content-length": str(6 * 1024**2)}, [b"x" * 1024**2] * 6)

    assert status == 403  # Django's CSRF check: the body limit let it pass
