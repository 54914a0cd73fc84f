"""Integers counted in buckets: exact to 2,047, beyond that to a relative error under 1/1,024, mergeable exactly.

The layout is that of HdrHistogram (G. Tene): buckets of a power of two in width, 1,024 to 2,048 of them per doubling.
"""

from collections import Counter
from math import ceil
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_BITS: Final = 11


class Histogram:
    """Counts signed integers; a bucket is named by its end nearest to zero."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.largest: int | None = None

    def add(self, values: npt.NDArray[np.int64]) -> None:
        """Count values; the largest absolute one is kept exactly."""
        if not len(values):
            return
        size = np.abs(values)
        self.largest = max(self.largest or 0, int(size.max()))
        bits = np.frexp(size.astype(np.float64))[1].astype(np.int64)
        shift = np.maximum(bits - _BITS, 0)
        ends = np.sign(values) * ((size >> shift) << shift)
        found, counts = np.unique(ends, return_counts=True)
        self.counts.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self.counts.total()

    def folded(self) -> "Histogram":
        """Return the histogram of absolute values."""
        folded = Histogram()
        for end, count in self.counts.items():
            folded.counts[abs(end)] += count
        return folded

    def quantile(self, share: float) -> int | None:
        """Return the smallest bucket that has at least this share of values at or below it; None when empty."""
        left = max(ceil(share * self.total), 1)
        for end in sorted(self.counts):
            left -= self.counts[end]
            if left <= 0:
                return end
        return None

    def bars(self, most: int) -> list[dict[str, Any]]:
        """Return at most about `most` bars of equal width over the middle 99 % of values, for a drawing."""
        low, high = self.quantile(0.005), self.quantile(0.995)
        if low is None or high is None:
            return []
        width = max(-(-(high - low + 1) // most), 1)
        bars: Counter[int] = Counter()
        for end, count in self.counts.items():
            if low <= end <= high:
                bars[(end - low) // width] += count
        return [
            {"from": low + index * width, "width": width, "count": bars[index]}
            for index in range((high - low) // width + 1)
        ]
