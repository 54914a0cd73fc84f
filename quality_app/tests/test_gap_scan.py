"""Gap scans of a dataset: what is kept, and how a gap keeps its identity over rescans."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from catalog_app.models import Dataset, Store
from catalog_app.services.jobs import run_inline
from catalog_app.services.sync import sync_store
from quality_app.calendars import FX_WEEK, SessionCalendar
from quality_app.gaps.grid import Int64s
from quality_app.models import (
    CalendarAssignment,
    FileTimes,
    Gap,
    MonthCompleteness,
    SourceIncident,
    WantedData,
)
from quality_app.services.gaps import records as gap_records
from quality_app.services.gaps.scan import reconsider, scan
from quality_app.services.validation.run import validate
from quality_app.sessions import sessions
from quality_app.tests.conftest import MakeDataset, bars_at, quotes_at, write_rows
from quality_app.tests.frames import MINUTE_NS, rows_of


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _closes(start: str, end: str) -> Int64s:
    found = sessions(SessionCalendar(FX_WEEK, ""), _ns(start), _ns(end)).select("open_ns", "close_ns")
    closes = np.concatenate([np.arange(o + MINUTE_NS, c + 1, MINUTE_NS) for o, c in found.iter_rows()])
    return closes[(closes > _ns(start)) & (closes <= _ns(end))]


SECOND_NS = 1_000_000_000
WEEK = _closes("2024-01-08", "2024-01-16")


@pytest.fixture
def rewrite(make_dataset: MakeDataset, store: Store):
    """Replace all bars of the dataset by these and sync."""

    def write(closes: Int64s) -> Dataset:
        for file in store.files.filter(role="data"):
            (Path(store.root) / file.path).unlink()
        dataset = make_dataset("bar", bars_at(closes))
        return Dataset.objects.select_related("store", "definition").get(pk=dataset.pk)

    return write


class _Rows:
    """Counts what a scan reads: files that are kept count at once, read ones by batches."""

    def __init__(self) -> None:
        self.read = 0

    def part(self, text: str) -> None: ...

    def log(self, text: str, level: str = "info") -> None: ...

    def check(self) -> None:
        self.read += self._last

    def advance(self, count: int) -> None:
        self._last = count


def _ends(dataset: Dataset) -> list[tuple[int, int, bool]]:
    return [(g.start_ns, g.end_ns, g.filled_at is not None) for g in Gap.objects.filter(dataset=dataset)]


def test_a_hole_is_kept_with_its_ends_cause_and_completeness(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    summary = scan(dataset)
    gap = Gap.objects.get()
    assert (gap.start_ns, gap.end_ns, gap.missing) == (WEEK[1000], WEEK[1089], 90)
    assert (gap.cause, gap.severity) == ("unexplained", "high")
    assert gap.gap_start == datetime.fromtimestamp(WEEK[1000] / 1e9, UTC)
    assert (gap.instrument_id, gap.timeframe) == ("GBP/USD.SIM", "1-MINUTE-BID")
    assert summary["expected"] == len(WEEK)
    assert summary["gaps"][0]["startNs"] == str(WEEK[1000])
    dataset.refresh_from_db()
    assert dataset.open_gap_count == 1
    assert dataset.last_scanned is not None
    assert dataset.completeness == Decimal(10_000 * (len(WEEK) - 90) // len(WEEK)).scaleb(-4)
    assert dataset.quality_score is None  # nothing was validated


def test_completeness_joins_the_score(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    validate(dataset)
    assert dataset.quality_score == 1
    scan(dataset)
    assert dataset.quality_score < 1
    assert [term["name"] for term in dataset.metadata["score"]["terms"]] == [
        "completeness",
        "accuracy",
        "consistency",
    ]


def test_nothing_is_read_again_when_nothing_changed(rewrite) -> None:
    dataset = rewrite(WEEK)
    scan(dataset)
    at = dataset.last_scanned
    scan(dataset)
    assert dataset.last_scanned == at
    scan(dataset, force=True)
    assert dataset.last_scanned > at


def test_the_same_gap_keeps_its_row(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    before = Gap.objects.get()
    scan(rewrite(np.delete(WEEK, [*range(1000, 1090), *range(3000, 3010)])))
    assert Gap.objects.count() == 2
    after = Gap.objects.get(pk=before.pk)
    assert (after.start_ns, after.detected_at) == (before.start_ns, before.detected_at)
    assert after.details == {}


def test_a_filled_gap_becomes_history(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    dataset = rewrite(WEEK)
    summary = scan(dataset)
    assert _ends(dataset) == [(WEEK[1000], WEEK[1089], True)]
    assert summary["gaps"] == []
    assert (summary["filledGaps"], dataset.open_gap_count, dataset.completeness) == (1, 0, 1)


def test_a_gap_that_comes_back_is_opened_again(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    before = Gap.objects.get()
    scan(rewrite(WEEK))
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    after = Gap.objects.get()
    assert (after.pk, after.filled_at) == (before.pk, None)
    assert "filledAt" in after.details["history"][0]


def test_a_gap_that_is_filled_in_part_keeps_its_row_for_the_larger_rest(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1100))))
    before = Gap.objects.get()
    dataset = rewrite(np.delete(WEEK, [*range(1000, 1020), *range(1030, 1100)]))
    scan(dataset)
    assert _ends(dataset) == [(WEEK[1000], WEEK[1019], False), (WEEK[1030], WEEK[1099], False)]
    kept = Gap.objects.get(pk=before.pk)
    assert kept.start_ns == WEEK[1030]
    assert kept.detected_at == before.detected_at
    assert kept.details["history"][0]["startNs"] == str(WEEK[1000])


def test_a_gap_outside_what_is_left_of_the_data_is_withdrawn_not_filled(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    dataset = rewrite(WEEK[2000:])
    summary = scan(dataset)
    assert not Gap.objects.exists()
    assert (summary["withdrawnGaps"], summary["filledGaps"]) == (1, 0)


def test_a_wanted_range_is_reported_and_not_kept(rewrite) -> None:
    dataset = rewrite(WEEK[60:])
    summary = scan(dataset, start_ns=int(WEEK[0]), end_ns=int(WEEK[500]))
    assert (summary["expected"], summary["missing"]) == (501, 60)
    (gap,) = summary["gaps"]
    assert (gap["startNs"], gap["endNs"], gap["missing"]) == (str(WEEK[0]), str(WEEK[59]), 60)
    assert (gap["unit"], gap["lostSeconds"]) == ("bars", 3600)
    assert not Gap.objects.exists()
    dataset.refresh_from_db()
    assert dataset.last_scanned is None


def test_short_pauses_of_a_thin_market_are_counted_and_never_called_filled(
    rewrite, monkeypatch: pytest.MonkeyPatch
) -> None:
    thin = np.random.default_rng(5).random(len(WEEK)) > 0.4
    dataset = rewrite(WEEK[thin])
    monkeypatch.setattr(gap_records, "QUIET_NS", 0)
    listed = scan(dataset)
    assert Gap.objects.filter(cause="illiquid").count() == listed["gapCount"] > 100
    monkeypatch.setattr(gap_records, "QUIET_NS", 600 * SECOND_NS)
    counted = reconsider(dataset)
    assert counted["shortQuietGaps"] == counted["withdrawnGaps"] > 100
    assert counted["filledGaps"] == 0
    assert counted["missing"] == counted["explained"] == listed["missing"]


def test_gaps_beyond_the_bound_are_counted(rewrite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_records, "KEPT", 3)
    holes = [at + n for n, at in enumerate(range(1000, 6000, 1000)) for _ in (0,)]
    missing = [index for n, at in enumerate(holes) for index in range(at, at + 10 + n)]
    dataset = rewrite(np.delete(WEEK, missing))
    summary = scan(dataset)
    assert Gap.objects.count() == 3
    assert (summary["gapCount"], summary["notKept"]) == (5, 2)
    assert sorted(Gap.objects.values_list("missing", flat=True)) == [12, 13, 14]
    again = scan(dataset, force=True)
    assert (again["newGaps"], again["notKept"]) == (0, 2)


def test_a_hole_between_files_is_found(make_dataset: MakeDataset, store: Store) -> None:
    make_dataset("bar", bars_at(WEEK[:100]))
    dataset = make_dataset("bar", bars_at(WEEK[130:200]))
    scan(dataset)
    assert [(g.start_ns, g.end_ns) for g in Gap.objects.all()] == [(WEEK[100], WEEK[129])]


def test_quotes_are_measured_in_seconds_of_trading(make_dataset: MakeDataset) -> None:
    seconds = np.arange(_ns("2024-01-08"), _ns("2024-01-19"), SECOND_NS)
    hole = (seconds > _ns("2024-01-10 10:00")) & (seconds < _ns("2024-01-10 11:00"))
    closed = (seconds >= _ns("2024-01-12 22:00")) & (seconds < _ns("2024-01-14 22:00"))
    dataset = make_dataset("quote", quotes_at(seconds[~hole & ~closed]))
    summary = scan(dataset)
    gap = Gap.objects.get()
    assert (gap.start_ns, gap.end_ns) == (_ns("2024-01-10 10:00"), _ns("2024-01-10 11:00"))
    assert (gap.unit, gap.missing, gap.lost_ns) == ("seconds", 3600, 3600 * SECOND_NS)
    assert (gap.cause, gap.severity) == ("unexplained", "high")
    assert (summary["unit"], summary["missing"]) == ("seconds", 3600)
    assert dataset.completeness is not None
    assert dataset.completeness < 1


def test_trades_that_are_missing_by_their_ids_are_counted(make_dataset: MakeDataset) -> None:
    times = np.arange(_ns("2024-01-08"), _ns("2024-01-08") + 600 * SECOND_NS, SECOND_NS)
    rows = rows_of("trade", len(times))
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        row |= {"trade_id": str(number + (7 if number >= 300 else 0)), "ts_event": int(time), "ts_init": int(time)}
    dataset = make_dataset("trade", rows)
    summary = scan(dataset)
    gap = Gap.objects.get()
    assert (gap.unit, gap.missing, gap.start_ns, gap.end_ns) == ("rows", 7, times[299], times[300])
    assert (summary["unit"], summary["missing"], summary["missingRows"]) == ("seconds", 0, 7)


def test_data_that_comes_when_something_happens_has_unknown_completeness(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", rows_of("quote", 10))
    dataset.data_type = "close"
    dataset.save()
    summary = scan(dataset)
    assert summary["completeness"] is None
    assert "nothing is missing between them" in summary["reason"]
    assert (dataset.completeness, dataset.open_gap_count) == (None, None)
    assert dataset.last_scanned is not None


def test_only_a_new_file_is_read(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", bars_at(WEEK[:1000]))
    scan(dataset)
    before = dict(FileTimes.objects.values_list("path", "pk"))
    dataset = make_dataset("bar", bars_at(WEEK[1010:2000]))
    counted = _Rows()
    assert scan(dataset, counted)["missing"] == 10  # type: ignore[arg-type]
    assert counted.read == 990
    after = dict(FileTimes.objects.values_list("path", "pk"))
    assert before.items() < after.items()
    assert len(after) == 2


def test_a_file_that_is_gone_leaves_nothing(make_dataset: MakeDataset, store: Store) -> None:
    make_dataset("bar", bars_at(WEEK[:1000]))
    dataset = make_dataset("bar", bars_at(WEEK[1010:2000]))
    scan(dataset)
    first = dataset.files.order_by("path").first()
    assert first is not None
    (Path(store.root) / first.path).unlink()
    sync_store(store)
    dataset.refresh_from_db()
    assert scan(dataset)["expected"] == 990
    assert FileTimes.objects.count() == 1
    assert not Gap.objects.exists()


def test_days_add_up_to_months(rewrite) -> None:
    scan(rewrite(np.delete(WEEK, slice(1000, 1090))))
    month = MonthCompleteness.objects.get()
    assert month.month.isoformat() == "2024-01-01"
    assert (month.expected, month.missing, month.explained) == (len(WEEK), 90, 0)
    assert sum(day[0] for day in month.days.values()) == len(WEEK)
    assert [day for day in month.days.values() if day[1]] == [[1320, 90, 0]]


def test_a_gap_that_is_expected_counts_no_longer_until_it_grows(rewrite, admin_user) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    scan(dataset)
    Gap.objects.update(expected_reason="holiday", expected_by=admin_user, expected_at=timezone.now())
    summary = reconsider(dataset)
    assert (summary["completeness"], summary["missing"], summary["explained"]) == (1, 90, 90)
    assert (dataset.completeness, dataset.open_gap_count) == (1, 0)
    assert MonthCompleteness.objects.get().explained == 90

    assert scan(rewrite(np.delete(WEEK, slice(1000, 1060))))["explained"] == 60
    assert scan(rewrite(np.delete(WEEK, slice(1000, 1120))))["explained"] == 0
    gap = Gap.objects.get()
    assert (gap.expected_at, gap.expected_reason) == (None, "")
    assert gap.details["history"][-1]["expectedReason"] == "holiday"


def test_an_outage_is_the_cause_of_what_lies_in_it(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, [*range(1000, 1090), *range(3000, 3060)]))
    scan(dataset)
    SourceIncident.objects.create(venue="SIM", title="Feed down", start_ns=int(WEEK[990]), end_ns=int(WEEK[1100]))
    scan(dataset)
    assert list(Gap.objects.values_list("cause", "severity")) == [("outage", "high"), ("unexplained", "high")]
    assert dataset.open_gap_count == 2


def test_what_is_wanted_and_not_there_is_missing(rewrite) -> None:
    dataset = rewrite(WEEK[100:])
    WantedData.objects.create(
        instrument_id=dataset.instrument_id.replace("/", ""),
        data_type="bar",
        timeframe=dataset.timeframe,
        start_ns=int(WEEK[0]),
        end_ns=int(WEEK[-1]),
    )
    assert scan(dataset)["missing"] == 100
    gap = Gap.objects.get()
    assert (gap.start_ns, gap.end_ns) == (WEEK[0], WEEK[99])


def test_another_calendar_finds_gaps_anew_without_reading(rewrite) -> None:
    dataset = rewrite(WEEK)
    assert scan(dataset)["missing"] == 0
    CalendarAssignment.objects.create(venue="SIM", built_in="24/7", note="test")
    counted = _Rows()
    weekend = 49 * 60
    assert scan(dataset, counted)["missing"] == pytest.approx(weekend, abs=60)  # type: ignore[arg-type]
    assert counted.read == 0


def test_the_job_scans_each_dataset(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    job = run_inline("scan_gaps", {"datasetIds": [str(dataset.pk)]})
    assert job.state == "succeeded", job.error
    assert job.result["datasets"][0]["missing"] == 90
    assert job.done == job.total == len(WEEK) - 90


def test_the_job_leaves_alone_what_did_not_change(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    keys = [str(dataset.pk)]
    run_inline("scan_gaps", {"datasetIds": keys})
    again = run_inline("scan_gaps", {"datasetIds": keys})
    assert (again.result["datasets"], again.result["unchanged"]) == ([], 1)
    assert len(run_inline("scan_gaps", {"datasetIds": keys, "force": True}).result["datasets"]) == 1


def test_rows_written_after_the_sync_are_not_scanned_unseen(rewrite, store: Store) -> None:
    dataset = rewrite(WEEK[:100])
    write_rows(store, "bar", bars_at(WEEK[130:200]))
    assert scan(dataset)["expected"] == 100
    sync_store(store)
    dataset.refresh_from_db()
    assert scan(dataset)["expected"] == 200
