"""Which function does which kind of job."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog_app.services.jobs.progress import Progress

type Handler = Callable[[Progress, dict[str, Any]], dict[str, Any]]

_handlers: dict[str, Handler] = {}


def handler[H: Handler](kind: str) -> Callable[[H], H]:
    """Register the decorated function as the one that does jobs of this kind.

    It gets the job's `Progress` and parameters, and returns the job's result: a dict
    that JSON can carry. Handlers live in `<app>/handlers.py`, which the app's
    `AppConfig.ready` imports.
    """

    def register(function: H) -> H:
        present = _handlers.get(kind)
        if present is not None and present.__qualname__ != function.__qualname__:
            raise ValueError(f"Jobs of kind {kind!r} are done by {present.__module__}.{present.__qualname__} already")
        _handlers[kind] = function
        return function

    return register


def handler_for(kind: str) -> Handler:
    """Return what does jobs of this kind.

    Raises:
        LookupError: when nothing is registered.

    """
    try:
        return _handlers[kind]
    except KeyError:
        raise LookupError(f"Nothing does jobs of kind {kind!r}; there are {', '.join(sorted(_handlers))}") from None
