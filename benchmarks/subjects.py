"""The datasets that measurements work on, and where their files stand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.layout import dataset_path, locate
from catalog_app.store.writer import DatasetWriter


@dataclass(frozen=True, slots=True)
class Subject:
    """A dataset's identity and precisions (decimals)."""

    data_type: str
    instrument_id: str
    bar_type: str | None
    price_precision: int
    size_precision: int

    @property
    def directory(self) -> str:
        """Its directory below a store's root."""
        return dataset_path(self.data_type, self.bar_type or self.instrument_id)

    def writer(self, tx: Transaction) -> DatasetWriter:
        """A writer of a file of it."""
        return DatasetWriter(
            tx,
            self.data_type,
            self.instrument_id,
            bar_type=self.bar_type,
            price_precision=self.price_precision,
            size_precision=self.size_precision,
        )

    def paths(self, store: Path) -> list[str]:
        """Its files below a store's root, in the order of their times."""
        return sorted(f"{self.directory}/{path.name}" for path in (store / self.directory).glob("*.parquet"))

    def file(self, store: Path) -> Path:
        """Its only file."""
        (path,) = self.paths(store)
        return store / path


QUOTES: Final = Subject("quote", "EUR/USD.SIM", None, 5, 0)
TRADES: Final = Subject("trade", "BTCUSDT.BINANCE", None, 2, 6)
DELTAS: Final = Subject("delta", "BTCUSDT.BINANCE", None, 2, 6)
BARS: Final = Subject("bar", "BTCUSDT.BINANCE", "BTCUSDT.BINANCE-1-MINUTE-LAST-EXTERNAL", 2, 6)


@dataclass(frozen=True, slots=True)
class Stored:
    """The only dataset of a store, as its files tell: its directory, and their paths in the order of their times."""

    root: Path
    data_type: str
    directory: str
    paths: tuple[str, ...]

    @classmethod
    def at(cls, root: Path) -> Self:
        """Look for it; ValueError where there are no files or several datasets."""
        paths = sorted(path.relative_to(root).as_posix() for path in (root / "data").rglob("*.parquet"))
        directories = {path.rpartition("/")[0] for path in paths}
        if len(directories) != 1:
            raise ValueError(f"{root} holds {len(directories)} datasets, not one")
        return cls(root, locate(paths[0]).data_type, directories.pop(), tuple(paths))

    @property
    def files(self) -> list[Path]:
        """The files' full paths."""
        return [self.root / path for path in self.paths]

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.stat().st_size for file in self.files)
