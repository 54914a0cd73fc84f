"""What can go wrong in a store; every message says what, where and what to do."""

from datetime import UTC, datetime, timedelta


class StoreError(Exception):
    """A store could not be read or changed. Raised with nothing changed, unless a subclass says otherwise."""


class FileProblem(StoreError):
    """A problem of one file: `path` (below the store's root) and `reason`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnreadableFile(FileProblem):
    """The file is not a whole, readable Parquet file."""


class UnsupportedFile(FileProblem):
    """The file is readable Parquet, but not of a kind that this release can use."""


class InvalidRows(StoreError):
    """Rows that a store must not hold: nulls, out of range, or finer than the declared precision."""


class UnsortedRows(InvalidRows):
    """Rows do not come in the order of ts_init."""


class Overlap(StoreError):
    """The rows' interval touches or intersects a file that stays in the directory."""

    def __init__(self, directory: str, start_ns: int, end_ns: int, existing: str) -> None:
        super().__init__(
            f"{directory}: the range {_utc(start_ns)} to {_utc(end_ns)} UTC overlaps {existing}. "
            "NautilusTrader needs disjoint files: leave out the rows that are there, or replace that file."
        )
        self.directory = directory
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.existing = existing


class ConcurrentChange(StoreError):
    """A file changed while an operation on it was being prepared. Nothing was changed."""


class VerificationFailed(StoreError):
    """What was written is not exactly what was announced. Nothing was changed."""


class HalfDone(StoreError):
    """A decided operation that a failing disk kept from ending, either way: `recovery.recover` ends it."""


def _utc(ns: int) -> str:
    """`2024-01-31 21:05:00`, with nanoseconds where there are any."""
    seconds, rest = divmod(ns, 1_000_000_000)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{rest:09d}" if rest else "")
