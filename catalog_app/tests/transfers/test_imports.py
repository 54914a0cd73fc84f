"""An import commits wholly or not at all, and says why not."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest

from catalog_app.models import Store, StoreOperation
from catalog_app.models.job import JobState
from catalog_app.services import leases
from catalog_app.services.errors import DatasetLocked
from catalog_app.services.importing import ImportRefused
from catalog_app.services.jobs import run_inline
from catalog_app.store.commit.recovery import undo
from catalog_app.store.reader import scan
from catalog_app.store.schema import SCALE
from catalog_app.tests.market import market_path
from catalog_app.tests.transfers.conftest import GOOD, Importer, bars, files_of

SIXE = {
    "instrument_class": "futures_contract",
    "currency": "USD",
    "price_precision": 5,
    "price_increment": "0.00005",
    "multiplier": "125000",
    "asset_class": "FX",
    "underlying": "6E",
    "activation_ns": 1_672_531_200_000_000_000,
    "expiration_ns": 1_710_806_399_999_999_999,
}
# Prints what NautilusTrader itself makes of a store, as JSON.
JUDGE = """
import json, sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog
catalog = ParquetDataCatalog(sys.argv[1])
bars = catalog.bars()
print(json.dumps({
    "instruments": [str(i.id) for i in catalog.instruments()],
    "bars": [[str(b.open), str(b.high), str(b.low), str(b.close), str(b.volume), b.ts_event, b.ts_init] for b in bars],
}))
"""


def _judged(store: Store) -> dict[str, list]:
    shown = subprocess.run([sys.executable, "-c", JUDGE, store.root], capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


def test_good_bars_land_close_stamped_with_their_instrument(store: Store, import_text: Importer) -> None:
    item, job = import_text(bars(*GOOD))

    assert (job.state, job.error) == (JobState.SUCCEEDED, "")
    assert (item.record_count, item.rejected_count) == (3, 0)
    assert item.dataset is not None
    assert item.dataset.instrument_id == "GBP/USD.SIM"
    judged = _judged(store)
    assert judged["instruments"] == ["GBP/USD.SIM"]
    minute = 60_000_000_000
    first = 1_704_189_600_000_000_000 + minute
    assert judged["bars"][0] == ["1.10000", "1.10020", "1.09990", "1.10010", "5", first, first]
    assert [row[6] for row in judged["bars"]] == [first, first + minute, first + 2 * minute]


def test_the_import_is_an_operation_that_can_be_undone(store: Store, import_text: Importer) -> None:
    item, _ = import_text(bars(*GOOD))
    operation = StoreOperation.objects.get(operation_id=item.import_id)
    assert (operation.kind, operation.rows_after, len(operation.files_after)) == ("import", 3, 2)

    undo(Path(store.root), operation.operation_id)

    assert files_of(store) == []


@pytest.mark.parametrize(
    ("file", "bar_type", "instrument", "stamp", "rows"),
    [
        ("csv/gbpusd-m1-bid-2012.csv", "GBP/USD.SIM-1-MINUTE-BID-EXTERNAL", None, "open", 30_117),
        ("csv/6EH4.XCME_1min_bars_20240101_20240131.csv.gz", "6EH4.XCME-1-MINUTE-LAST-EXTERNAL", SIXE, "close", 29_996),
    ],
)
def test_real_files_equal_what_nautilus_reads_back(
    store: Store, import_text: Importer, file: str, bar_type: str, instrument: dict | None, stamp: str, rows: int
) -> None:
    changes = {"new_instrument": instrument} if instrument else {}
    item, job = import_text(
        market_path(file),
        bar_type=bar_type,
        instrument_id=bar_type.partition("-1-")[0],
        mapping={"stamp": stamp},
        **changes,
    )

    assert (job.error, item.record_count) == ("", rows)
    source = pl.read_csv(market_path(file), infer_schema=False)
    shift = 60_000_000_000 if stamp == "open" else 0
    times = source[source.columns[0]].str.to_datetime(time_unit="ns", time_zone="UTC").dt.epoch("ns") + shift
    judged = pl.DataFrame(
        _judged(store)["bars"], schema=["open", "high", "low", "close", "volume", "ts_event", "ts_init"], orient="row"
    )
    assert judged.height == rows
    assert judged["ts_init"].to_list() == times.to_list()
    for name in ("open", "high", "low", "close"):
        assert judged[name].cast(pl.Decimal(20, 9)).equals(source[name].cast(pl.Decimal(20, 9)))


def test_bars_without_volume_are_accepted_as_such(store: Store, import_text: Importer) -> None:
    text = "timestamp,open,high,low,close\n2024-01-02 10:00:00,1.1,1.2,1.0,1.15\n"

    item, job = import_text(text)

    assert item.record_count == 1
    assert "no volume" in job.lines.get(level="warning").text


BAD_ROWS = {
    "high below low": ("2024-01-02 10:03:00,1.1,1.0,1.2,1.1,5", "high"),
    "negative price": ("2024-01-02 10:03:00,-1.1,1.2,-1.2,1.1,5", "not positive"),
    "unparsable time": ("2024-01-02 25:03:00,1.1,1.2,1.0,1.1,5", "time"),
    "unparsable number": ("2024-01-02 10:03:00,1.1,abc,1.0,1.1,5", "abc"),
    "missing value": ("2024-01-02 10:03:00,1.1,,1.0,1.1,5", "missing"),
    "too many decimals": ("2024-01-02 10:03:00,1.1000001,1.2,1.0,1.1,5", "decimals"),
    "negative volume": ("2024-01-02 10:03:00,1.1,1.2,1.0,1.1,-5", "volume"),
    "missing field": ("2024-01-02 10:03:00,1.1,1.2", "fields"),
    "duplicate time": ("2024-01-02 10:02:00,1.1,1.2,1.0,1.1,5", "time already"),
    "identical row": (GOOD[2], "same bar"),
}


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_stops_the_import_and_is_named(store: Store, import_text: Importer, row: str, reason: str) -> None:
    item, job = import_text(bars(*GOOD, row))

    assert job.state == JobState.FAILED
    assert "nothing was written" in job.error
    assert item.rejected_count == 1
    assert item.rejected_rows[0]["line"] == 5
    assert reason in item.rejected_rows[0]["reason"]
    assert files_of(store) == []


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_bad_rows_can_be_skipped_on_demand(store: Store, import_text: Importer, row: str, reason: str) -> None:
    item, job = import_text(bars(*GOOD, row), skip_rejected=True)

    assert (job.error, item.record_count, item.rejected_count) == ("", 3, 1)
    assert reason in item.rejected_rows[0]["reason"]


def test_rows_out_of_order_are_refused_with_their_lines(store: Store, import_text: Importer) -> None:
    _, job = import_text(bars(GOOD[0], GOOD[2], GOOD[1]))

    assert job.state == JobState.FAILED
    assert "lines 4" in job.error
    assert files_of(store) == []


def test_rows_out_of_order_are_sorted_on_demand(store: Store, import_text: Importer) -> None:
    item, job = import_text(bars(*reversed(GOOD)), sort_rows=True)

    assert (job.error, item.record_count) == ("", 3)
    assert item.dataset is not None
    rows = scan(Path(store.root), [file.path for file in item.dataset.files.all()], "bar").collect()
    assert rows["open"].to_list() == [11_000 * SCALE // 10_000, 11_001 * SCALE // 10_000, 11_002 * SCALE // 10_000]


def test_a_file_whose_every_row_is_bad_writes_nothing(store: Store, import_text: Importer) -> None:
    _, job = import_text(bars("2024-01-02 10:03:00,0,0,0,0,0"), skip_rejected=True)

    assert "no row that can be used" in job.error
    assert files_of(store) == []


def test_data_that_is_there_already_is_a_conflict(store: Store, import_text: Importer) -> None:
    import_text(bars(*GOOD))
    before = files_of(store)

    _, job = import_text(bars(*GOOD))

    assert job.state == JobState.FAILED
    assert "overlap" in job.error
    assert files_of(store) == before


def test_later_data_joins_the_dataset_with_the_known_instrument(store: Store, import_text: Importer) -> None:
    import_text(bars(*GOOD))

    item, job = import_text(bars("2024-01-03 10:00:00,1.1,1.2,1.0,1.1,5"), new_instrument=None)

    assert job.error == ""
    assert item.dataset is not None
    assert (item.dataset.record_count, item.dataset.file_count) == (4, 2)


def test_an_unknown_instrument_is_refused_before_anything_runs(store: Store, import_text: Importer) -> None:
    with pytest.raises(ImportRefused, match=r"no definition of GBP/USD\.SIM"):
        import_text(bars(*GOOD), new_instrument=None)


def test_a_read_only_store_is_refused(store: Store, import_text: Importer) -> None:
    Store.objects.update(read_only=True)
    store.refresh_from_db()

    with pytest.raises(ImportRefused, match="read-only"):
        import_text(bars(*GOOD))


def test_a_locked_dataset_is_refused_with_the_holders_purpose(store: Store, import_text: Importer) -> None:
    path = "data/bar/GBPUSD.SIM-1-MINUTE-BID-EXTERNAL"
    with leases.hold(store, [path], uuid4(), "deduplication"):
        _, job = import_text(bars(*GOOD))

    assert job.state == JobState.FAILED
    assert "deduplication" in job.error
    assert files_of(store) == []
    with leases.hold(store, [path], uuid4(), "free again"), pytest.raises(DatasetLocked):
        leases.hold(store, [path], uuid4(), "second").__enter__()


def test_a_repeated_attempt_never_brings_rows_in_twice(store: Store, import_text: Importer) -> None:
    item, _ = import_text(bars(*GOOD))
    before = files_of(store)
    StoreOperation.objects.all().delete()  # as if the worker had died right after the commit

    again = run_inline("import", {"importId": str(item.import_id)})

    assert (again.error, again.result["recordCount"]) == ("", 3)
    assert files_of(store) == before
    assert StoreOperation.objects.filter(operation_id=item.import_id).exists()
