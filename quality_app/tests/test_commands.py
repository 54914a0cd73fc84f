"""validate_data and scan_gaps: one JSON document, exit codes, messages on stderr."""

import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog_app.models import Dataset, Store
from quality_app.gaps.grid import Int64s
from quality_app.models import Gap
from quality_app.services.anomalies.triage import triage
from quality_app.services.gaps.expecting import expect
from quality_app.tests.conftest import MakeDataset, bars_at, quotes_at
from quality_app.tests.dashboard.conftest import NOW
from quality_app.tests.frames import rows_of
from quality_app.tests.test_gap_scan import WEEK


def _run(command: str, *arguments: str) -> tuple[Any, str, int]:
    """JSON, stderr and exit code."""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command(command, "--json", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    return json.loads(out.getvalue()), err.getvalue(), code


def test_clean_data_passes(make_dataset: MakeDataset, store: Store) -> None:
    make_dataset("bar", rows_of("bar", 10))
    (report,), _, code = _run("validate_data", "--store", store.name)
    assert code == 0
    assert (report["instrumentId"], report["timeframe"], report["rows"]) == ("GBP/USD.SIM", "1-MINUTE-BID", 10)
    assert report["metrics"]["overall"] == 1
    assert report["metrics"]["unknown"] == ["completeness", "timeliness"]
    assert all(result["passed"] for result in report["validationResults"])


def test_findings_end_with_one(make_dataset: MakeDataset) -> None:
    rows = rows_of("quote", 10)
    rows[3]["bid_price"] = "2"
    make_dataset("quote", rows)
    make_dataset("bar", rows_of("bar", 10))
    (report,), _, code = _run("validate_data", "--instrument", "GBPUSD.SIM", "--data-type", "quote")
    assert code == 1
    failed = [result for result in report["validationResults"] if not result["passed"]]
    assert [(result["checkName"], result["violations"]) for result in failed] == [("quote.crossed", 1)]


def test_what_people_decided_is_no_finding_any_more(make_dataset: MakeDataset) -> None:
    rows = rows_of("quote", 10)
    rows[3]["bid_price"] = "2"
    dataset = make_dataset("quote", rows)
    (report,), _, _ = _run("validate_data", "--checks", "quote.crossed")
    (anomaly,) = report["anomalies"]
    assert (anomaly["check"], anomaly["row"], anomaly["state"]) == ("quote.crossed", 3, "open")
    triage([UUID(anomaly["id"])], "real_event", "The market was crossed.", None)
    (report,), _, code = _run("validate_data", "--checks", "quote.crossed")
    explained = {one["checkName"]: one["explained"] for one in report["validationResults"] if not one["passed"]}
    assert (explained, report["anomalies"], code) == ({"quote.crossed": 1}, [], 0)
    assert dataset.runs.count() == 1


def test_only_the_named_checks_run(make_dataset: MakeDataset) -> None:
    make_dataset("bar", rows_of("bar", 10))
    (report,), _, _ = _run("validate_data", "--checks", "bar.ohlc", "time.order")
    assert [result["checkName"] for result in report["validationResults"]] == ["bar.ohlc", "time.order"]


def test_a_failed_dataset_is_said_on_stderr(make_dataset: MakeDataset, tmp_path) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    path = tmp_path / "store" / dataset.files.get().path
    path.write_bytes(path.read_bytes()[:-10])
    reports, err, code = _run("validate_data")
    assert code == 1
    assert "Sync the store" in err
    assert reports[0]["generatedAt"] is None


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("validate_data", ["--instrument", "NO.SUCH"]),
        ("validate_data", ["--checks", "no.such"]),
        ("validate_data", ["--store", "nowhere"]),
        ("scan_gaps", ["--start", "yesterday"]),
        ("scan_gaps", ["--instrument", "GBPUSD.SIM", "NO.SUCH"]),
        ("scan_gaps", ["--start", "2024-02-02", "--end", "2024-02-01"]),
    ],
)
def test_wrong_usage_ends_with_two(make_dataset: MakeDataset, command: str, arguments: list[str]) -> None:
    make_dataset("bar", rows_of("bar", 3))
    with pytest.raises(CommandError) as error:
        call_command(command, *arguments)
    assert error.value.returncode == 2


def _ticks() -> Int64s:
    """A quote every twenty seconds for some days of a week, and nothing for three hours."""
    start = int(WEEK[0])
    times = start + 20 * 10**9 * np.arange(20_000)
    return np.asarray(times + np.where(np.arange(20_000) >= 1000, 3 * 3600 * 10**9 - 20 * 10**9, 0), np.int64)


def _bars(make_dataset: MakeDataset) -> Dataset:
    return make_dataset("bar", bars_at(np.delete(WEEK, slice(1000, 1090))))


