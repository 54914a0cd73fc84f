"""All sources of one instrument against each other, piece by piece in bounded memory."""

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from quality_app.reconcile.differences import PairTally
from quality_app.reconcile.lag import LagTally, grid_numbers, signs_of
from quality_app.reconcile.terms import Piece, Terms
from quality_app.reconcile.votes import VOTERS, VoteTally


class Reconciler:
    """Feed it the pieces in the order of time, each with the sources' rows from halo before to halo after it.

    Where the range was cut makes no difference to the result.
    """

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        count = len(terms.spans)
        self.undefined = [0] * count
        self.pairs = [PairTally(terms, left, right) for left, right in combinations(range(count), 2)]
        self.lags = [LagTally(terms.lag) for _ in self.pairs]
        self.votes = VoteTally(terms) if count >= VOTERS else None

    def feed(self, series: list[pl.DataFrame], piece: Piece) -> None:
        """Compare one piece; `series` are the sources in order, by `ts`, with the halo around the piece."""
        known = [self._defined(number, frame, piece) for number, frame in enumerate(series)]
        # Grid points in (after, until].
        ends = grid_numbers(np.array([piece.after_ns + 1, piece.until_ns + 1]), self.terms.lag)
        first, last = int(ends[0]), int(ends[1])
        signs = [signs_of(frame, self.terms.lag).between(first, last) for frame in known]
        for pair, lag in zip(self.pairs, self.lags, strict=True):
            pair.feed(known[pair.left], known[pair.right], piece)
            lag.feed(signs[pair.left], signs[pair.right], last)
        if self.votes is not None:
            self.votes.feed(known, piece)

    def to_json(self) -> dict[str, Any]:
        """Return what was found, as JSON: pairs in order, each with `lag`, and `votes` (None for two sources)."""
        pairs = [{**pair.to_json(), "lag": lag.verdict()} for pair, lag in zip(self.pairs, self.lags, strict=True)]
        return {"pairs": pairs, "votes": self.votes.to_json() if self.votes else None, "undefined": self.undefined}

    def series(self) -> list[dict[str, list[Any]]]:
        """Return the drawing of each pair's differences over the range."""
        return [pair.series() for pair in self.pairs]

    def _defined(self, number: int, frame: pl.DataFrame, piece: Piece) -> pl.DataFrame:
        """Leave out rows without a price, and count those of the piece."""
        if not frame["price"].null_count():
            return frame
        counted = frame[piece.has(frame["ts"].to_numpy())]
        self.undefined[number] += counted["price"].null_count()
        return frame.drop_nulls("price")
