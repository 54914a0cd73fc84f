"""File operations that survive a power cut: each returns when its effect is on the disk.

`on_step` is called after every change of the disk; tests stop the process there.
"""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog_app.store.errors import StoreError


def _ignore(step: str) -> None:
    """No hook."""


on_step: Callable[[str], None] = _ignore

_BLOCK_BYTES = 1 << 23
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EFBIG: "the file is larger than the file system or the process limit allows",
    errno.EROFS: "the file system is read-only: mark the store read-only or mount it writable",
    errno.EACCES: "permission denied: give this user the right to write there",
    errno.EPERM: "permission denied: give this user the right to write there",
}


@contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn an OSError inside into a StoreError that says what failed and what to do."""
    try:
        yield
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0) or error.strerror or str(error)
        where = f" ({error.filename})" if error.filename else ""
        raise StoreError(f"{action}{where}: {reason}") from error


def fsync_file(path: Path) -> None:
    """Force a file's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    on_step(f"synced {path.name}")


def fsync_directory(path: Path) -> None:
    """Force a directory's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    on_step(f"synced directory {path.name}")


def make_directories(path: Path) -> None:
    """Create a directory and its missing parents, each entry on the disk."""
    if path.is_dir():
        return
    make_directories(path.parent)
    path.mkdir(exist_ok=True)
    fsync_directory(path.parent)


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file in place whole: afterwards, and after a crash, it has its old or its new content."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    on_step(f"wrote {temporary.name}")
    temporary.replace(path)
    on_step(f"placed {path.name}")
    fsync_directory(path.parent)


def move_new(source: Path, destination: Path) -> None:
    """Move a file to a name that must not exist (FileExistsError): nothing is ever overwritten.

    The caller syncs both directories. A crash in the middle leaves both names on one inode.
    """
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: the check and the rename are two steps, under the store's lock.
        if destination.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(destination)) from error
        source.rename(destination)
        on_step(f"renamed {destination.name}")
        return
    on_step(f"linked {destination.name}")
    source.unlink()
    on_step(f"unlinked {source.name}")


def remove(path: Path) -> None:
    """Remove a file that may be gone already."""
    path.unlink(missing_ok=True)
    on_step(f"removed {path.name}")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        # Large blocks, since a thread that hashes waits for the interpreter after each.
        block = memoryview(bytearray(max(1, min(os.fstat(file.fileno()).st_size, _BLOCK_BYTES))))
        while count := file.readinto(block):
            digest.update(block[:count])
    return digest.hexdigest()


def try_lock(path: Path) -> int | None:
    """Lock a file (created when missing) for this process' lifetime: a descriptor to close, or None when it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path, *, timeout_seconds: float = 60) -> Iterator[None]:
    """Hold a file's lock; StoreError when another process keeps it longer than the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while (descriptor := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise StoreError(f"{path}: another operation has held this store's lock for {timeout_seconds:.0f} s: retry")
        time.sleep(0.02)
    try:
        yield
    finally:
        os.close(descriptor)
