"""Trades far off the quotes of their moment, and missing trade numbers."""

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_app.checks.check import CheckContext
from quality_app.checks.profile import Profile
from quality_app.checks.trades import ID_GAP, OFF_QUOTE
from quality_app.tests.checks.windowed import SECOND_NS, known, marked, marked_in_slices, quotes_at, trades_at, walk
from quality_app.tests.frames import START_NS


def beside(quotes: pl.DataFrame, asked: list[tuple[int, int]] | None = None) -> CheckContext:
    """What is known of trades whose store holds the quotes."""

    def between(start_ns: int, end_ns: int) -> pl.DataFrame:
        if asked is not None:
            asked.append((start_ns, end_ns))
        return quotes.filter(pl.col("ts_init").is_between(start_ns, end_ns))

    return known("trade", quotes=between)


def test_trades_more_than_a_spread_beyond_the_quotes_are_found() -> None:
    # Bid 99.99, ask 100.01 all the time: one spread beyond is 99.97 to 100.03.
    prices: list[int | None] = [10_000, 10_003, 10_004, 9_997, 9_996, None, 10_001]
    about = beside(quotes_at([*walk(60, still=True)]))
    later = trades_at(prices).with_columns(pl.col("ts_init") + 10 * SECOND_NS + 1)
    assert marked(OFF_QUOTE, later, about) == [2, 4]
    assert OFF_QUOTE.evidence is not None
    evidence = OFF_QUOTE.evidence(later, pl.Series([2, 4]), about)
    assert evidence["value"].to_list() == pytest.approx([100.04, 99.96])
    assert evidence["expected"].to_list() == pytest.approx([100.01, 99.99])


def trade_at(seconds: float, price: int) -> pl.DataFrame:
    return trades_at([price]).with_columns(pl.lit(START_NS + int(seconds * SECOND_NS)).alias("ts_init"))


@pytest.mark.parametrize(
    ("seconds", "rows"),
    [(10.5, []), (11.5, []), (8.5, [0]), (21.9, [0]), (20.5, [])],
    ids=["before the move is told", "soon after it", "long before it", "after the way back", "in the tolerance of it"],
)
def test_a_trade_at_the_price_of_a_quote_close_by_is_sound(seconds: float, rows: list[int]) -> None:
    mids: list[int | None] = [10_500 if 11 <= second < 20 else 10_000 for second in range(60)]
    assert marked(OFF_QUOTE, trade_at(seconds, 10_500), beside(quotes_at(mids))) == rows


def test_a_trade_without_quotes_before_and_after_in_time_is_not_judged() -> None:
    quotes = quotes_at([10_000, 10_000, 10_000])
    assert marked(OFF_QUOTE, trade_at(1.5, 20_000), beside(quotes)) == [0]
    assert marked(OFF_QUOTE, trade_at(3, 20_000), beside(quotes)) == []
    assert marked(OFF_QUOTE, trade_at(-1, 20_000), beside(quotes)) == []
    apart = quotes_at([10_000, 10_000], apart=100 * SECOND_NS)
    assert marked(OFF_QUOTE, trade_at(50, 20_000), beside(apart)) == []
    assert marked(OFF_QUOTE, trade_at(1.5, 20_000), beside(quotes.clear())) == []


def test_quotes_that_are_crossed_or_have_one_side_only_are_no_measure() -> None:
    crossed = quotes_at([20_000] * 6, spread=-2)
    crossed = crossed.with_columns(
        pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise("ask_price").alias("ask_price")
    )
    sound = quotes_at([10_000] * 6)
    quotes = pl.concat([sound, crossed]).sort("ts_init")
    assert marked(OFF_QUOTE, trade_at(2.5, 20_000), beside(quotes)) == [0]


def test_locked_quotes_allow_one_tick() -> None:
    quotes = quotes_at([10_000] * 6, spread=0)
    assert marked(OFF_QUOTE, trade_at(2.5, 10_001), beside(quotes)) == []
    assert marked(OFF_QUOTE, trade_at(2.5, 10_002), beside(quotes)) == [0]


