"""Gaps as lists and drawings: filters, facets, days, timelines, lengths, completeness, decisions."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset
from quality_app.models import Gap, MonthCompleteness
from quality_app.services.gaps import exporting
from quality_app.services.gaps.completeness import completeness, with_datasets
from quality_app.services.gaps.days import within_day
from quality_app.services.gaps.expecting import ExpectingRefused, expect, unexpect
from quality_app.services.gaps.filters import Filters, length_ns, read_filters
from quality_app.services.gaps.heatmap import heatmap
from quality_app.services.gaps.histogram import histogram
from quality_app.services.gaps.listing import Facets, facets, gaps
from quality_app.services.gaps.scan import scan
from quality_app.services.gaps.timeline import timeline
from quality_app.tests.conftest import MakeDataset, bars_at
from quality_app.tests.gaps.gap_rows import make_dataset as dataset_row
from quality_app.tests.gaps.gap_rows import make_gap, make_month, ns
from quality_app.tests.test_gap_scan import WEEK

pytestmark = pytest.mark.django_db


def filters(**query: str) -> Filters:
    found = read_filters(query, parse_moment)
    assert found.problems == ()
    return found


@pytest.fixture
def world() -> list[Dataset]:
    """Bars and quotes on Binance, bars on CME; five gaps."""
    bars, quotes, other = (
        dataset_row(),
        dataset_row(data_type="quote"),
        dataset_row("ESH4.XCME", timeframe="1-HOUR-LAST"),
    )
    make_gap(bars, "2024-01-08 10:00", 90, severity="high")
    make_gap(bars, "2024-01-09 10:00", 5, cause="illiquid", severity="low")
    make_gap(quotes, "2024-01-08 10:05", 60, cause="outage")
    make_gap(quotes, "2024-02-01 00:00", 1, filled_at=timezone.now())
    make_gap(other, "2024-01-08 10:20", 180, expected_at=timezone.now(), expected_reason="Not listed")
    return [bars, quotes, other]


def test_filters_let_through_what_they_say(world: list[Dataset]) -> None:
    for query, wanted in (
        ({}, [60, 90, 5]),
        ({"state": "all"}, [1, 5, 180, 60, 90]),
        ({"state": "expected"}, [180]),
        ({"state": "filled"}, [1]),
        ({"venue": "BINANCE", "sort": "length"}, [5, 60, 90]),
        ({"data_type": "quote"}, [60]),
        ({"timeframe": "-"}, [60]),
        ({"timeframe": "1-HOUR-LAST", "state": "all"}, [180]),
        ({"cause": "illiquid"}, [5]),
        ({"severity": "high"}, [90]),
        ({"unit": "seconds"}, [60]),
        ({"longer": "1 h", "sort": "-length"}, [90, 60]),
        ({"start": "2024-01-09"}, [5]),
        ({"end": "2024-01-08 10:02"}, [90]),
        ({"start": "2024-01-08 11:10", "end": "2024-01-08 11:20"}, [90]),
        ({"q": "btc quote"}, [60]),
        ({"store": "elsewhere"}, []),
        ({"dataset": str(world[0].pk), "sort": "start"}, [90, 5]),
    ):
        found = [gap.lost_ns // (60 * 10**9) for gap in gaps(filters(**query))]
        assert sorted(found) == sorted(wanted), query
        if "sort" in query:
            assert found == wanted, query
        assert facets(filters(**query)).total == len(wanted), query


def test_what_means_nothing_is_left_out_and_said(world: list[Dataset]) -> None:
    given = {
        "cause": "odd",
        "state": "odd",
        "sort": "odd",
        "longer": "long",
        "day": "soon",
        "start": "x",
        "dataset": "x",
    }
    found = read_filters(given | {"end": "0001-01-01"}, parse_moment)
    assert len(found.problems) == 8
    assert found == Filters()
    assert len(gaps(found)) == 3


def test_a_length_is_read_with_its_unit() -> None:
    assert [length_ns(text) // 10**9 for text in ("90 s", "5", "5 MIN", "2h", "3 d")] == [90, 300, 300, 7200, 259_200]
    with pytest.raises(ValueError, match="not a length"):
        length_ns("-5 min")


def test_facets_count_what_the_other_filters_let_through(world: list[Dataset]) -> None:
    found = facets(filters(cause="unexplained"))
    menus = _counts(found)
    assert menus["cause"] == {"unexplained": 1, "illiquid": 1, "outage": 1}
    assert menus["data_type"] == {"bar": 1}
    assert [(tab.value, tab.count) for tab in found.states] == [("open", 1), ("expected", 1), ("filled", 1), ("all", 3)]
    whole = {
        menu.name: {value.value: value.count for value in menu.values} for menu in facets(filters(state="all")).menus
    }
    assert whole["venue"] == {"BINANCE": 4, "XCME": 1}
    assert whole["timeframe"] == {"1-MINUTE-LAST": 2, "-": 2, "1-HOUR-LAST": 1}


def _counts(found: Facets) -> dict[str, dict[str, int]]:
    return {menu.name: {value.value: value.count for value in menu.values} for menu in found.menus}


def test_a_day_is_a_session_day() -> None:
    share, unknown = dataset_row("AAPL.XNAS"), dataset_row("X.Y")
    inside = make_gap(share, "2024-01-08 15:00")
    make_gap(share, "2024-01-08 23:30")
    monday = within_day(filters(day="2024-01-08", dataset=str(share.pk)))
    assert (monday.start_ns, monday.end_ns) == (ns("2024-01-08 14:30"), ns("2024-01-08 21:00"))
    assert list(gaps(monday)) == [inside]
    learned = within_day(filters(day="2024-01-08", dataset=str(unknown.pk)))
    assert (learned.start_ns, learned.end_ns) == (ns("2024-01-08"), ns("2024-01-09") - 1)


def test_days_are_complete_short_closed_unknown_or_outside() -> None:
    one, two = dataset_row(), dataset_row("ETHUSDT.BINANCE")
    make_month(one, "2024-01", {1: (100, 0, 0), 2: (100, 50, 0), 3: (100, 10, 10), 5: (100, 100, 0), 6: (1000, 1, 0)})
    make_month(two, "2024-01", {1: (100, 0, 0), 2: (100, 0, 0)})
    shown = heatmap(filters(), None)
    assert [year.year for year in shown.years] == [2024, 2023]
    cells = {cell.day: cell for year in shown.years for cell in year.days}
    kinds = {day: cells[date(2024, 1, day)].kind for day in range(1, 7)}
    assert kinds == {1: "full", 2: "half", 3: "full", 4: "closed", 5: "nothing", 6: "most"}
    assert (cells[date(2024, 1, 2)].share, cells[date(2024, 1, 2)].incomplete) == (0.75, 1)
    assert cells[date(2024, 1, 3)].missing == 10  # explained, and still a way to its gaps
    assert cells[date(2024, 2, 1)].kind == cells[date(2023, 12, 31)].kind == "unknown"
    assert cells[date(2024, 3, 2)].kind == cells[date(2023, 11, 30)].kind == "outside"
    assert (shown.datasets, shown.scanned) == (2, 2)
    assert shown.years[0].months[0].share == pytest.approx((1 - 151 / 1400 + 1) / 2)
    assert heatmap(filters(venue="XCME"), None).years == []


def test_too_many_datasets_are_drawn_by_month(monkeypatch: pytest.MonkeyPatch) -> None:
    one = dataset_row()
    make_month(one, "2024-01", {1: (100, 25, 0)})
    monkeypatch.setattr("quality_app.services.gaps.heatmap.DAY_ROWS", 0)
    shown = heatmap(filters(), None)
    assert (shown.has_days, shown.years[0].days, shown.years[0].months[0].share) == (False, [], 0.75)


def test_holes_in_common_stand_out(world: list[Dataset]) -> None:
    drawn = timeline(filters(start="2024-01-08", end="2024-01-08"))
    assert drawn is not None
    assert [(strip.dataset.pk, [hole.cause for hole in strip.holes]) for strip in drawn.strips] == [
        (world[0].pk, ["unexplained"]),
        (world[1].pk, ["outage"]),
        (world[2].pk, []),
    ]
    (hole,) = drawn.strips[0].holes
    assert hole.gap == Gap.objects.get(severity="high").pk
    assert {stretch.number for stretch in drawn.common} == {2}
    assert drawn.common[0].start_ns <= ns("2024-01-08 10:05") <= drawn.common[0].end_ns
    assert drawn.common[-1].end_ns <= ns("2024-01-08 11:15")
    assert timeline(filters(venue="NOWHERE")) is None


def test_a_timeline_draws_the_worst_and_counts_the_others(
    world: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quality_app.services.gaps.timeline.ROWS", 1)
    drawn = timeline(filters())
    assert drawn is not None
    assert ([strip.dataset.pk for strip in drawn.strips], drawn.more) == ([world[0].pk], 2)


def test_lengths_are_counted_in_their_bins(world: list[Dataset]) -> None:
    counts = {bin_.label: bin_.by_cause for bin_ in histogram(filters()) if bin_.count}
    assert counts == {"5–15 min": {"illiquid": 1}, "1–4 h": {"unexplained": 1, "outage": 1}}


def test_completeness_is_known_by_venue_dataset_and_month() -> None:
    bars, quotes, unknown = dataset_row(), dataset_row(data_type="quote"), dataset_row("ESH4.XCME")
    make_month(bars, "2024-01", {1: (100, 20, 10)})
    make_month(bars, "2024-02", {1: (100, 0, 0)})
    make_month(quotes, "2024-01", {1: (1000, 300, 0)})
    lines = completeness(filters(), "dataset")
    with_datasets(lines)
    assert [(line.dataset, line.share) for line in lines] == [(quotes, 0.7), (bars, 0.95), (unknown, None)]
    venues = {line.label: line for line in completeness(filters(), "venue")}
    assert venues["BINANCE"].share == pytest.approx(0.825)
    assert (venues["BINANCE"].missing, venues["BINANCE"].known) == ({"bars": 20, "seconds": 300}, 2)
    assert (venues["XCME"].share, venues["XCME"].datasets) == (None, 1)
    months = [(line.label, line.share) for line in completeness(filters(), "month")]
    assert months == [("2024-02", 1.0), ("2024-01", pytest.approx(0.8))]
    assert len(completeness(filters(start="2024-02-10"), "month")) == 1


def test_files_hold_every_row_also_beyond_one_chunk(world: list[Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 2)
    Gap.objects.filter(severity="high").update(instrument_id="=1+1", cause="halt")
    text = b"".join(exporting.write_csv(filters(state="all"))).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["lostNs"] for row in rows] == [str(m * 60 * 10**9) for m in (90, 60, 180, 5, 1)]
    assert rows[0]["instrumentId"] == "'=1+1"
    answer = json.loads(b"".join(exporting.write_json(filters(state="all"))))
    assert (answer["count"], len(answer["gaps"])) == (5, 5)
    assert (answer["gaps"][0]["startNs"], answer["gaps"][0]["missing"]) == (str(ns("2024-01-08 10:00")), 90)
    assert json.loads(b"".join(exporting.write_json(filters(store="none")))) == {"gaps": [], "count": 0}


def test_an_expected_gap_leaves_counts_and_completeness_and_can_come_back(
    make_dataset: MakeDataset, trader: User
) -> None:
    dataset = make_dataset("bar", bars_at(np.delete(WEEK, slice(1000, 1090))))
    scan(dataset)
    gap = Gap.objects.get()
    short = dataset.completeness
    assert dataset.open_gap_count == 1
    done = expect([gap.pk], " Venue was not open yet ", trader)
    gap.refresh_from_db()
    dataset.refresh_from_db()
    assert (done.changed, done.left) == (1, 0)
    assert (gap.expected_reason, gap.expected_by, gap.expected_at is None) == ("Venue was not open yet", trader, False)
    assert (dataset.open_gap_count, str(dataset.completeness)) == (0, "1.0000")
    month = MonthCompleteness.objects.get(dataset=dataset)
    assert month.missing == month.explained == 90
    assert expect([gap.pk], "Venue was not open yet", trader).changed == 0
    unexpect([gap.pk], trader)
    gap.refresh_from_db()
    dataset.refresh_from_db()
    assert (gap.expected_at, gap.expected_by, gap.expected_reason) == (None, None, "")
    assert (dataset.open_gap_count, dataset.completeness) == (1, short)
    assert [entry["expected"] for entry in gap.details["decisions"]] == [True, False]
    assert gap.details["decisions"][0]["by"] == "trader"


def test_marking_needs_gaps_and_a_reason_and_leaves_filled_ones(world: list[Dataset], trader: User) -> None:
    filled = Gap.objects.get(filled_at__isnull=False)
    opened = Gap.objects.get(severity="high")
    for keys, reason in (([], "why"), ([opened.pk], "  "), ([opened.pk], "a\0b"), ([opened.pk], "x" * 501)):
        with pytest.raises(ExpectingRefused):
            expect(keys, reason, trader)
    done = expect([filled.pk, opened.pk], "maintenance", trader)
    assert (done.changed, done.left) == (1, 1)
    filled.refresh_from_db()
    world[0].refresh_from_db()
    assert (filled.expected_at, world[0].open_gap_count) == (None, 0)
