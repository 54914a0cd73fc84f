"""Gap scans of a dataset: what is kept, and how a gap keeps its identity over rescans."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from catalog_app.models import Dataset, Store
from catalog_app.services.jobs import run_inline
from catalog_app.services.sync import sync_store
from quality_app.calendars import FX_WEEK, SessionCalendar
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap
from quality_app.services.gaps import records as gap_records
from quality_app.services.gaps.scan import scan
from quality_app.services.validation.run import validate
from quality_app.sessions import sessions
from quality_app.tests.conftest import MakeDataset, bars_at, write_rows
from quality_app.tests.frames import MINUTE_NS, rows_of


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


def _closes(start: str, end: str) -> Int64s:
    found = sessions(SessionCalendar(FX_WEEK, ""), _ns(start), _ns(end)).select("open_ns", "close_ns")
    closes = np.concatenate([np.arange(o + MINUTE_NS, c + 1, MINUTE_NS) for o, c in found.iter_rows()])
    return closes[(closes > _ns(start)) & (closes <= _ns(end))]


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
    assert summary["gaps"][0] | {"cause": "", "severity": ""} == {
        "startNs": str(WEEK[0]),
        "endNs": str(WEEK[59]),
        "missing": 60,
        "cause": "",
        "severity": "",
    }
    assert not Gap.objects.exists()
    dataset.refresh_from_db()
    assert dataset.last_scanned is None


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


def test_ticks_have_unknown_completeness_with_a_reason(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("quote", rows_of("quote", 10))
    summary = scan(dataset)
    assert summary["completeness"] is None
    assert summary["reason"] == "Gaps of quotes are not scanned yet."
    assert (dataset.completeness, dataset.open_gap_count) == (None, None)
    assert dataset.last_scanned is not None


def test_the_job_scans_each_dataset(rewrite) -> None:
    dataset = rewrite(np.delete(WEEK, slice(1000, 1090)))
    job = run_inline("scan_gaps", {"datasetIds": [str(dataset.pk)]})
    assert job.state == "succeeded", job.error
    assert job.result["datasets"][0]["missing"] == 90
    assert job.done == job.total == len(WEEK) - 90


def test_rows_written_after_the_sync_are_not_scanned_unseen(rewrite, store: Store) -> None:
    dataset = rewrite(WEEK[:100])
    write_rows(store, "bar", bars_at(WEEK[130:200]))
    assert scan(dataset)["expected"] == 100
    sync_store(store)
    dataset.refresh_from_db()
    assert scan(dataset)["expected"] == 200
