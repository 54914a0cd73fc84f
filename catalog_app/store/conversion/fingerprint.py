"""Canonical rows as a few numbers, so that two readings can be compared without keeping either.

Hashes differ between releases of Polars: they are compared within one process only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

_SEEDS: Final = (0x9E37_79B9, 0x85EB_CA6B)
_MASK: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Count, the sums of two 64-bit hashes over all columns, and a sum that also depends on the rows' order."""

    rows: int = 0
    first: int = 0
    second: int = 0
    order: int = 0

    def then(self, frame: pl.DataFrame) -> "Fingerprint":
        """With the rows of a canonical frame behind those so far."""
        first, second = (frame.hash_rows(seed=seed).to_numpy() for seed in _SEEDS)
        places = np.arange(self.rows, self.rows + frame.height, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        return Fingerprint(
            self.rows + frame.height,
            (self.first + int(first.sum(dtype=np.uint64))) & _MASK,
            (self.second + int(second.sum(dtype=np.uint64))) & _MASK,
            (self.order + int((first * places).sum(dtype=np.uint64))) & _MASK,
        )


def fingerprint(frames: Iterable[pl.DataFrame]) -> Fingerprint:
    """The fingerprint of frames, one after the other."""
    result = Fingerprint()
    for frame in frames:
        result = result.then(frame)
    return result
