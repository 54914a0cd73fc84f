"""Files checked apart, in batches of any size, give what one run over all rows gives."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_app.store.schema import CANONICAL
from quality_app.calendars import calendar_for
from quality_app.checks.check import PRICE, Check, CheckContext
from quality_app.checks.halo import Halo, halo_of
from quality_app.checks.learning import learn_profile
from quality_app.checks.partial import Finding, Stretch, merge
from quality_app.checks.run import runnable
from quality_app.checks.seams import SEAM_ROWS, seams
from quality_app.checks.stretch import StretchRunner
from quality_app.sessions import sessions
from quality_app.tests.frames import MINUTE_NS, START_NS, context, frame_of, raw, rows_of

BEFORE, AFTER = 3, 2
QUOTES = context("quote")


def _peak(frame: pl.DataFrame, known: CheckContext) -> pl.Expr:
    """A price above all of the three before and the two after."""
    price = pl.col(PRICE)
    around = [price.shift(n) for n in (*range(1, BEFORE + 1), *range(-AFTER, 0))]
    return (price > pl.max_horizontal(around)).fill_null(value=False)


PEAK = Check(
    id="test.peak",
    version=1,
    data_types=("quote",),
    dimension="accuracy",
    severity="major",
    limit=Fraction(1, 10),
    citation="",
    explanation="",
    example="",
    rule=_peak,
    needs=frozenset({PRICE}),
    reach=lambda values: (BEFORE, AFTER),
    evidence=lambda frame, marked, known: frame[marked].select(value=PRICE, expected=pl.lit(None, pl.Float64)),
)
ROW = st.tuples(st.integers(0, 2), st.sampled_from(["0", "1.1", "1.10001", "1.10005", "1.2"]), st.integers(0, 1))
CUTS = st.lists(st.integers(1, 9), min_size=1, max_size=40)


def _dataset(rows: Sequence[tuple[int, str, int]]) -> pl.DataFrame:
    times = itertools.accumulate(step for step, _, _ in rows)
    return frame_of(
        "quote",
        [
            rows_of("quote", 1)[0]
            | {"bid_price": price, "bid_size": str(size)}
            | dict.fromkeys(("ts_event", "ts_init"), START_NS + ts * MINUTE_NS)
            for ts, (_, price, size) in zip(times, rows, strict=True)
        ],
    )


def _cut(frame: pl.DataFrame, sizes: Sequence[int]) -> list[pl.DataFrame]:
    """Consecutive pieces of these sizes, over and over."""
    pieces: list[pl.DataFrame] = []
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(frame):
            return pieces
        pieces.append(frame.slice(at, size))
        at += size
    return pieces


def _near() -> list[Check]:
    """The checks of quotes whose marks depend on no more than the halo of these tests."""
    known = context("quote")
    reaches = [(check, check.reach(check.values(known))) for check in runnable(known)[0]]
    return [PEAK, *(check for check, (before, after) in reaches if before <= BEFORE and after <= AFTER)]


def _judge(runner: StretchRunner, pieces: Sequence[pl.DataFrame]) -> Stretch:
    for piece in pieces:
        runner.feed(piece)
    return runner.finish()


def _apart(
    files: list[pl.DataFrame],
    batches: Sequence[int],
    checks: list[Check],
    halo: Halo,
    known: CheckContext = QUOTES,
    most: int = SEAM_ROWS,
) -> dict[str, Finding]:
    """Each file by itself, then the seams, merged."""
    stretches = [
        _judge(StretchRunner(known, checks, halo, open_start=True, open_end=True), _cut(file, batches))
        for file in files
    ]
    found = list(stretches)
    for seam in seams(stretches, halo, most=most):
        rows = pl.concat([files[span.file].slice(span.start, span.stop - span.start) for span in seam.spans])
        runner = StretchRunner(known, checks, halo, lead=seam.lead, trail=seam.trail)
        found.append(_judge(runner, _cut(rows, batches)))
    assert sum(stretch.last - stretch.first for stretch in found) == sum(map(len, files))
    order = {file["file"][0]: place for place, file in enumerate(files)}
    return {check.id: merge([part.findings[check.id] for part in reversed(found)], order) for check in checks}


@given(st.lists(ROW, min_size=1, max_size=60), CUTS, CUTS, st.integers(3, 9), st.integers(2, 9), st.integers(1, 20))
def test_parts_merge_to_the_whole(
    rows: list[tuple[int, str, int]], sizes: list[int], batches: list[int], before: int, after: int, most: int
) -> None:
    checks = _near()
    known = context("quote")
    files = [
        piece.with_columns(pl.lit(f"data/{n}").alias("file"), pl.int_range(pl.len()).alias("row"))
        for n, piece in enumerate(_cut(_dataset(rows), sizes))
    ]
    whole = _judge(StretchRunner(known, checks, Halo(before, after)), [pl.concat(files)]).findings
    assert _apart(files, batches, checks, Halo(before, after), most=most) == whole
    assert whole["test.peak"].violations == len(whole["test.peak"].samples)


@given(st.lists(ROW, min_size=1, max_size=60), CUTS)
def test_batches_change_nothing(rows: list[tuple[int, str, int]], batches: list[int]) -> None:
    frame, checks, halo = _dataset(rows), _near(), Halo(BEFORE, AFTER)
    whole = _judge(StretchRunner(context("quote"), checks, halo), [frame])
    assert _judge(StretchRunner(context("quote"), checks, halo), _cut(frame, batches)).findings == whole.findings


def test_a_peak_is_seen_across_the_end_of_a_file() -> None:
    prices = ["1.10000"] * 6 + ["1.20000"] + ["1.10000"] * 6
    frame = _dataset([(1, price, 1) for price in prices])
    files = [frame.slice(0, 7), frame.slice(7).with_columns(pl.lit("data/b").alias("file"))]
    found = _apart(files, [100], [PEAK], Halo(BEFORE, AFTER))["test.peak"]
    assert found.violations == 1
    sample: dict[str, Any] = found.samples[0]
    assert (sample["row"], sample["file"], sample["value"]) == (6, "data/a.parquet", "1.15005")
    assert sample["expected"] is None


@pytest.mark.parametrize("limit", [1, 3])
def test_the_first_samples_remain_however_parts_come(limit: int) -> None:
    parts = [Finding(2, [{"file": "b", "row": 4}, {"file": "b", "row": 9}]), Finding(1, [{"file": "a", "row": 7}])]
    merged = merge(parts, {"a": 0, "b": 1}, limit)
    assert merged.violations == 3
    assert [(sample["file"], sample["row"]) for sample in merged.samples] == [("a", 7), ("b", 4), ("b", 9)][:limit]


def _walk(rows: int) -> pl.DataFrame:
    """Quotes some seconds apart that walk by increments, with spikes, swaps, repeats and pauses."""
    rng = np.random.default_rng(5)
    bid = 110_000 + np.cumsum(rng.integers(-1, 2, rows))
    bid[rng.integers(0, rows, 60)] += 400
    bid[rng.integers(0, rows, 20)] *= 10
    ask = bid + rng.integers(1, 4, rows) - 5 * (rng.integers(0, 300, rows) == 0)
    pause = 3_600 * (rng.integers(0, 2_000, rows) == 0)
    ts = START_NS + np.cumsum(rng.integers(0, 4, rows) + pause) * 1_000_000_000
    frame = pl.DataFrame({"bid_price": bid, "ask_price": ask, "ts_event": ts, "ts_init": ts})
    step = pl.lit(raw("0.00001"), dtype=pl.Int128)
    sizes = (pl.lit(raw("5"), dtype=pl.Int128).alias(name) for name in ("bid_size", "ask_size"))
    prices = pl.col("bid_price", "ask_price").cast(pl.Int128) * step
    return frame.with_columns(prices, *sizes).select(*CANONICAL["quote"])


@pytest.mark.parametrize("seed", range(3))
def test_the_whole_catalogue_gives_the_same_over_files_of_any_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = [0, *np.sort(rng.choice(20_000, 9, replace=False)).tolist(), 20_000]
    rows = _walk(20_000)
    files = [
        rows.slice(first, last - first).with_columns(
            pl.lit(f"data/{first:05}").alias("file"), pl.int_range(last - first, dtype=pl.Int64).alias("row")
        )
        for first, last in itertools.pairwise(edges)
    ]
    frame, known = pl.concat(files), context("quote")
    bounds = int(rows["ts_init"][0]), int(rows["ts_init"][-1])
    known = replace(known, sessions=sessions(calendar_for("BINANCE"), *bounds), calendar="24/7")
    known = replace(known, profile=learn_profile(frame, known))
    checks, left_out = runnable(known)
    assert not {one.check_id for one in left_out} - {"session.extended"}
    halo = halo_of(checks, known)
    whole = _judge(StretchRunner(known, checks, halo), [frame]).findings
    assert _apart(files, [997, 4_001], checks, halo, known) == whole
    found = {name for name, finding in whole.items() if finding.violations}
    assert found >= {"quote.crossed", "quote.outlier", "price.decimal_shift", "return.spike", "row.duplicate"}


def test_a_file_after_many_short_ones_leaves_their_first_seams_alone() -> None:
    short = [Stretch(rows=10, first_ns=10 * n, last_ns=10 * n + 9) for n in range(50)]
    halo = Halo(16, 8)
    before, after = seams(short[:-1], halo, most=100), seams(short, halo, most=100)
    assert len(before) == 5
    assert before[:-1] == after[: len(before) - 1]
    assert sum(seam.judged for seam in after) == 500


def test_a_repeat_is_found_however_long_the_run_of_one_moment() -> None:
    frame = _dataset([(1, "1.1", 0)] * 10 + [(0, "1.1", 1 + n) for n in range(3_000)] + [(0, "1.1", 1)])
    checks = [check for check in _near() if check.id == "row.duplicate"]
    runner = StretchRunner(QUOTES, checks, Halo(BEFORE, AFTER))
    found = _judge(runner, _cut(frame, [700])).findings["row.duplicate"]
    assert [sample["row"] for sample in found.samples] == [3_010]
