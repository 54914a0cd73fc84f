"""What can go wrong in a store; every message says what, where and what to do."""


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
            f"{directory}: the interval {start_ns} to {end_ns} (ts_init, ns) overlaps {existing}. "
            "NautilusTrader needs disjoint files: leave out the rows that are there, or replace that file."
        )
        self.directory = directory
        self.start_ns = start_ns
        self.end_ns = end_ns
        self.existing = existing


class ConcurrentChange(StoreError):
    """A file changed while an operation on it was being prepared. Nothing was changed."""
