"""API tokens: made, checked, taken back. Only their SHA-256 is kept."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from catalog_app.models import ApiToken
from catalog_app.services.errors import Conflict, ServiceError

PREFIX = "dd_"
MAX_DAYS = 366
USED_EVERY = timedelta(minutes=1)

# What a user must be allowed to do before a token of theirs may carry the scope.
SCOPE_PERMISSIONS = {
    ApiToken.Scope.READ: "catalog_app.view_dataset",
    ApiToken.Scope.EXPORT: "catalog_app.add_export",
    ApiToken.Scope.IMPORT: "catalog_app.add_import",
    ApiToken.Scope.ADMIN: "catalog_app.sync_store",
}


class TokenRefused(ServiceError):
    """The token cannot be made as asked."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token right after it was made: `secret` is shown once and kept nowhere."""

    token: ApiToken
    secret: str


def allowed_scopes(user: User) -> list[ApiToken.Scope]:
    """The scopes that a user's tokens may carry."""
    scopes = [scope for scope, permission in SCOPE_PERMISSIONS.items() if user.has_perm(permission)]
    if user.has_module_perms("feeds_app"):
        scopes.append(ApiToken.Scope.FEEDS)
    return [scope for scope in ApiToken.Scope if scope in scopes]


def create_token(user: User, name: str, scopes: Collection[str], days: int) -> NewToken:
    """Make a token that is valid for `days` (1 to 366).

    Raises:
        TokenRefused: a scope that the user may not give, no scope or name, or a wrong lifetime.
        Conflict: the user has a token of that name.

    """
    name = name.strip()
    if not name or not scopes:
        raise TokenRefused("A token needs a name and at least one scope.")
    if not 1 <= days <= MAX_DAYS:
        raise TokenRefused(f"A token is valid for 1 to {MAX_DAYS} days; {days} is outside.")
    allowed = allowed_scopes(user)
    if refused := sorted(set(scopes) - set(allowed)):
        raise TokenRefused(
            f"{user.username} may not give the scope {', '.join(refused)}; allowed: {', '.join(allowed)}."
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            token = ApiToken.objects.create(
                user=user,
                name=name[:100],
                prefix=secret[:9],
                digest=_digest(secret),
                scopes=[scope for scope in allowed if scope in scopes],
                expires_at=timezone.now() + timedelta(days=days),
            )
    except IntegrityError:
        raise Conflict(f"{user.username} has a token named {name!r} already. Choose another name.") from None
    return NewToken(token, secret)


def verify(secret: str) -> ApiToken | None:
    """Return the valid token of a secret, with its user; None for anything else.

    Looked up by digest: how long that takes tells nothing about the secrets that are stored.
    """
    if not secret.startswith(PREFIX):
        return None
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(secret), expires_at__gt=now, revoked_at=None, user__is_active=True)
        .first()
    )
    if token is not None:
        _mark_used(token)
    return token


def revoke(token: ApiToken) -> None:
    """Make a token worthless from now on."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def _mark_used(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