def test_gaps_end_with_one_and_are_listed(make_dataset: MakeDataset) -> None:
    dataset = _bars(make_dataset)
    (summary,), _, code = _run("scan_gaps", "--timeframe", "1-MINUTE-BID")
    assert code == 1
    assert summary["datasetId"] == str(dataset.pk)
    assert (summary["expected"], summary["missing"]) == (len(WEEK), 90)
    assert summary["completeness"] == 1 - 90 / len(WEEK)
    assert [(gap["startNs"], gap["missing"]) for gap in summary["gaps"]] == [(str(WEEK[1000]), 90)]


def test_a_range_is_only_reported(make_dataset: MakeDataset) -> None:
    _bars(make_dataset)
    (summary,), _, code = _run("scan_gaps", "--start", "2024-01-10", "--end", "2024-01-10")
    assert (code, summary["missing"], summary["expected"]) == (0, 0, 1440)
    assert not Gap.objects.exists()


def test_several_instruments_types_and_one_timeframe(make_dataset: MakeDataset) -> None:
    _bars(make_dataset)
    make_dataset("quote", quotes_at(_ticks()))
    summaries, _, code = _run("scan_gaps", "--instrument", "GBPUSD.SIM", "GBP/USD.SIM")
    assert (code, [(one["dataType"], one["unit"]) for one in summaries]) == (1, [("bar", "bars"), ("quote", "seconds")])
    assert all({"datasetId", "completeness", "expected", "missing", "gaps"} <= set(one) for one in summaries)
    (quotes,), _, code = _run("scan_gaps", "--data-type", "quote")
    assert code == 1
    (gap,) = quotes["gaps"]
    assert (gap["startNs"], gap["endNs"], gap["missing"], gap["unit"]) == (
        str(_ticks()[999]), str(_ticks()[1000]), 3 * 3600, "seconds",
    )  # fmt: skip
    assert _run("scan_gaps", "--timeframe", "1-HOUR-BID") == (
        [], "No dataset of the store fits: there was nothing to look at.\n", 0,
    )  # fmt: skip


def test_complete_data_ends_with_zero(make_dataset: MakeDataset) -> None:
    make_dataset("bar", bars_at(WEEK))
    (summary,), err, code = _run("scan_gaps")
    assert (code, err, summary["missing"], summary["gaps"]) == (0, "", 0, [])


def test_what_is_marked_as_expected_is_no_finding(make_dataset: MakeDataset) -> None:
    dataset = _bars(make_dataset)
    _run("scan_gaps")
    expect([Gap.objects.get(dataset=dataset).pk], "The venue was closed.", None)
    (summary,), _, code = _run("scan_gaps", "--force")
    assert (code, summary["missing"], summary["explained"], summary["gaps"]) == (0, 90, 90, [])


def test_rows_that_their_numbers_show_to_be_missing_are_a_finding(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", bars_at(WEEK))
    _run("scan_gaps")
    Gap.objects.create(
        dataset=dataset, gap_start=NOW, gap_end=NOW, start_ns=1, end_ns=2, missing=12, unit="rows",
        severity="low", cause="unexplained",
    )  # fmt: skip
    (summary,), _, code = _run("scan_gaps")
    assert (code, summary["missing"], summary["missingRows"]) == (1, 0, 12)


def test_a_dataset_that_cannot_be_scanned_says_why(make_dataset: MakeDataset, tmp_path: Path) -> None:
    dataset = _bars(make_dataset)
    path = tmp_path / "store" / dataset.files.get().path
    path.write_bytes(path.read_bytes()[:-10])
    (summary,), err, code = _run("scan_gaps")
    assert (code, summary.get("completeness")) == (1, None)
    assert "Sync the store" in err


def test_a_path_that_is_no_known_store_is_registered_read_only(make_dataset: MakeDataset, tmp_path: Path) -> None:
    _bars(make_dataset)
    copied = tmp_path / "copied"
    shutil.copytree(tmp_path / "store", copied)
    with pytest.raises(CommandError, match="sync_catalog") as error:
        call_command("scan_gaps", "--store", str(copied))
    assert error.value.returncode == 2
    found = Store.objects.get(root=str(copied))
    assert found.read_only
    call_command("sync_catalog", "--store", str(copied), stdout=StringIO())
    (summary,), _, code = _run("scan_gaps", "--store", str(copied))
    assert (code, summary["missing"]) == (1, 90)


def test_text_for_people(make_dataset: MakeDataset) -> None:
    _bars(make_dataset)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("scan_gaps", stdout=out)
    line, hole = out.getvalue().splitlines()
    assert f"90 of {len(WEEK):,} expected bars missing without explanation, 0 explained (FX week" in line
    assert hole.endswith(": 90 bars, unexplained, high")
    out = StringIO()
    call_command("validate_data", stdout=out)
    assert "GBP/USD.SIM bar 1-MINUTE-BID: score" in out.getvalue()
