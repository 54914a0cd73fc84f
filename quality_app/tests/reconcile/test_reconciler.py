"""Sources against each other: exact counts, and pieces that give what the whole gives."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_app.reconcile.lag import lag_search
from quality_app.reconcile.reconciler import Reconciler
from quality_app.reconcile.survey import MARK_ROWS, STRIP, Survey
from quality_app.reconcile.terms import Piece, Terms, pieces
from quality_app.tests.reconcile.shapes import MINUTE, SECOND, TICK, TIMES, series, terms, walk, within


def run(frames: list[pl.DataFrame], measures: Terms, cuts: list[int] = []) -> Reconciler:  # noqa: B006
    found = Reconciler(measures)
    edges = [measures.start_ns, *sorted(cuts), measures.end_ns]
    for after, until in pairwise(edges):
        piece = Piece(after, until)
        found.feed([within(frame, piece, measures.halo_ns) for frame in frames], piece)
    return found


def test_equal_sources_differ_in_nothing() -> None:
    frames = [series(TIMES, walk(1200)) for _ in range(2)]
    (pair,) = run(frames, terms(frames)).to_json()["pairs"]
    assert (pair["matched"], pair["equal"], pair["beyond"], pair["share"]) == (1200, 1200, 0, 1)
    assert pair["lag"]["lagNs"] == "0"
    assert pair["largest"] == []
    assert pair["volume"] is None


def test_what_is_missing_is_counted_with_its_stretches_only_where_both_could_have_rows() -> None:
    prices = walk(1200)
    kept = np.delete(np.arange(1200), slice(100, 130))[:1000]  # a hole, and an early end
    frames = [series(TIMES, prices), series(TIMES[kept], prices[kept])]
    (pair,) = run(frames, terms(frames)).to_json()["pairs"]
    left, right = pair["sides"]
    assert (left["rows"], left["alone"], left["missing"], left["stretches"]) == (1200, 200, 30, 1)
    assert left["kept"][0]["startNs"] == str(TIMES[100])
    assert left["kept"][0]["endNs"] == str(TIMES[129])
    assert (right["alone"], right["missing"]) == (0, 0)
    assert pair["share"] == pytest.approx(1000 / 1030)


def test_price_differences_are_exact_in_ticks_and_basis_points() -> None:
    prices = np.full(1200, 1_000_000)
    other = prices.copy()
    other[:300] += TICK  # 1 tick
    other[700] -= 50 * TICK
    frames = [series(TIMES, prices), series(TIMES, other)]
    (pair,) = run(frames, terms(frames)).to_json()["pairs"]
    assert (pair["equal"], pair["beyond"]) == (899, 1)
    assert (pair["ticks"]["p50"], pair["ticks"]["p90"], pair["ticks"]["max"]) == (0, TICK, 50 * TICK)
    assert pair["points"]["max"] == 5001  # thousandths of a basis point: 500 of 999,750
    assert pair["mean"] == (500 - 3000) / 1200
    first = pair["largest"][0]
    assert (first["difference"], first["left_row"], first["right_row"]) == (500, 700, 700)
    assert first["left_ts"] == str(TIMES[700])
    assert pair["far"]["kept"] == [{"startNs": str(TIMES[700]), "endNs": str(TIMES[700]), "rows": 1, "peak": 500}]


def test_a_difference_counts_only_beyond_both_limits() -> None:
    prices = np.full(1200, 1_000_000)
    frames = [series(TIMES, prices), series(TIMES, prices + 3 * TICK)]  # 3 ticks, 0.3 bp
    for ticks, points, beyond in ((2, "0", 1200), (3, "0", 0), (2, "1", 0), (2, "0.2", 1200)):
        measures = terms(frames, limit_ticks=Decimal(ticks), limit_bp=Decimal(points))
        assert run(frames, measures).to_json()["pairs"][0]["beyond"] == beyond


def test_volumes_and_bar_fields_are_compared_where_both_have_them() -> None:
    prices = walk(1200)
    bars = {name: pl.Series(prices) for name in ("open", "high", "low")}
    one = series(TIMES, prices, **bars, volume=pl.Series([5] * 1200, dtype=pl.Int128))
    other = series(TIMES, prices, **bars | {"high": pl.Series(prices + 9 * TICK)})
    other = other.with_columns(volume=pl.Series([4] * 1199 + [None], dtype=pl.Int128))
    (pair,) = run([one, other], terms([one, other])).to_json()["pairs"]
    assert pair["volume"] == {"rows": 1199, "different": 1199, "ratio": 1.25, "left": "5995", "right": "4796"}
    assert pair["fields"]["high"] == {
        "different": 1200,
        "beyond": 1200,
        "largest": 9 * TICK,
        "atNs": str(TIMES[0]),
    }
    assert pair["fields"]["low"]["different"] == 0


def test_undefined_prices_are_counted_and_match_nothing() -> None:
    prices = walk(1200).tolist()
    frames = [series(TIMES, prices), series(TIMES, [None, None, *prices[2:]])]
    found = run(frames, terms(frames), [int(TIMES[0])]).to_json()
    assert found["undefined"] == [0, 2]
    assert found["pairs"][0]["matched"] == 1198


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 1199), max_size=4),
    st.integers(0, 40),
    st.integers(0, 2**32),
)
def test_pieces_give_what_the_whole_gives(cuts: list[int], tolerance: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    frames = []
    for number in range(3):
        times = TIMES + chance.integers(-15, 16, len(TIMES)) * SECOND
        kept = np.sort(chance.choice(len(TIMES), 900 + 50 * number, replace=False))
        prices = walk(len(TIMES)) + chance.choice([0, 0, 0, TICK, 40 * TICK], len(TIMES))
        frames.append(series(times[kept], prices[kept]))
    measures = terms(frames, tolerance_ns=tolerance * SECOND, lag=lag_search(MINUTE, 0, hours=True))
    cut_up = run(frames, measures, [cut * MINUTE for cut in set(cuts)])
    whole = run(frames, measures)
    assert cut_up.to_json() == whole.to_json()
    assert cut_up.series() == whole.series()


def test_pieces_are_cut_on_the_grid_and_cover_the_range_once() -> None:
    marks = [(n * MINUTE + 1, 100) for n in range(50)]
    found = pieces(marks, 0, 50 * MINUTE, 1000, (5 * MINUTE, 0))
    assert found[0].after_ns == 0
    assert found[-1].until_ns == 50 * MINUTE
    assert all(one.until_ns == other.after_ns for one, other in pairwise(found))
    assert all(piece.until_ns % (5 * MINUTE) == 0 for piece in found)
    assert len(found) == 5


def test_a_survey_tells_how_much_there_is_and_where() -> None:
    survey = Survey(0, 1000 * MINUTE)
    times = np.delete(np.arange(1, 1001, dtype=np.int64), slice(400, 500)) * MINUTE
    survey.feed(times[:300] - 1, MINUTE)
    survey.feed(times[300:] - 1, MINUTE)
    assert (survey.rows, survey.first_ns, survey.last_ns) == (900, MINUTE - 1, 1000 * MINUTE - 1)
    assert (survey.usual_ns, survey.phase_ns) == (MINUTE, MINUTE - 1)
    assert survey.segments == [(0, 400), (500, STRIP - 500)]
    assert sum(passed for _, passed in survey.marks) == 900
    assert all(passed <= MARK_ROWS for _, passed in survey.marks)
