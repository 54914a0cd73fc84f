"""Each check finds its violation, exactly, and is silent on clean rows."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality_app.checks.registry import CHECKS, checks_for
from quality_app.checks.run import run_checks
from quality_app.tests.frames import MINUTE_NS, NOW_NS, START_NS, context, frame_of, raw, rows_of

ROWS = 10
SECOND_NS = 1_000_000_000


def _found(data_type: str, rows: list[dict[str, Any]], **known: Any) -> dict[str, list[int]]:
    """Violating row positions by check."""
    outcomes, _ = run_checks([frame_of(data_type, rows)], context(data_type, **known))
    for outcome in outcomes:
        assert outcome.rows == len(rows)
        assert outcome.violations == len(outcome.samples)
    return {o.check_id: [s["row"] for s in o.samples] for o in outcomes if o.violations}


@pytest.mark.parametrize("data_type", ["quote", "trade", "bar"])
def test_clean_rows_violate_nothing(data_type: str) -> None:
    assert _found(data_type, rows_of(data_type, ROWS)) == {}


@pytest.mark.parametrize(
    ("data_type", "change", "check"),
    [
        ("quote", {"bid_price": "1.10011"}, "quote.crossed"),
        ("quote", {"bid_price": "1.10010"}, "quote.locked"),
        ("quote", {"bid_size": "0", "ask_size": "0"}, "size.positive"),
        ("trade", {"size": "0"}, "size.positive"),
        ("trade", {"price": "0"}, "price.positive"),
        ("trade", {"price": "-1"}, "price.positive"),
        ("trade", {"price": "1.100001"}, "row.precision"),
        ("trade", {"size": "0.5"}, "row.precision"),
        ("bar", {"high": "1.10005"}, "bar.ohlc"),
        ("bar", {"low": "1.10005"}, "bar.ohlc"),
        ("trade", {"ts_event": START_NS + 5 * MINUTE_NS + SECOND_NS + 1}, "time.event_after_init"),
        ("quote", {"ts_event": START_NS + 5 * MINUTE_NS + SECOND_NS + 1}, "time.event_after_init"),
        ("bar", {"ts_event": START_NS + 5 * MINUTE_NS - 1}, "bar.align"),
    ],
)
def test_one_bad_row_is_found_by_its_check_alone(data_type: str, change: dict[str, Any], check: str) -> None:
    rows = rows_of(data_type, ROWS)
    rows[4] |= change
    assert _found(data_type, rows) == {check: [4]}


@pytest.mark.parametrize(
    ("data_type", "change"),
    [
        ("quote", {"bid_size": "0"}),  # one side may be empty
        ("trade", {"ts_event": START_NS + 5 * MINUTE_NS + SECOND_NS}),  # the tolerance itself
        ("bar", {"volume": "0"}),
        ("bar", {"high": "1.10010", "low": "1.10000"}),  # touches are no violation
    ],
)
def test_what_is_just_allowed_is_not_reported(data_type: str, change: dict[str, Any]) -> None:
    rows = rows_of(data_type, ROWS)
    rows[4] |= change
    assert _found(data_type, rows) == {}


def test_rows_of_the_future_are_found() -> None:
    rows = rows_of("trade", ROWS)
    for row, late in zip(rows[-2:], (60 * SECOND_NS, 60 * SECOND_NS + 1), strict=True):
        row["ts_event"] = row["ts_init"] = NOW_NS + late
    assert _found("trade", rows) == {"time.future": [9]}


def test_a_decrease_of_ts_init_is_found_at_the_row_that_decreases() -> None:
    rows = rows_of("trade", ROWS)
    rows[3], rows[4] = rows[4], rows[3]
    assert _found("trade", rows) == {"time.order": [4]}


def test_off_tick_prices_are_found_by_the_increment() -> None:
    rows = rows_of("trade", ROWS)
    rows[2]["price"] = "1.10003"
    assert _found("trade", rows, price_increment=raw("0.00005")) == {"row.precision": [2]}


def test_undefined_prices_are_not_compared() -> None:
    frame = frame_of("quote", rows_of("quote", ROWS)).with_columns(bid_price=pl.lit(None, dtype=pl.Int128))
    outcomes, _ = run_checks([frame], context("quote"))
    assert all(not outcome.violations for outcome in outcomes)


@pytest.mark.parametrize(
    ("data_type", "same"),
    [("quote", {}), ("trade", {"trade_id": "T4", "size": "8"}), ("bar", {"close": "1.10000"})],
)
def test_a_repeat_among_rows_of_one_moment_is_found_though_another_stands_between(
    data_type: str, same: dict[str, Any]
) -> None:
    rows = rows_of(data_type, ROWS)
    other = rows[4] | {"quote": {"ask_size": "9"}, "trade": {"trade_id": "X"}, "bar": {"ts_event": START_NS}}[data_type]
    rows[5:5] = [other, rows[4] | same]
    found = _found(data_type, rows)
    found.pop("bar.align", None)
    assert found == {"row.duplicate": [6]}


def test_quotes_that_only_share_their_moment_are_no_repeats() -> None:
    rows = rows_of("quote", ROWS)
    rows.insert(5, rows[4] | {"bid_size": "6"})
    assert _found("quote", rows) == {}


def test_a_trade_id_repeated_by_the_next_row_at_another_moment_is_found() -> None:
    rows = rows_of("trade", ROWS)
    rows[5]["trade_id"] = rows[4]["trade_id"]
    assert _found("trade", rows) == {"row.duplicate": [5]}


def test_disorder_is_said_beside_the_count_of_repeats() -> None:
    rows = rows_of("bar", ROWS)
    rows.append(rows[2])
    outcomes, _ = run_checks([frame_of("bar", rows)], context("bar"))
    by_id = {outcome.check_id: outcome for outcome in outcomes}
    assert by_id["row.duplicate"].violations == 0
    assert "out of order" in by_id["row.duplicate"].note


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=40))
def test_repeats_of_sorted_quotes_equal_a_search_of_all_rows(pairs: list[tuple[int, int]]) -> None:
    rows = [
        rows_of("quote", 1)[0] | {"ask_size": str(size + 1), "ts_event": ts, "ts_init": ts}
        for ts, size in sorted(pairs)
    ]
    frame = frame_of("quote", rows)
    expected = len(frame) - frame.drop("row").n_unique() if len(frame) else 0
    outcomes, _ = run_checks([frame], context("quote"), ["row.duplicate"])
    assert outcomes[0].violations == expected


def test_samples_are_bounded_and_exact_while_counts_are_whole() -> None:
    rows = rows_of("trade", 100)
    for row in rows:
        row["price"] = "-0.000000000000001"
    outcomes, _ = run_checks([frame_of("trade", rows, "data/x.parquet")], context("trade"), ["price.positive"], 3)
    (outcome,) = outcomes
    assert outcome.violations == 100
    assert [sample["row"] for sample in outcome.samples] == [0, 1, 2]
    first = outcome.samples[0]
    assert first["file"] == "data/x.parquet"
    assert first["tsInitNs"] == START_NS + MINUTE_NS
    assert first["values"]["price"] == "-0.000000000000001"
    assert first["values"]["size"] == "3"


def test_a_lazy_frame_is_read_in_order() -> None:
    rows = rows_of("bar", 1000)
    outcomes, _ = run_checks(frame_of("bar", rows).lazy(), context("bar"))
    assert all(outcome.rows == 1000 and not outcome.violations for outcome in outcomes)


@pytest.mark.parametrize(
    ("known", "check"),
    [
        ({"negative_prices_allowed": None}, "price.positive"),
        ({"negative_prices_allowed": True}, "price.positive"),
        ({"interval_ns": None}, "bar.align"),
        ({"interval_ns": 7 * 86_400 * SECOND_NS}, "bar.align"),
        (
            {"price_precision": None, "size_precision": None, "price_increment": None, "size_increment": None},
            "row.precision",
        ),
    ],
)
def test_a_check_that_lacks_knowledge_does_not_run_and_says_why(known: dict[str, Any], check: str) -> None:
    outcomes, not_run = run_checks([frame_of("bar", rows_of("bar", 3))], context("bar", **known), [check])
    assert outcomes == []
    assert [n.check_id for n in not_run] == [check]
    assert not_run[0].reason.endswith(".")


def test_unknown_checks_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"no\.such"):
        checks_for("bar", ["no.such"])


def test_no_rows_are_no_evidence() -> None:
    outcomes, _ = run_checks([], context("bar"))
    assert all(outcome.rows == 0 for outcome in outcomes)


def test_each_check_explains_itself() -> None:
    for check in CHECKS.values():
        assert check.explanation
        assert check.example
        assert check.citation
        assert (check.limit is None) == (check.severity == "info")
