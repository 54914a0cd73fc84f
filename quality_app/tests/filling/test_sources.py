"""Where rows come from: built bars, ticks, other venues, trades by their ids."""

import polars as pl
from django.contrib.auth.models import User

from catalog_app.models import Dataset
from catalog_app.models.job import JobState
from catalog_app.tests.store.upstream import answers
from quality_app.models import Gap, GapFill
from quality_app.services.gaps.filling.candidates import candidates, waiting_files
from quality_app.services.gaps.filling.requests import request_fill, request_preview
from quality_app.tests.filling.conftest import (
    CLOSES,
    HOLE,
    MakeStore,
    done,
    filled,
    found,
    open_gaps,
    previewed,
    walking_bars,
    without,
)
from quality_app.tests.frames import frame_of, raw, rows_of


def quotes() -> pl.DataFrame:
    """A quote ten seconds before each close, at the price of the bar, and one five seconds before that."""
    bars = walking_bars()
    one = frame_of("quote", rows_of("quote", 1)).drop("file", "row")
    spread = pl.lit(raw("0.0001"), pl.Int128)
    base = pl.concat([one] * bars.height).with_columns(
        bid_price=bars["close"], ask_price=bars["close"], ts_init=bars["ts_init"]
    )
    stamps = [base.with_columns(pl.col("ts_init") - back) for back in (15 * 10**9, 10 * 10**9)]
    frame = pl.concat(stamps).sort("ts_init")
    return frame.with_columns(pl.col("ask_price") + spread, ts_event=pl.col("ts_init"))


def test_bars_are_built_from_quotes(holed: Dataset, make_store: MakeStore, data_admin: User) -> None:
    source = make_store(quotes(), name="ticks", data_type="quote")
    [candidate] = candidates(open_gaps(holed))
    assert (candidate.dataset, candidate.group, candidate.rows, candidate.share) == (source, "built", 60, 1)
    preview = previewed(holed, source, data_admin)
    assert found(preview, "agreement")["severity"] in {"good", "note"}
    job = done(request_fill(preview, data_admin))
    assert job.state == JobState.SUCCEEDED, job.error
    [ours] = answers([(holed.store.root, "bar")])
    assert [row[2] for row in ours] == list(CLOSES)
    wanted = walking_bars()["close"]
    assert [row[1][3][0] for row in ours] == wanted.to_list()
    # As NautilusTrader builds them: the sum of the sizes of that side.
    assert [row[1][4][0] for row in ours][HOLE] == [raw("10")] * 60
    assert GapFill.objects.get().kind == "built"
    assert not open_gaps(holed)


def test_bars_that_the_source_knows_to_be_partial_are_not_built(
    holed: Dataset, make_store: MakeStore, data_admin: User
) -> None:
    source = make_store(quotes(), name="ticks", data_type="quote")
    Gap.objects.create(
        dataset=source, instrument_id=source.instrument_id, data_type="quote", unit="seconds", severity="high",
        cause="unexplained", missing=60, start_ns=int(CLOSES[410]) - 5 * 10**9, end_ns=int(CLOSES[411]) + 5 * 10**9,
        gap_start=source.start_date, gap_end=source.start_date,
    )  # fmt: skip
    preview = previewed(holed, source, data_admin)
    assert preview.result["rows"] == 57  # the bars that close at 410, 411 and 412 lack a part
    assert done(request_fill(preview, data_admin)).state == JobState.SUCCEEDED
    assert [gap.missing for gap in open_gaps(holed)] == [3]


def test_candidates_say_what_they_have_and_why_not(
    holed: Dataset, whole: Dataset, make_store: MakeStore, data_admin: User
) -> None:
    half = make_store(without(walking_bars(), slice(HOLE.start, HOLE.start + 30)), name="half")
    early = make_store(walking_bars()[:100], name="early")
    first, second, third = candidates(open_gaps(holed))
    assert (first.dataset, first.rows, first.share, first.problem) == (whole, 60, 1, "")
    assert (second.dataset, second.rows, float(second.share or 0)) == (half, 30, 0.5)
    assert (third.dataset, third.rows) == (early, 0)
    assert third.problem == "It has no rows in these gaps."
    assert waiting_files(holed, data_admin) == []


def test_a_hole_in_quotes_is_filled_between_the_rows_on_both_sides(make_store: MakeStore, data_admin: User) -> None:
    frame = quotes()
    dataset = make_store(without(frame, slice(800, 920)), name="holed", data_type="quote")
    whole = make_store(frame, name="whole", data_type="quote")
    times = frame["ts_init"]
    gap = Gap.objects.create(
        dataset=dataset, instrument_id=dataset.instrument_id, data_type="quote", unit="seconds", severity="high",
        cause="unexplained", missing=3600, start_ns=times[799], end_ns=times[920], gap_start=dataset.start_date,
        gap_end=dataset.end_date,
    )  # fmt: skip
    job = filled(dataset, whole, data_admin)
    assert job.state == JobState.SUCCEEDED, job.error
    ours, theirs = answers([(one.store.root, "quote") for one in (dataset, whole)])
    assert ours == theirs
    again = done(request_preview([gap], whole, data_admin))
    assert again.state == JobState.FAILED
    assert "rows have come into the gap" in again.error or "filled" in again.error


def test_missing_trades_are_told_by_their_ids(make_store: MakeStore, data_admin: User) -> None:
    rows = [one | {"trade_id": str(1000 + at)} for at, one in enumerate(rows_of("trade", 60))]
    for at in range(30, 35):  # five trades of one instant, three of them missing
        rows[at] |= {name: rows[30][name] for name in ("ts_event", "ts_init")}
    kept = [one for at, one in enumerate(rows) if at not in {31, 32, 33}]
    dataset = make_store(frame_of("trade", kept), name="holed", data_type="trade")
    whole = make_store(frame_of("trade", rows), name="whole", data_type="trade")
    moment = rows[30]["ts_init"]
    Gap.objects.create(
        dataset=dataset, instrument_id=dataset.instrument_id, data_type="trade", unit="rows", severity="low",
        cause="unexplained", missing=3, start_ns=moment, end_ns=moment, gap_start=dataset.start_date,
        gap_end=dataset.end_date,
    )  # fmt: skip
    preview = previewed(dataset, whole, data_admin)
    assert preview.result["rows"] == 3
    job = done(request_fill(preview, data_admin))
    assert job.state == JobState.SUCCEEDED, job.error
    ours, theirs = answers([(one.store.root, "trade") for one in (dataset, whole)])
    assert sorted(ours, key=str) == sorted(theirs, key=str)
    assert [row[3] for row in ours] == [row[3] for row in theirs]


def test_another_venue_is_a_class_of_its_own_and_a_warning(holed: Dataset, whole: Dataset, data_admin: User) -> None:
    Dataset.objects.filter(pk=whole.pk).update(instrument_id="GBP-USD.OTHER", venue="OTHER")
    [candidate] = candidates(open_gaps(holed))
    assert candidate.group == "venue"
    preview = previewed(holed, candidate.dataset, data_admin)
    assert found(preview, "venue")["severity"] == "warning"
    assert preview.result["rows"] == 60
