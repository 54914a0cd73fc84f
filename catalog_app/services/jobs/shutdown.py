"""Whether this worker process is being shut down, so that jobs go back to their queue."""

import threading

_requested = threading.Event()


def request() -> None:
    """Ask every job of this process to go back to its queue at its next check."""
    _requested.set()


def requested() -> bool:
    """Whether somebody asked."""
    return _requested.is_set()


def withdraw() -> None:
    """Forget the request."""
    _requested.clear()
