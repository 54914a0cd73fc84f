"""Validation of a dataset: what is kept, what is skipped, and what broken files do."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from catalog_app.models import DataFile, Dataset, Store
from catalog_app.services.errors import JobFailed
from catalog_app.services.jobs import run_inline
from catalog_app.services.stores import register_store
from catalog_app.services.sync import sync_store
from catalog_app.tests.market import market_path
from quality_app.models import CheckResult, QualityMetric, ValidationRun
from quality_app.services.validation.run import validate
from quality_app.tests.conftest import MakeDataset
from quality_app.tests.frames import MINUTE_NS, rows_of


def _results(run: ValidationRun) -> dict[str, CheckResult]:
    return {result.check_id: result for result in run.results.all()}


def _later(rows: list[dict], minutes: int) -> list[dict]:
    times = ("ts_event", "ts_init")
    return [row | {name: row[name] + minutes * MINUTE_NS for name in times} for row in rows]


def test_findings_scores_and_metrics_are_kept(make_dataset: MakeDataset) -> None:
    rows = rows_of("quote", 1000)
    rows[7] |= {"bid_price": "1.20000"}
    dataset = make_dataset("quote", rows)
    run = validate(dataset)
    crossed = _results(run)["quote.crossed"]
    assert (crossed.rows, crossed.violations, crossed.score) == (1000, 1, Decimal(0))
    (sample,) = crossed.samples
    assert sample["row"] == 7
    assert sample["file"] == dataset.files.get().path
    assert sample["values"]["bid_price"] == "1.20000"
    found = {result.check_id for result in run.results.filter(violations__gt=0)}
    assert found == {"quote.crossed", "quote.outlier", "return.spike"}
    dataset.refresh_from_db()
    scores = run.results.filter(dimension="accuracy", score__isnull=False).values_list("score", flat=True)
    share = Fraction(sum(score == 1 for score in scores), len(scores))
    accuracy = Decimal(10_000 * share.numerator // share.denominator) / 10_000
    assert dataset.accuracy == accuracy < 1
    assert dataset.consistency == dataset.timeliness == 1
    assert dataset.completeness is None
    overall = (Fraction(30, 100) * share + Fraction(35, 100)) / Fraction(65, 100)
    assert dataset.quality_score == Decimal(10_000 * overall.numerator // overall.denominator) / 10_000
    assert dataset.metadata["score"]["unknown"] == ["completeness"]
    assert dataset.last_validated == run.finished_at
    kept = dict(QualityMetric.objects.values_list("metric_name", "metric_value"))
    assert kept["check.quote.crossed"] == Decimal("0.001")
    assert {name: value for name, value in kept.items() if not name.startswith("check.")} == {
        "overall": dataset.quality_score,
        "accuracy": accuracy,
        "consistency": Decimal(1),
        "timeliness": Decimal(1),
    }


def test_repeats_are_found_across_files(make_dataset: MakeDataset, store: Store) -> None:
    """Two files may not overlap, but the second may begin with the trade that ended the first."""
    first = rows_of("trade", 10)
    make_dataset("trade", first)
    others = [row | {"trade_id": f"n{row['trade_id']}"} for row in first]
    dataset = make_dataset("trade", [*_later(first[-1:], 1), *_later(others, 20)])
    run = validate(dataset)
    assert run.rows == 21
    duplicate = _results(run)["row.duplicate"]
    assert duplicate.violations == 1
    assert duplicate.samples[0]["row"] == 0


def test_nothing_is_read_again_when_nothing_changed(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    first = validate(dataset)
    assert validate(dataset).pk == first.pk
    assert dataset.last_validated is not None
    assert dataset.last_validated > first.finished_at  # it was found to hold still
    assert validate(dataset, force=True).pk != first.pk


def test_new_files_are_validated(make_dataset: MakeDataset) -> None:
    first = validate(make_dataset("bar", rows_of("bar", 10)))
    dataset = make_dataset("bar", _later(rows_of("bar", 5), 10))
    run = validate(dataset)
    assert run.pk != first.pk
    assert (run.rows, len(run.files)) == (15, 2)


def test_a_run_of_one_check_keeps_what_the_others_found(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    before = _results(validate(dataset))
    run = validate(dataset, check_ids=["bar.ohlc"], force=True)
    assert _results(run).keys() == before.keys()
    assert dataset.quality_score == 1


def test_another_increment_makes_its_check_run_again(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    validate(dataset)
    assert dataset.definition is not None
    dataset.definition.price_increment = "0.0003"
    run = validate(dataset)
    assert _results(run)["row.precision"].violations == 10


def test_without_a_definition_checks_that_need_it_do_not_run(make_dataset: MakeDataset) -> None:
    run = validate(make_dataset("bar", rows_of("bar", 10), defined=False))
    reasons = {entry["check"]: entry["reason"] for entry in run.not_run}
    assert reasons.keys() >= {"price.positive", "row.precision (increment)"}
    assert "price.positive" not in _results(run)
    assert _results(run)["row.precision"].violations == 0


def _truncate(store: Store, dataset: Dataset, keep: float) -> DataFile:
    file = dataset.files.order_by("path").first()
    assert file is not None
    path = Path(store.root) / file.path
    path.write_bytes(path.read_bytes()[: int(file.size_bytes * keep)])
    return file


def test_a_file_without_footer_is_a_critical_finding_and_the_rest_is_checked(
    make_dataset: MakeDataset, store: Store
) -> None:
    make_dataset("bar", rows_of("bar", 10))
    dataset = make_dataset("bar", _later(rows_of("bar", 5), 10))
    broken = _truncate(store, dataset, 0.5)
    sync_store(store)
    dataset.refresh_from_db()
    run = validate(dataset)
    unreadable = _results(run)["file.unreadable"]
    assert (unreadable.rows, unreadable.violations, unreadable.severity) == (2, 1, "critical")
    assert unreadable.samples[0]["file"] == broken.path
    assert run.rows == 5
    assert dataset.quality_score == Decimal("0.49")


def test_a_damaged_page_is_a_critical_finding(make_dataset: MakeDataset, store: Store) -> None:
    """The footer is whole, so the index takes the file; reading its pages fails."""
    dataset = make_dataset("bar", rows_of("bar", 2000))
    file = dataset.files.get()
    path = Path(store.root) / file.path
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    sync_store(store)
    run = validate(dataset)
    assert _results(run)["file.unreadable"].violations == 1
    assert dataset.quality_score is None  # no row was read
    assert {"check": "bar.ohlc", "reason": "No row could be read."} in run.not_run
    assert {result.check_id.split(".")[0] for result in run.results.all()} == {"file", "instrument"}


def test_a_file_that_changed_since_the_sync_is_refused(make_dataset: MakeDataset, store: Store) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    _truncate(store, dataset, 0.9)
    with pytest.raises(JobFailed, match="Sync the store"):
        validate(dataset)
    assert not ValidationRun.objects.exists()


def test_unknown_checks_are_refused(make_dataset: MakeDataset) -> None:
    with pytest.raises(ValueError, match=r"no\.such"):
        validate(make_dataset("bar", rows_of("bar", 3)), check_ids=["no.such"])


def test_the_job_goes_on_after_a_failed_dataset_and_fails_at_its_end(make_dataset: MakeDataset, store: Store) -> None:
    bars = make_dataset("bar", rows_of("bar", 10))
    trades = make_dataset("trade", rows_of("trade", 10))
    _truncate(store, bars, 0.9)
    job = run_inline("validate", {"datasetIds": [str(bars.pk), str(trades.pk), "0" * 32]})
    assert job.state == "failed"
    assert "2 of 3 datasets failed" in job.error
    assert ValidationRun.objects.get().dataset == trades
    assert ValidationRun.objects.get().job == job
    assert job.lines.filter(level="error", text__contains="Sync the store").exists()


def test_the_job_returns_runs_and_scores(make_dataset: MakeDataset) -> None:
    dataset = make_dataset("bar", rows_of("bar", 10))
    job = run_inline("validate", {"datasetIds": [str(dataset.pk)]})
    assert job.state == "succeeded"
    (result,) = job.result["datasets"]
    assert (result["rows"], result["score"]) == (10, "1.0000")


@pytest.fixture
def real_store(db: None, tmp_path: Path) -> Store:
    return register_store(market_path("stores/nautilus-1.231"), read_only=True)


def test_a_real_store_is_validated_whole(real_store: Store) -> None:
    sync_store(real_store)
    runs = {str(row.path): validate(row) for row in real_store.datasets.select_related("store", "definition")}
    rows = {path: run.rows for path, run in runs.items()}
    assert sum(rows.values()) == 11_788 + 22_750 + 130 + 13_786 + 10
    for path, run in runs.items():
        found = {r.check_id: r.violations for r in run.results.all() if r.violations and r.severity != "info"}
        expected = {
            # HistData tells New York's time without daylight saving; this store took it as UTC.
            "data/quote_tick/EURUSD.SIM": {"session.outside": 7_740},
            # The exchange's book changed below its best prices: the same quote came again.
            "data/quote_tick/ESU4.GLBX": {"row.duplicate": 24},
            "data/trade_tick/XBTUSD.BITMEX": {"instrument.missing": 1},
        }
        assert found == expected.get(path, {}), path
        json.dumps(run.not_run)