def test_quotes_are_read_in_short_stretches_and_only_where_there_are_trades() -> None:
    asked: list[tuple[int, int]] = []
    days = pl.concat([trade_at(day * 86_400, 10_000) for day in (1, 0, 5)])
    assert marked(OFF_QUOTE, days, beside(quotes_at([10_000] * 3), asked)) == []
    assert len(asked) == 3
    assert all(end - start <= 61 * SECOND_NS for start, end in asked)


def test_without_quotes_the_check_does_not_run() -> None:
    assert "no quotes" in str(OFF_QUOTE.obstacle(known("trade")))
    assert OFF_QUOTE.obstacle(beside(quotes_at([10_000]))) is None


def numbered(ids: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"trade_id": ids}, schema={"trade_id": pl.String})


def sequential(share: float | None = 0.99) -> CheckContext:
    facts = {"trade_id_step_share": share}
    return known("trade", profile=Profile(rows=1_000, zone="UTC", digest="", facts=facts))


def missing(ids: list[str]) -> dict[int, float]:
    """How many trades are missing before which rows."""
    frame = numbered(ids)
    rows = marked(ID_GAP, frame, sequential())
    assert ID_GAP.evidence is not None
    evidence = ID_GAP.evidence(frame, pl.Series(rows, dtype=pl.UInt32), sequential())
    assert evidence["expected"].to_list() == [0] * len(rows)
    return dict(zip(rows, evidence["value"].to_list(), strict=True))


def ids(*numbers: int) -> list[str]:
    return [str(number) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "gaps"),
    [
        (ids(7, 8, 9), {}),
        (ids(1000, 1004, 1005, 1007), {1: 3, 3: 1}),
        (ids(5, 7, 6, 8), {}),
        (ids(5, 9, 6, 8, 10), {1: 1}),
        (ids(5, 5, 6, 6, 7), {}),
        (ids(5, 9, 7, 7, 10), {1: 2}),
        (ids(900, 1, 2, 3), {}),
        (["5", "x", "8", "9"], {2: 2}),
        (["", "x"], {}),
        (["99999999999999999999", "1", "2"], {}),
        ([], {}),
    ],
    ids=[
        "none",
        "two",
        "swapped",
        "swapped and one missing",
        "repeated",
        "repeated late",
        "begun anew",
        "not a number",
        "no numbers",
        "too long for a number",
        "empty",
    ],
)
def test_exactly_the_missing_trades_are_counted(numbers: list[str], gaps: dict[int, float]) -> None:
    assert missing(numbers) == gaps


@settings(max_examples=40)
@given(st.sets(st.integers(0, 400), min_size=2), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_counts_add_up_to_what_was_taken_out(kept: set[int], jitter: int, random: object) -> None:
    shuffle: Callable[[int, int], int] = random.randint  # type: ignore[attr-defined]
    ordered = sorted(kept)
    lowest, highest = ordered[0], ordered[-1]
    middle = sorted(ordered[1:-1], key=lambda number: number + shuffle(0, 10 * jitter))
    assert sum(missing(ids(lowest, *middle, highest)).values()) == highest - lowest + 1 - len(kept)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), max_size=120), st.integers(5, 60))
def test_marks_do_not_depend_on_how_rows_are_cut(numbers: list[int], size: int) -> None:
    about = known("trade", values={"trade.id_gap": {"reorderedRows": 5}})
    frame = numbered(ids(*numbers))
    assert marked_in_slices(ID_GAP, frame, about, size) == marked(ID_GAP, frame, about)


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        (known("trade"), "unknown"),
        (sequential(None), "unknown"),
        (sequential(0.4), "only 40%"),
    ],
)
def test_ids_are_compared_only_where_they_are_known_to_be_sequential(about: CheckContext, reason: str) -> None:
    assert reason in str(ID_GAP.obstacle(about))
    assert ID_GAP.obstacle(sequential()) is None
