"""Tells the apps above that datasets changed. They register; this app knows none of them."""

from collections.abc import Callable, Sequence
from uuid import UUID

from django.contrib.auth.models import User

type Listener = Callable[[Sequence[UUID], User | None], None]

_listeners: list[Listener] = []


def follow(listener: Listener) -> Listener:
    """Have a function called with the keys of changed datasets and the user behind the change; a decorator."""
    _listeners.append(listener)
    return listener


def tell(datasets: Sequence[UUID], user: User | None) -> None:
    """Tell everyone who follows that the rows of these datasets changed."""
    if datasets:
        for listener in _listeners:
            listener(datasets, user)
