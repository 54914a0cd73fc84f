"""A piece of a conversion: source files that become one file of the target."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable

from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.conversion.plans import SourceFile
from catalog_app.store.errors import VerificationFailed
from catalog_app.store.filesystem import StoreRoot

# Called with a number of rows that were done; may raise to stop.
type Advance = Callable[[int], None]


class Piece(ABC):
    """Source files and the path (below the target's root) of the file that they become."""

    def __init__(self, path: str, sources: tuple[SourceFile, ...]) -> None:
        self.path = path
        self.sources = sources

    @property
    def rows(self) -> int:
        """Rows that come into the target: those of the source files."""
        return sum(file.rows for file in self.sources)

    @abstractmethod
    def stage(self, tx: Transaction, advance: Advance) -> None:
        """Write the file into a transaction of the target.

        FileProblem, InvalidRows, Overlap and ValueError say why these files cannot be converted; StoreError, that
        nothing can be written.
        """

    @abstractmethod
    def losses(self) -> list[str]:
        """What the target's version does not hold of these files, once they are staged or verified."""

    @abstractmethod
    def verify(self, target: StoreRoot) -> None:
        """VerificationFailed unless the file in the target says what the source says."""


class CopyPiece(Piece):
    """A file that both stores hold byte for byte."""

    def __init__(self, source: StoreRoot, file: SourceFile) -> None:
        super().__init__(file.path, (file,))
        self._source = source

    def stage(self, tx: Transaction, advance: Advance) -> None:
        """Copy the file."""
        with (
            durable.explained(f"cannot copy {self.path}"),
            self._source.open_input(self.path) as origin,
            tx.stage(self.path).open("wb") as copy,
        ):
            shutil.copyfileobj(origin, copy, 1 << 20)
        advance(self.rows)

    def losses(self) -> list[str]:
        """None."""
        return []

    def verify(self, target: StoreRoot) -> None:
        """Compare all bytes."""
        with self._source.open_input(self.path) as one, target.open_input(self.path) as other:
            while chunk := one.read(1 << 20):
                if other.read(len(chunk)) != chunk:
                    raise VerificationFailed(f"{self.path}: the copy differs from the source")
            if other.read(1):
                raise VerificationFailed(f"{self.path}: the copy is longer than the source")
