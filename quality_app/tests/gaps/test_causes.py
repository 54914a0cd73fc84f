"""Which gaps halts and outages explain, and halts from status messages."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.trading_time import TradingTime
from quality_app.gaps.causes import with_causes
from quality_app.gaps.found import GAPS
from quality_app.gaps.halts import halt_spans
from quality_app.gaps.spans import SPANS, merged, shared

NONE = pl.DataFrame(schema=SPANS)
Pairs = list[tuple[int, int]]
stretches = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda s: (s[0], s[0] + s[1])), max_size=6)


def gaps_at(*pairs: tuple[int, int], cause: str = "unexplained") -> pl.DataFrame:
    rows = [(start, end, 1, end - start, "seconds", cause, "high") for start, end in pairs]
    return pl.DataFrame(rows, schema=GAPS, orient="row")


def spans_at(pairs: Sequence[tuple[int, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=SPANS, orient="row")


def hours_at(pairs: Pairs) -> TradingTime:
    return TradingTime(pl.DataFrame(pairs, schema={"open_ns": pl.Int64, "close_ns": pl.Int64}, orient="row"))


def moments(pairs: Pairs) -> set[int]:
    return {moment for start, end in pairs for moment in range(start, end)}


@given(stretches, stretches)
def test_merged_and_shared_stretches_hold_exactly_the_same_moments(left: Pairs, right: Pairs) -> None:
    one, other = merged(spans_at(left)), merged(spans_at(right))
    assert moments(list(zip(one.opens.tolist(), one.closes.tolist(), strict=True))) == moments(left)
    assert bool((one.opens[1:] > one.closes[:-1]).all())
    both = shared(one, other)
    assert moments(list(zip(both.opens.tolist(), both.closes.tolist(), strict=True))) == moments(left) & moments(right)


@given(stretches.filter(bool), stretches, stretches, stretches)
def test_a_cause_follows_from_the_share_of_trading_time(
    gaps: Pairs, halts: Pairs, outages: Pairs, open_: Pairs
) -> None:
    trading = merged(spans_at(open_))
    found = with_causes(gaps_at(*gaps), spans_at(halts), spans_at(outages), trading)
    for (start, end), cause, severity in zip(gaps, found["cause"], found["severity"], strict=True):
        lost = moments([(start, end)]) & moments(open_)
        shares = [len(lost & moments(spans)) >= 0.9 * len(lost) if lost else False for spans in (halts, outages)]
        expected = "halt" if shares[0] else "outage" if shares[1] else "unexplained"
        assert (cause, severity) == (expected, "low" if expected == "halt" else "high")


def test_closed_hours_need_no_explanation() -> None:
    """A gap over a night, halted until the close: the night counts on neither side."""
    found = with_causes(gaps_at((50, 250)), spans_at([(50, 100)]), NONE, hours_at([(0, 100), (249, 300)]))
    assert found["cause"].to_list() == ["halt"]


@pytest.mark.parametrize(("until", "cause"), [(90, "outage"), (89, "unexplained")])
def test_nine_tenths_are_enough(until: int, cause: str) -> None:
    found = with_causes(gaps_at((0, 100)), NONE, spans_at([(0, until)]), None)
    assert found["cause"].to_list() == [cause]


def test_an_outage_without_an_end_lasts_and_a_halt_goes_first() -> None:
    found = with_causes(gaps_at((10, 20), (30, 40)), spans_at([(30, 40)]), spans_at([(5, None), (7, None)]), None)
    assert found["cause"].to_list() == ["outage", "halt"]


def test_missing_bars_count_from_the_open_of_the_first() -> None:
    """Two bars of 10 that close at 20 and 30 are missing: a halt from 10 on explains them, one from 20 on does not."""
    bars = gaps_at((20, 30))
    assert with_causes(bars, spans_at([(10, 30)]), NONE, None, bar_ns=10)["cause"].item() == "halt"
    assert with_causes(bars, spans_at([(20, 30)]), NONE, None, bar_ns=10)["cause"].item() == "unexplained"


def test_a_gap_without_trading_time_keeps_its_cause() -> None:
    assert with_causes(gaps_at((5, 5)), spans_at([(0, 10)]), NONE, None)["cause"].item() == "unexplained"


def statuses(*rows: tuple[int, str, bool | None]) -> pl.DataFrame:
    schema = {"ts_event": pl.Int64, "action": pl.String, "is_trading": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_halt_lasts_until_trading_and_quoting_does_not_end_it() -> None:
    rows = statuses(
        (1, "TRADING", True),
        (5, "HALT", False),
        (6, "SHORT_SELL_RESTRICTION_CHANGE", None),
        (7, "QUOTING", None),
        (9, "TRADING", True),
        (20, "PAUSE", None),
        (25, "CROSS", True),
        (30, "SUSPEND", None),
        (33, "CLOSE", None),
        (40, "NOT_AVAILABLE_FOR_TRADING", None),
    )
    assert halt_spans([rows], 50).rows() == [(5, 9), (20, 25), (30, 33), (40, 50)]


def test_without_status_messages_there_are_no_halts() -> None:
    assert halt_spans([], 50).is_empty()
    assert halt_spans([statuses((1, "NONE", None))], 50).is_empty()


@given(
    st.lists(st.sampled_from(["TRADING", "HALT", "PAUSE", "QUOTING", "NONE", "CLOSE"]), max_size=20),
    st.integers(1, 7),
)
def test_how_messages_come_in_batches_makes_no_difference(actions: list[str], size: int) -> None:
    rows = statuses(*((at, action, None) for at, action in enumerate(actions)))
    whole, parts = halt_spans([rows], 30), halt_spans(reversed(list(rows.iter_slices(size))), 30)
    assert parts.equals(whole)
    halted, held = False, set()
    for at, action in enumerate([*actions, *(["NONE"] * (30 - len(actions)))]):
        halted = action in {"HALT", "PAUSE"} or (halted and action not in {"TRADING", "CLOSE"})
        held |= {at} if halted else set()
    assert moments(whole.rows()) == held
    assert np.all(np.diff(whole["start_ns"].to_numpy()) > 0)
