"""Depth checks look at each row's levels: in order, and not crossed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store import reader
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.schema import CANONICAL, SCALE
from catalog_app.tests.market import market_path
from quality_app.checks.book import CROSSED
from quality_app.checks.depth import CHECKS
from quality_app.tests.checks.deltas import knowing, marked, marked_in_pieces

(ORDER,) = CHECKS
KNOWN = knowing("depth10")

# price (None: undefined) and size
Level = tuple[int | None, int]


def _depths(*rows: tuple[list[Level], list[Level]]) -> pl.DataFrame:
    def side(levels: list[Level]) -> list[dict[str, int | None]]:
        return [
            {"price": None if price is None else price * SCALE, "size": size * SCALE, "count": 1, "order_id": 0}
            for price, size in levels
        ]

    columns = {"bids": [side(bids) for bids, _ in rows], "asks": [side(asks) for _, asks in rows]}
    numbers = dict.fromkeys(("flags", "sequence", "ts_event", "ts_init"), [0] * len(rows))
    schema = CANONICAL["depth10"]
    return pl.DataFrame({name: pl.Series((columns | numbers)[name], dtype=schema[name]) for name in schema})


GOOD: tuple[list[Level], list[Level]] = ([(10, 1), (9, 2), (8, 1)], [(11, 1), (12, 1), (14, 1)])


@pytest.mark.parametrize(
    ("bids", "asks", "disordered", "crossed"),
    [
        (*GOOD, False, False),
        ([(10, 1), (11, 1)], [(12, 1)], True, False),
        ([(10, 1), (10, 1)], [(12, 1)], True, False),
        ([(10, 1)], [(12, 1), (11, 1)], True, False),
        ([(10, 1)], [(11, 1), (11, 1)], True, False),
        ([(10, 1)], [(10, 1)], False, True),
        ([(10, 1), (12, 1)], [(11, 1)], True, True),
        # 1.x fills up with zeros, 2.x with nothing.
        ([(10, 1), (0, 0), (0, 0)], [(11, 1), (0, 0)], False, False),
        ([(10, 1), (None, 0)], [(11, 1), (None, 1)], False, False),
        ([], [(11, 1)], False, False),
        ([], [], False, False),
        ([(-3, 1), (-4, 1)], [(-2, 1), (1, 1)], False, False),
    ],
)
def test_one_bad_depth_is_found_and_its_neighbours_are_not(
    bids: list[Level], asks: list[Level], *, disordered: bool, crossed: bool
) -> None:
    frame = _depths(GOOD, (bids, asks), GOOD)
    assert marked(ORDER, frame, KNOWN) == [1] * disordered
    assert marked(CROSSED, frame, KNOWN) == [1] * crossed
    assert marked_in_pieces(CROSSED, frame, KNOWN, [1, 2]) == [1] * crossed


def test_the_evidence_is_the_bid_and_the_ask_it_should_be_below() -> None:
    evidence = CROSSED.evidence
    assert evidence is not None
    found = evidence(_depths(GOOD, ([(10, 1)], [(9, 1)])), pl.Series([1]), KNOWN)
    assert found.rows() == [(10.0, 9.0)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=6))
def test_order_is_that_of_the_levels_that_hold_something(levels: list[tuple[int, int]]) -> None:
    bids = [price for price, size in levels if size]
    frame = _depths(([*levels], []), ([], [*reversed(levels)]))
    falling = bids == sorted(set(bids), reverse=True)
    assert marked(ORDER, frame, KNOWN) == ([] if falling else [0, 1])


@pytest.mark.parametrize("store", ["nautilus-1.231", "nautilus-2.0.0rc7"])
def test_real_depths_are_clean(store: str) -> None:
    root = market_path(f"stores/{store}")
    files = [str(path.relative_to(root)) for path in root.glob("data/order_book_depths/*/*.parquet")]
    frame = reader.scan(StoreRoot.at(str(root)), files, "depth10", positions=True).collect()
    assert len(frame) == 10
    assert marked(ORDER, frame, KNOWN) == marked(CROSSED, frame, KNOWN) == []
