"""validate_data and scan_gaps: one JSON document, exit codes, messages on stderr."""

import json
from io import StringIO
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog_app.models import Dataset, Store
from quality_app.models import Gap
from quality_app.services.anomalies.triage import triage
from quality_app.tests.conftest import MakeDataset, bars_at
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
        ("scan_gaps", ["--start", "2024-02-02", "--end", "2024-02-01"]),
    ],
)
def test_wrong_usage_ends_with_two(make_dataset: MakeDataset, command: str, arguments: list[str]) -> None:
    make_dataset("bar", rows_of("bar", 3))
    with pytest.raises(CommandError) as error:
        call_command(command, *arguments)
    assert error.value.returncode == 2


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


def test_text_for_people(make_dataset: MakeDataset) -> None:
    _bars(make_dataset)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("scan_gaps", stdout=out)
    assert "90 of" in out.getvalue()
    out = StringIO()
    call_command("validate_data", stdout=out)
    assert "GBP/USD.SIM bar 1-MINUTE-BID: score" in out.getvalue()
