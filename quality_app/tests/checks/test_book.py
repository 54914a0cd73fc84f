"""Order-book checks find what is wrong with a book, as NautilusTrader builds it, and nothing else."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_app.store import reader
from catalog_app.store.filesystem import StoreRoot
from catalog_app.tests.market import market_path
from quality_app.checks.book import CROSSED, SEQUENCE, UNKNOWN_ORDER
from quality_app.checks.book_facts import book_facts, entries_of
from quality_app.checks.book_state import (
    ADD,
    BUY,
    CLEAR,
    DELETE,
    F_LAST,
    F_MBP,
    F_SNAPSHOT,
    F_TOB,
    NO_SIDE,
    SELL,
    UPDATE,
    Entries,
    best_prices,
    resting,
)
from quality_app.checks.check import Check, CheckContext
from quality_app.checks.learning import learn_profile
from quality_app.tests.checks.deltas import CENT, Row, deltas, knowing, marked, marked_in_pieces, upstream_best
from quality_app.tests.frames import context

CLEARED: Row = (CLEAR, NO_SIDE, None, 0, 0, F_SNAPSHOT)
KINDS: tuple[Entries, ...] = ("orders", "levels", "top")
ORDERS, LEVELS = knowing(order_ids="orders"), knowing(order_ids="levels")
NUMBERED = knowing(order_ids="orders", sequence_step_share=1.0)


@st.composite
def _books(draw: st.DrawFn, flags: tuple[int, ...] = (0, F_SNAPSHOT)) -> list[Row]:
    """Deltas over few prices and ids, so that everything meets."""
    action = st.sampled_from([ADD, ADD, UPDATE, DELETE])
    change = st.tuples(
        action,
        st.sampled_from([BUY, SELL]),
        st.integers(-2, 6),
        st.integers(0, 2),
        st.integers(10, 15),
        st.builds(lambda one, last: one | last, st.sampled_from(flags), st.sampled_from([0, F_LAST, F_LAST])),
    )
    return draw(st.lists(st.one_of(change, change, change, change, change, st.just(CLEARED)), max_size=60))


@settings(max_examples=150)
@given(st.one_of(st.tuples(_books(), st.sampled_from(KINDS[:2])), st.tuples(_books((F_TOB,)), st.just("top"))))
def test_best_prices_are_those_of_nautilus_trader(book: tuple[list[Row], Entries]) -> None:
    rows, entries = book
    frame = deltas(rows)
    assert best_prices(frame, entries).rows() == list(upstream_best(frame, entries))


@given(_books((0, F_MBP, F_TOB, F_MBP | F_TOB)))
def test_flagged_rows_among_orders_are_levels_or_the_top_as_in_nautilus_trader(rows: list[Row]) -> None:
    frame = deltas(rows)
    assert best_prices(frame, "orders").rows() == list(upstream_best(frame, "orders"))


@given(_books(), st.sampled_from(KINDS), st.integers(0, 60))
def test_what_is_left_of_a_book_builds_the_same_book(rows: list[Row], entries: Entries, cut: int) -> None:
    frame = deltas(rows)
    state = resting(frame[:cut], entries)
    after = best_prices(pl.concat([state, frame[cut:]]), entries)
    assert after.drop("row").rows() == best_prices(frame, entries).filter(pl.col("row") >= cut).drop("row").rows()
    assert len(state) <= 1 + len({row[1:5] for row in rows})


@given(_books(), st.sampled_from([SEQUENCE, CROSSED, UNKNOWN_ORDER]), st.sampled_from([NUMBERED, LEVELS]), st.data())
def test_cutting_the_rows_changes_no_mark(
    rows: list[Row], check: Check, known: CheckContext, data: st.DataObject
) -> None:
    sequence = data.draw(st.lists(st.integers(0, 5), min_size=len(rows), max_size=len(rows)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    frame = deltas(rows, sequence)
    assert marked_in_pieces(check, frame, known, cuts) == marked(check, frame, known)


@given(_books())
def test_unknown_orders_are_those_that_a_plain_search_misses(rows: list[Row]) -> None:
    book: set[tuple[int, int]] = set()
    expected, whole = [], False
    for at, (action, side, _, size, order_id, flags) in enumerate(rows):
        missing = action in {UPDATE, DELETE} and (side, order_id) not in book
        if missing and whole and not flags & F_SNAPSHOT:
            expected.append(at)
        whole |= action == CLEAR or (action == ADD and bool(flags & F_SNAPSHOT))
        if action == CLEAR:
            book.clear()
        elif action == DELETE or not size:
            book.discard((side, order_id))
        else:
            book.add((side, order_id))
    assert marked(UNKNOWN_ORDER, deltas(rows), ORDERS) == expected


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    """One second of a real L3 book: a snapshot and what followed."""
    store = market_path("stores/nautilus-1.231")
    files = [str(path.relative_to(store)) for path in store.glob("data/order_book_deltas/*/*.parquet")]
    frame = reader.scan(StoreRoot.at(str(store)), files, "delta", positions=True).collect()
    assert len(frame) == 13_786
    return frame


def test_a_real_book_is_clean_and_agrees_with_nautilus_trader(real: pl.DataFrame) -> None:
    facts = {**learn_profile(real, context("delta")).facts, **book_facts(real)}
    assert facts["order_ids"] == "orders"
    # Trades take numbers too, and are no deltas.
    assert 0.9 < facts["sequence_step_share"] < 0.95
    known = knowing(rows=len(real), **facts)
    for check in (SEQUENCE, CROSSED, UNKNOWN_ORDER):
        assert check.obstacle(known) is None
        assert marked(check, real, known) == []
        assert marked_in_pieces(check, real, known, [5_000, 13_601, 13_700]) == []
    assert best_prices(real, "orders").rows() == list(upstream_best(real, "orders"))


def test_a_lost_add_in_a_real_book_leaves_one_unknown_order(real: pl.DataFrame) -> None:
    gone = real.filter(action=DELETE).join(real[-150:].filter(action=ADD), on="order_id", how="semi")
    lost = real.filter(~((pl.col("action") == ADD) & (pl.col("order_id") == gone["order_id"][0])))
    (found,) = marked(UNKNOWN_ORDER, lost, ORDERS)
    assert lost["order_id"][found] == gone["order_id"][0]


def test_a_bid_at_the_ask_crosses_a_real_book_until_it_leaves(real: pl.DataFrame) -> None:
    ask = best_prices(real, "orders")["ask"][-3]
    bid = real[[-3]].with_columns(
        action=pl.lit(ADD, pl.UInt8), side=pl.lit(BUY, pl.UInt8), order_id=pl.lit(7, pl.UInt64)
    )
    bid = bid.with_columns(price=pl.lit(ask, pl.Int128), flags=pl.lit(F_LAST, pl.UInt8))
    crossed = pl.concat([real[:-2], bid, real[-2:]])
    assert marked(CROSSED, crossed, ORDERS) == [len(real) - 2, len(real) - 1, len(real)]
    evidence = CROSSED.evidence
    assert evidence is not None
    assert evidence(crossed, pl.Series([len(real) - 2]), ORDERS).rows() == [(5214.25, 5214.25)]


def test_a_locked_book_counts_and_an_open_message_or_one_side_does_not() -> None:
    bid: Row = (ADD, BUY, 100, 1, 1, F_LAST)
    assert marked(CROSSED, deltas([bid, (ADD, SELL, 100, 1, 2, F_LAST)]), ORDERS) == [1]
    assert marked(CROSSED, deltas([bid, (ADD, SELL, 101, 1, 2, F_LAST)]), ORDERS) == []
    assert marked(CROSSED, deltas([bid, (ADD, SELL, 99, 1, 2, 0), (DELETE, BUY, 100, 1, 1, F_LAST)]), ORDERS) == []


def test_undefined_prices_and_orders_that_leave_without_side_are_understood() -> None:
    rows: list[Row] = [
        CLEARED,
        (ADD, BUY, 100, 1, 1, F_LAST),
        (ADD, SELL, None, 1, 2, F_LAST),
        (DELETE, NO_SIDE, None, 0, 1, 0),
        (DELETE, NO_SIDE, None, 0, 2, 0),
        (ADD, SELL, 90, 1, 3, F_LAST),
        (DELETE, NO_SIDE, None, 0, 9, 0),
    ]
    assert best_prices(deltas(rows), "orders").rows() == [
        (1, 100 * CENT, None),
        (2, 100 * CENT, None),
        (5, None, 90 * CENT),
    ]
    assert marked(UNKNOWN_ORDER, deltas(rows), ORDERS) == [6]


def test_crossed_orders_before_an_auction_are_no_finding() -> None:
    rows: list[Row] = [(ADD, BUY, 100, 1, 1, F_LAST), (ADD, SELL, 99, 1, 2, F_LAST), (ADD, SELL, 99, 1, 3, F_LAST)]
    sessions = pl.DataFrame({"open_ns": [-9, 2], "close_ns": [1, 9]})
    known = knowing(order_ids="orders")
    assert marked(CROSSED, deltas(rows), known) == [1, 2]
    in_sessions = type(known)("delta", 0, sessions=sessions, profile=known.profile)
    assert marked(CROSSED, deltas(rows), in_sessions) == [2]


def test_orders_from_before_the_first_snapshot_are_not_called_unknown() -> None:
    rows: list[Row] = [
        (DELETE, BUY, 100, 1, 1, F_LAST),
        (UPDATE, BUY, 100, 1, 2, F_LAST),
        (ADD, SELL, 110, 1, 3, F_SNAPSHOT | F_LAST),
        (DELETE, BUY, 100, 1, 4, F_LAST),
        (DELETE, BUY, 100, 1, 2, F_LAST),
    ]
    assert marked(UNKNOWN_ORDER, deltas(rows), ORDERS) == [3]


SEQUENCES = [
    ([5, 6, 6, 7], [], []),
    ([5, 4, 5], [1], [1]),
    ([5, 7, 8], [], [1]),
    ([5, 0, 0, 6], [], []),
    ([5, 0, 7], [], [2]),
    ([0, 0, 0], [], []),
    ([2**64 - 1, 1, 2**64 - 1], [1], [1, 2]),
]


@pytest.mark.parametrize(("sequence", "falls", "falls_and_jumps"), SEQUENCES)
def test_jumps_count_where_the_venue_numbers_each_message(
    sequence: list[int], falls: list[int], falls_and_jumps: list[int]
) -> None:
    frame = deltas([(ADD, BUY, 100, 1, 1, F_LAST)] * len(sequence), sequence)
    assert marked(SEQUENCE, frame, knowing()) == falls
    assert marked(SEQUENCE, frame, knowing(sequence_step_share=0.98)) == falls
    assert marked(SEQUENCE, frame, knowing(sequence_step_share=0.999)) == falls_and_jumps
    assert marked(SEQUENCE, frame, knowing(rows=99, sequence_step_share=1.0)) == falls


def test_numbers_start_anew_at_snapshots_and_clears() -> None:
    add: Row = (ADD, BUY, 100, 1, 1, F_LAST)
    snapshot: Row = (ADD, BUY, 100, 1, 1, F_SNAPSHOT)
    frame = deltas([add, snapshot, snapshot, add, (CLEAR, NO_SIDE, None, 0, 0, 0), add], [9, 700, 3, 50, 51, 2])
    assert marked(SEQUENCE, frame, knowing(sequence_step_share=1.0)) == []


@pytest.mark.parametrize(
    ("known", "check", "reason"),
    [
        (knowing(), CROSSED, "does not tell"),
        (knowing(), UNKNOWN_ORDER, "does not tell"),
        (LEVELS, UNKNOWN_ORDER, "price levels"),
        (LEVELS, CROSSED, None),
        (ORDERS, UNKNOWN_ORDER, None),
        (knowing(order_ids="orders", messages_end=False), CROSSED, "F_LAST"),
        (knowing(order_ids="orders", messages_end=False), UNKNOWN_ORDER, None),
        (knowing("depth10"), CROSSED, None),
    ],
)
def test_a_book_whose_ids_are_not_understood_is_not_judged(
    known: CheckContext, check: Check, reason: str | None
) -> None:
    obstacle = check.obstacle(known)
    assert (obstacle or "") == "" if reason is None else reason in (obstacle or "")


def _levels(ids: list[int], prices: list[int], flags: int = F_LAST) -> list[Row]:
    return [(ADD, BUY, price, 1, order_id, flags) for order_id, price in zip(ids, prices, strict=True)]


@pytest.mark.parametrize(
    ("rows", "entries"),
    [
        (_levels([0, 0, 0], [1, 2, 3]), "levels"),
        ([(UPDATE, BUY, 1, 1, 0, 0), (DELETE, BUY, 1, 0, 0, 0)], "levels"),
        (_levels([1, 2, 3], [1, 2, 3], F_MBP), "levels"),
        (_levels([1, 2, 3], [1, 2, 3], F_TOB), "top"),
        # Ids made of prices: they come back.
        (_levels([71, 72, 73, 71], [1, 2, 3, 1]), "levels"),
        # Ids that number messages, or levels from the best on: at several prices.
        (_levels([1, 1, 2, 2], [1, 2, 3, 4]), "levels"),
        # Ids that number rows: nothing ever leaves by its own.
        ([*_levels([1, 2, 3, 4], [1, 2, 1, 2]), (DELETE, BUY, 1, 0, 5, 0)], "levels"),
        ([*_levels([1, 2, 3, 4], [1, 1, 1, 2]), (DELETE, BUY, 1, 0, 2, 0)], "orders"),
        (_levels([1, 2, 3, 4], [1, 1, 1, 2], F_SNAPSHOT), "orders"),
        # One order per price, seen once each: nobody knows.
        (_levels([1, 2, 3], [1, 2, 3]), None),
        ([(DELETE, BUY, 1, 0, 5, 0)], None),
        ([], None),
    ],
)
def test_a_sample_tells_what_order_ids_name(rows: list[Row], entries: str | None) -> None:
    assert entries_of(deltas(rows)) == entries


def test_a_sample_tells_whether_messages_end() -> None:
    rows = _levels([1, 2], [1, 2], flags=0)
    assert not book_facts(deltas(rows))["messages_end"]
    assert book_facts(deltas([*rows, CLEARED, (ADD, BUY, 1, 1, 1, F_LAST)]))["messages_end"]
