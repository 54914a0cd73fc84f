"""Every planted defect is in the files, just where the manifest says, and nothing else is wrong."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from catalog_app.demo.build import build_store
from catalog_app.demo.damage import DAMAGES
from catalog_app.demo.defects import DEFECTS
from catalog_app.demo.generate import Scope, generate
from catalog_app.store.errors import FileProblem, UnreadableFile
from catalog_app.store.footer import read_footer
from catalog_app.store.layout import V1_DIRECTORY, parse_file_name
from catalog_app.store.reader import scan
from catalog_app.tests.demo.conftest import DemoStore

MINUTE_NS = 60 * 10**9
DATA_TYPES = {directory: data_type for data_type, directory in V1_DIRECTORY.items()}
UNREADABLE = {"truncated-file", "eight-byte-file", "next-dialect-file"}


def files_of(store: DemoStore, dataset: str) -> list[str]:
    refused = {file for key in UNREADABLE for file in store.finding(key).files}
    paths = sorted((store.root / dataset).glob("*.parquet"))
    return [name for path in paths if (name := f"{dataset}/{path.name}") not in refused]


def rows_of(store: DemoStore, dataset: str) -> pl.DataFrame:
    data_type = DATA_TYPES[dataset.split("/")[1]]
    files = files_of(store, dataset)
    return scan(store.root, files, data_type, positions=True).collect() if files else pl.DataFrame()


def datasets(store: DemoStore, *types: str) -> list[str]:
    return [
        f"data/{V1_DIRECTORY[data_type]}/{path.name}"
        for data_type in types
        for path in sorted((store.root / "data" / V1_DIRECTORY[data_type]).iterdir())
        if files_of(store, f"data/{V1_DIRECTORY[data_type]}/{path.name}")
    ]


def found(store: DemoStore, rule: pl.Expr, *types: str) -> set[tuple[str, int]]:
    """Every (file, row) of the whole store that breaks a rule."""
    hits: set[tuple[str, int]] = set()
    for dataset in datasets(store, *types):
        rows = rows_of(store, dataset).filter(rule)
        hits |= set(zip(rows["file"], rows["row"], strict=True))
    return hits


ALL = ("quote", "trade", "bar")
ROW_RULES = {
    "crossed-quotes": (pl.col("bid_price") > pl.col("ask_price"), ("quote",)),
    "high-under-low": (pl.col("high") < pl.max_horizontal("open", "low", "close"), ("bar",)),
    "zero-prices": (pl.min_horizontal("open", "high", "low", "close") <= 0, ("bar",)),
    "zero-size-trades": (pl.col("size") == 0, ("trade",)),
    "bars-off-grid": (pl.col("ts_init") % MINUTE_NS != 0, ("bar",)),
    "event-after-init": (pl.col("ts_event") > pl.col("ts_init") + 10**9, ALL),
    "late-quotes": (pl.col("ts_init") - pl.col("ts_event") > MINUTE_NS, ALL),
    "zero-volume": (pl.col("volume") == 0, ("bar",)),
    "unsorted-rows": (pl.col("ts_init").diff().over("file") < 0, ALL),
    "wide-quotes": (
        (pl.col("ask_price") - pl.col("bid_price")) > 50 * (pl.col("ask_price") - pl.col("bid_price")).median(),
        ("quote",),
    ),
}


@pytest.mark.parametrize("key", ROW_RULES)
def test_exactly_the_planted_rows_break_the_rule(demo_store: DemoStore, key: str) -> None:
    rule, types = ROW_RULES[key]
    finding = demo_store.finding(key)
    assert len(finding.positions) == finding.rows > 0
    assert found(demo_store, rule, *types) == set(finding.positions)


@pytest.mark.parametrize("key", ["duplicate-bars", "duplicate-trades"])
def test_exactly_the_planted_rows_are_repeated(demo_store: DemoStore, key: str) -> None:
    finding = demo_store.finding(key)
    columns = ["ts_event", "ts_init"]
    for dataset in datasets(demo_store, "bar" if key == "duplicate-bars" else "trade"):
        rows = rows_of(demo_store, dataset)
        extra = rows.filter(~pl.struct(columns if "bar" in dataset else ["trade_id"]).is_first_distinct())
        hits = set(zip(extra["file"], extra["row"], strict=True))
        assert hits == (set(finding.positions) if dataset == finding.dataset else set()), dataset


def test_the_missing_rows_are_missing_and_everything_else_is_there(demo_store: DemoStore) -> None:
    """Compared with the sound rows that the same seed gives."""
    holes = [item for item in demo_store.findings if item.missing and item.key not in UNREADABLE]
    assert {item.key for item in holes} >= {"hole-490-minutes", "missing-session", "quote-outage"}
    by_dataset: dict[str, list[Any]] = {}
    for item in holes:
        by_dataset.setdefault(item.dataset, []).append(item)
    for sound in generate(Scope().only(*(item.instrument_id for item in holes))):
        if sound.path not in by_dataset:
            continue
        kept = rows_of(demo_store, sound.path)
        lost = sound.frame.join(kept, on=["ts_event", "ts_init"], how="anti")
        spans = [pl.col("ts_init").is_between(item.first_ns, item.last_ns) for item in by_dataset[sound.path]]
        assert lost.height == sum(item.missing for item in by_dataset[sound.path])
        assert lost.filter(pl.any_horizontal(spans)).height == lost.height
        for item in by_dataset[sound.path]:
            assert kept.filter(pl.col("ts_init").is_between(item.first_ns, item.last_ns)).is_empty()


def test_the_large_hole_lies_inside_one_file(demo_store: DemoStore) -> None:
    finding = demo_store.finding("hole-490-minutes")
    assert finding.missing == 490
    assert finding.last_ns - finding.first_ns == 489 * MINUTE_NS
    around = [parse_file_name(file.rpartition("/")[2]) for file in files_of(demo_store, finding.dataset)]
    assert sum(1 for span in around if span and span[0] < finding.first_ns and finding.last_ns < span[1]) == 1


@pytest.mark.parametrize(
    ("key", "low", "high"), [("spike", 1.05, 1.11), ("decimal-shift", 0.009, 0.011), ("stray-trades", 1.05, 1.07)]
)
def test_wrong_prices_stand_out_from_their_neighbours(demo_store: DemoStore, key: str, low: float, high: float) -> None:
    finding = demo_store.finding(key)
    rows = rows_of(demo_store, finding.dataset)
    price = "price" if "price" in rows.columns else "close"
    jumps = rows.with_columns(ratio=pl.col(price).cast(pl.Float64) / pl.col(price).cast(pl.Float64).rolling_median(41))
    off = jumps.filter((pl.col("ratio") - 1).abs() > 0.045)
    assert set(zip(off["file"], off["row"], strict=True)) == set(finding.positions)
    assert low < off["ratio"].min() <= off["ratio"].max() < high


def test_the_flat_run_is_flat_and_the_off_tick_prices_are_off(demo_store: DemoStore) -> None:
    flat = demo_store.finding("flat-run")
    rows = rows_of(demo_store, flat.dataset).filter(pl.col("ts_init").is_between(flat.first_ns, flat.last_ns))
    assert rows.height == flat.rows == 45
    assert rows.select(pl.concat_list("open", "high", "low", "close").explode().n_unique()).item() == 1
    off = demo_store.finding("off-tick-prices")
    quarter = pl.lit(25 * 10**14, dtype=pl.Int128)
    bad = rows_of(demo_store, off.dataset).filter(pl.col("close") % quarter != 0)
    assert set(zip(bad["file"], bad["row"], strict=True)) == set(off.positions)


def test_the_open_stamped_dataset_starts_at_the_opening_bell(demo_store: DemoStore) -> None:
    finding = demo_store.finding("open-stamped")
    rows = rows_of(demo_store, finding.dataset)
    assert rows.height == finding.rows
    assert finding.positions == ()
    clock = rows.select(t=pl.col("ts_init").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/New_York"))
    assert clock["t"].dt.time().min().isoformat() == "09:30:00"
    assert clock["t"].dt.time().max().isoformat() == "15:59:00"


def test_the_truncated_file_cannot_be_read(demo_store: DemoStore) -> None:
    (file,) = demo_store.finding("truncated-file").files
    with pytest.raises(UnreadableFile):
        read_footer(demo_store.root, file)
    assert len(files_of(demo_store, demo_store.finding("truncated-file").dataset)) == 2


@pytest.mark.parametrize(("key", "dialect"), [("eight-byte-file", "v1-8"), ("next-dialect-file", "v2")])
def test_leftovers_of_other_releases_are_recognised(demo_store: DemoStore, key: str, dialect: str) -> None:
    (file,) = demo_store.finding(key).files
    assert read_footer(demo_store.root, file).dialect == dialect
    assert read_footer(demo_store.root, file).rows == 500


def test_a_file_name_promises_more_than_its_rows_hold(demo_store: DemoStore) -> None:
    finding = demo_store.finding("name-promises-more")
    (file,) = finding.files
    promised, footer = parse_file_name(file.rpartition("/")[2]), read_footer(demo_store.root, file)
    assert promised is not None
    assert promised[1] == finding.last_ns
    assert footer.end_ns is not None
    assert footer.end_ns < finding.first_ns


def test_two_files_overlap_and_their_rows_do_not(demo_store: DemoStore) -> None:
    finding = demo_store.finding("overlapping-files")
    spans = sorted(span for f in files_of(demo_store, finding.dataset) if (span := parse_file_name(Path(f).name)))
    assert len(spans) == 2
    assert spans[0][0] < spans[1][0] < spans[1][1] < spans[0][1]
    assert rows_of(demo_store, finding.dataset)["ts_init"].is_unique().all()


def test_nothing_else_in_the_store_is_unreadable(demo_store: DemoStore) -> None:
    broken = set()
    for path in sorted((demo_store.root / "data").rglob("*.parquet")):
        file = path.relative_to(demo_store.root).as_posix()
        if file.split("/")[1] in DATA_TYPES:
            try:
                read_footer(demo_store.root, file)
            except FileProblem:
                broken.add(file)
    assert broken == set(demo_store.finding("truncated-file").files)


def test_every_defect_is_planted_and_has_a_key_of_its_own(demo_store: DemoStore) -> None:
    keys = [item.key for item in demo_store.findings]
    assert sorted(keys) == sorted([*(d.key for d in DEFECTS), *(d.key for d in DAMAGES), "undefined-instrument"])
    assert len(set(keys)) == len(keys)


def test_the_undefined_instrument_has_data_and_no_definition(demo_store: DemoStore) -> None:
    finding = demo_store.finding("undefined-instrument")
    assert files_of(demo_store, finding.dataset)
    assert not list((demo_store.root / "data" / "currency_pair").glob("LTCUSDT*"))


def test_files_are_cut_by_period(demo_store: DemoStore) -> None:
    assert len(files_of(demo_store, "data/bar/EURUSD.SIM-1-MINUTE-BID-EXTERNAL")) == 3
    assert len(files_of(demo_store, "data/trade_tick/BTCUSDT.BINANCE")) == 2
    metadata = pq.read_schema(
        demo_store.root / files_of(demo_store, "data/bar/EURUSD.SIM-1-DAY-MID-EXTERNAL")[0]
    ).metadata
    assert metadata[b"bar_type"] == b"EUR/USD.SIM-1-DAY-MID-EXTERNAL"


def test_defects_outside_the_scope_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "catalog"
    root.mkdir()
    scope = Scope(first=date(2026, 3, 5), last=date(2026, 3, 6)).only("EUR/USD.SIM", "GBP/USD.SIM", "KO.XNYS")
    assert [item.key for item in build_store(root, scope)] == ["crossed-quotes"]
