"""How large a request's body may be, and from whom it is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.http import parse_cookie
from django.utils.crypto import constant_time_compare

UPLOAD_PATHS = frozenset({"/imports/new/", "/api/v1/nautilus/data/import"})
# A multipart envelope and form fields around the file.
ENVELOPE_BYTES = 1024**2


def limit_for(path: str) -> int:
    """Return the largest body, in bytes, that is taken at a path."""
    return settings.UPLOAD_LIMIT_BYTES + ENVELOPE_BYTES if path in UPLOAD_PATHS else small_limit()


def small_limit() -> int:
    """Return the size, in bytes, up to which a body is taken from anybody, everywhere."""
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0


def is_known(headers: Mapping[str, str]) -> bool:
    """Whether a valid token or an active user's session stands behind lower-case headers.

    Reads the database; call it outside of the event loop.
    """
    from catalog_app.services.tokens import verify  # needs Django's models, which the server loads after this

    try:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return verify(token) is not None
        return _has_session(parse_cookie(headers.get("cookie", "")))
    finally:
        connections.close_all()


def _has_session(cookies: Mapping[str, str]) -> bool:
    session = SessionStore(cookies.get(settings.SESSION_COOKIE_NAME))
    backend = session.get(BACKEND_SESSION_KEY)
    if not isinstance(backend, str) or backend not in settings.AUTHENTICATION_BACKENDS:
        return False
    user = load_backend(backend).get_user(get_user_model()._meta.pk.to_python(session[SESSION_KEY]))
    return user is not None and constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())


def refusal(path: str, status: int, detail: str) -> bytes:
    """Return a whole HTTP response that refuses a request and closes its connection."""
    is_api = path.startswith("/api/")
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail}) if is_api else detail
    kind = "application/problem+json" if is_api else "text/plain; charset=utf-8"
    reason = {401: "Unauthorized", 413: "Content Too Large"}[status]
    content = body.encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content


def too_large(limit: int) -> str:
    """Return what the sender of too large a body is told."""
    return f"The request is over the limit of {limit // 1024**2} MiB. Split or compress the file."
