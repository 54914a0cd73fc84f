"""Who may call an operation: a session, or a bearer token whose scope allows it; and how often."""

import time
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from ninja.errors import AuthenticationError, AuthorizationError, HttpError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.throttling import BaseThrottle
from ninja.utils import check_csrf

from catalog_app.models import ApiToken
from catalog_app.services.tokens import verify

REQUESTS_PER_MINUTE = 600
WINDOW_SECONDS = 60


class BearerToken(HttpBearer):
    """`Authorization: Bearer dd_…`: the token needs one of the scopes, its user the permission."""

    def __init__(self, scopes: tuple[str, ...], permission: str) -> None:
        super().__init__()
        self.scopes = scopes
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """Return the token and put its user on the request.

        Raises:
            AuthenticationError: unknown, expired or revoked; a session does not make up for it.
            AuthorizationError: lacks scope or permission.

        """
        found = verify(token)
        if found is None:
            raise AuthenticationError(message="The token is unknown, expired or revoked.")
        if not set(self.scopes) & set(found.scopes):
            raise AuthorizationError(message=f"The token needs the scope {' or '.join(self.scopes)}.")
        require(found.user, self.permission)
        request.user = found.user
        return found


class Session(APIKeyCookie):
    """The session of the pages; requests that change something need the CSRF header."""

    param_name = "sessionid"

    def __init__(self, permission: str) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def __call__(self, request: HttpRequest) -> User | None:
        """Return the logged-in user; None when there is none."""
        if not isinstance(request.user, User):
            return None
        if check_csrf(request):
            raise AuthorizationError(message="The CSRF check failed: send the X-CSRFToken header.")
        require(request.user, self.permission)
        return request.user

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """Not used: Django's middleware has looked the session up already."""
        raise NotImplementedError


def access(*scopes: str, permission: str) -> dict[str, Any]:
    """The arguments of an operation that needs one of these scopes, and the permission.

    Use as `@router.get("/path", **access("read", permission="catalog_app.view_dataset"))`.
    """
    return {
        "auth": [BearerToken(scopes, permission), Session(permission)],
        "openapi_extra": {"x-scopes": list(scopes), "x-permission": permission},
    }


def require(user: User, permission: str) -> None:
    """Raise AuthorizationError when the user lacks the permission."""
    if not user.has_perm(permission):
        raise AuthorizationError(message=f"{user.username} lacks the permission {permission}.")


def caller(request: HttpRequest) -> User:
    """The user behind an authenticated request."""
    if not isinstance(request.user, User):
        raise AuthenticationError
    return request.user


def idempotency_key(request: HttpRequest) -> str | None:
    """The Idempotency-Key header; HttpError 422 when it is longer than 150 characters."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > 150:
        raise HttpError(422, "The Idempotency-Key is longer than 150 characters.")
    return f"api:{key}" if key else None


class PerCallerThrottle(BaseThrottle):
    """So many requests a minute per token or user, counted by each web process."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Count the request; False when the caller had enough in this minute."""
        auth = getattr(request, "auth", None)
        key = f"api-requests:{type(auth).__name__}:{getattr(auth, 'pk', '')}:{int(time.time() // WINDOW_SECONDS)}"
        cache.add(key, 0, 2 * WINDOW_SECONDS)
        return bool(cache.incr(key) <= REQUESTS_PER_MINUTE)

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS
