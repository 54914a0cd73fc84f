"""Rows as a few numbers: equal rows have equal ones, so that neither reading of them need be kept.

Two 64-bit hashes of each row (Polars, two seeds, all columns, nulls told from values) are summed modulo 2^64, beside
the count. Good within one process only, since the hashes differ between releases of Polars.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import polars as pl

_SEEDS: Final = (0x9E37_79B9, 0x85EB_CA6B)
_MASK: Final = 2**64 - 1

type Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of a multiset of rows, in whatever order they come: their count and the sums of two hashes.

    Sums can be subtracted: what an operation leaves out is taken off.
    """

    rows: int = 0
    first: int = 0
    second: int = 0

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """The fingerprint of all rows of a frame."""
        return cls(frame.height, *map(_sum, _hashes(frame)))

    def __add__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(
            self.rows + other.rows, (self.first + other.first) & _MASK, (self.second + other.second) & _MASK
        )

    def __sub__(self, other: "Fingerprint") -> "Fingerprint":
        return Fingerprint(
            self.rows - other.rows, (self.first - other.first) & _MASK, (self.second - other.second) & _MASK
        )


@dataclass(frozen=True, slots=True)
class OrderedFingerprint:
    """Of rows in their order: beside the multiset, a sum in which each hash counts by its place."""

    multiset: Fingerprint = Fingerprint()
    order: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.multiset.rows

    @classmethod
    def of(cls, frames: Iterable[pl.DataFrame]) -> Self:
        """The fingerprint of frames, one after the other."""
        result = cls()
        for frame in frames:
            result = result.then(frame)
        return result

    def then(self, frame: pl.DataFrame) -> Self:
        """With the rows of a frame behind those so far."""
        first, second = _hashes(frame)
        places = np.arange(self.rows, self.rows + frame.height, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        multiset = self.multiset + Fingerprint(frame.height, _sum(first), _sum(second))
        return type(self)(multiset, (self.order + _sum(first * places)) & _MASK)


def _hashes(frame: pl.DataFrame) -> tuple[Hashes, Hashes]:
    first, second = (frame.hash_rows(seed=seed).to_numpy() for seed in _SEEDS)
    return first, second


def _sum(hashes: Hashes) -> int:
    return int(hashes.sum(dtype=np.uint64))
