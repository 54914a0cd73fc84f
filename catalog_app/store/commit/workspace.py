"""Local directories in which operations write files, each locked for as long as its process lives."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from catalog_app.store.commit import durable
from catalog_app.store.errors import StoreError

_OPERATION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOCK = ".lock"


class Workspace:
    """An operation's directory `path`, empty at first."""

    def __init__(self, parent: Path, operation_id: UUID, close: Callable[[], bool]) -> None:
        """`close` tells whether the files may go. Raises StoreError when the operation runs in another process."""
        self.path = parent / str(operation_id)
        self._may_go = close
        durable.make_directories(self.path)
        lock = durable.try_lock(self.path / _LOCK)
        if lock is None:
            raise StoreError(f"operation {operation_id} is running in another process")
        self._lock = lock
        for leftover in self.path.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            elif leftover.name != _LOCK:
                leftover.unlink()

    def close(self) -> None:
        """Remove the files, unless recovery needs them."""
        if self._may_go():
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def discard_dead(parent: Path) -> list[UUID]:
    """Remove the workspaces of dead processes, and say of which operations."""
    if not parent.is_dir():
        return []
    return [UUID(path.name) for path in sorted(parent.iterdir()) if _discard(path)]


def _discard(path: Path) -> bool:
    if not _OPERATION.fullmatch(path.name):
        return False
    lock = durable.try_lock(path / _LOCK)
    if lock is None:
        return False
    try:
        shutil.rmtree(path)
    finally:
        os.close(lock)
    return True
