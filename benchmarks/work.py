"""What a side of a measurement does, and what comes of one round. Imports nothing heavy: every process loads it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MIB: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work there is.

    rows: of the large stores (scans, gaps). few: of CSV files and of what NautilusTrader's own objects go through, too
    slow for `rows`. check_rows: of the quotes that are validated. huge_rows: of the dataset that shows how much memory
    is needed. datasets: of the store of many small files, two files each, and index_datasets of the index that pages
    are served from. requests: per page and round.
    """

    rows: int
    check_rows: int
    huge_rows: int
    datasets: int
    index_datasets: int
    requests: int
    seed: int

    @property
    def few(self) -> int:
        """A tenth of `rows`."""
        return max(self.rows // 10, 1)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the generated inputs stand, each below a directory of its name."""

    root: Path
    sizes: Sizes

    def path(self, name: str) -> Path:
        """The directory of an input."""
        return self.root / name


@dataclass(frozen=True, slots=True)
class Done:
    """One round's work.

    units: rows, files or requests; the sides of a measurement must agree. size_bytes: of the file that was read or
    written, where it tells something. figures: further ones, such as latencies in ms.
    """

    units: int
    size_bytes: int | None = None
    figures: dict[str, float] = field(default_factory=dict)


def _nothing() -> None:
    """No preparation."""


@dataclass(frozen=True, slots=True)
class Work:
    """A side made ready. `run` is timed and gets an empty directory; `before` comes before each round, untimed."""

    run: Callable[[Path], Done]
    before: Callable[[], None] = _nothing
