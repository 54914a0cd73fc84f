"""Who asks."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


def user_of(request: HttpRequest) -> User:
    """Return the logged-in user of a request; PermissionDenied when there is none."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
