"""Refuse request bodies that are too large, or from strangers, before they reach the disk.

Django's ASGI handler spools a whole body to disk before any view or middleware runs. This
wrapper stands in front of it: by `Content-Length` where there is one, by counting otherwise.
Large bodies are taken only at the upload addresses and only from users who are logged in or
present a valid token.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from channels.auth import get_user
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.http import parse_cookie

from catalog_app.services.tokens import verify

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[Mapping[str, Any]]]
type Send = Callable[[Mapping[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# A multipart envelope and form fields around the file.
ENVELOPE_BYTES = 1024**2


class BodyLimit:
    """ASGI middleware for HTTP requests."""

    def __init__(self, inner: Application, *, small: int, large: int, upload_paths: tuple[str, ...]) -> None:
        """Limit bodies to `small` bytes, at `upload_paths` to `large` bytes."""
        self.inner, self.small, self.large, self.upload_paths = inner, small, large + ENVELOPE_BYTES, upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 (too large) or 401 (a large body from a stranger)."""
        length = _content_length(scope)
        is_upload = scope["path"] in self.upload_paths
        limit = self.large if is_upload else self.small
        if length is not None and length > limit:
            await _refuse(scope, send, 413, _too_large(limit))
            return
        if is_upload and (length is None or length > self.small) and not await _is_known(scope):
            await _refuse(scope, send, 401, "Log in before you upload a file.")
            return
        await self._counted(scope, receive, send, limit)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        received = 0

        async def counting_receive() -> Mapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _TooLargeError
            return message

        try:
            await self.inner(scope, counting_receive, send)
        except _TooLargeError:
            await _refuse(scope, send, 413, _too_large(limit))


class _TooLargeError(Exception):
    """More was sent than announced or allowed."""


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0 if scope["method"] in {"GET", "HEAD"} else None


async def _is_known(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == "bearer":
        return await sync_to_async(verify)(token) is not None
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    session = SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    user = await get_user({**scope, "session": session})
    return bool(user.is_authenticated and user.is_active)


def _too_large(limit: int) -> str:
    return f"The request is over the limit of {limit // 1024**2} MiB. Split or compress the file."


async def _refuse(scope: Scope, send: Send, status: int, detail: str) -> None:
    is_api = scope["path"].startswith("/api/")
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail}) if is_api else detail
    content_type = b"application/problem+json" if is_api else b"text/plain; charset=utf-8"
    headers = [(b"content-type", content_type), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body.encode()})
