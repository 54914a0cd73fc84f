"""A gap filled in a browser from a second store: it is gone, the fill is undone, and it is there again."""

import json
import re
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.store.layout import dataset_path
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.store.frames import UNIT, frame
from catalog_app.tests.store.upstream import records
from tests.browser.shots import Session
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

INSTRUMENT = "PLN/SEK.SIM"
BAR_TYPE = f"{INSTRUMENT}-1-MINUTE-MID-EXTERNAL"
MINUTE = 60 * 10**9
TUESDAY = 1_704_189_600_000_000_000  # 2024-01-02 10:00 UTC
ROWS, HOLE = 900, range(400, 445)
PATIENCE = 90_000


@pytest.fixture
def second(desk: Desk, tmp_path: Path) -> Path:
    """The desk's store lacks 45 bars that a second store, yet unknown to the desk, has."""
    bars = _bars()
    place = pl.int_range(pl.len())
    _write(desk.catalog, bars.filter(~place.is_between(HOLE.start, HOLE.stop - 1)))
    _write(tmp_path / "second", bars)
    return tmp_path / "second"


def test_a_gap_is_filled_from_a_second_store_and_comes_back_by_undo(browser: Browser, desk: Desk, second: Path) -> None:
    session = Session(browser, desk, "admin")
    page = session.open("/admin/catalog_app/store/add/")
    page.get_by_label("Name").fill("second")
    page.get_by_label("Root").fill(str(second))
    page.get_by_role("button", name="Save", exact=True).click()
    scan = ("scan_gaps", "--instrument", INSTRUMENT, "--json")
    for command in (("sync_catalog",), ("sync_catalog", "--store", "second"), scan):
        done = desk.manage(*command)
        assert done.returncode in {0, 1}, done.stderr
    dataset = _dataset(done.stdout)
    gaps = f"/quality/datasets/{dataset}/gaps/"
    expect(session.open(gaps).locator("#gap-list tbody tr")).to_have_count(1)

    page = session.open(f"/quality/gaps/fill/?dataset={dataset}")
    expect(page.get_by_role("row", name=re.compile("second"))).to_contain_text("45")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#fill-run")).to_have_text("Write 45 rows", timeout=PATIENCE)
    expect(page.locator(".seam-warning, .seam-refused")).to_have_count(0)
    expect(page.locator(".fill-rows tr.fresh").first).to_contain_text("2024-01-02 16:41:00")
    page.locator("#fill-run").click()
    expect(page.locator("#fill-status")).to_contain_text("45 rows written, 1 gap filled", timeout=PATIENCE)
    filled = page.url

    rows = session.open(gaps).locator("#gap-list tbody tr")
    expect(rows).to_have_count(0)
    assert records(desk.catalog, "bar", BAR_TYPE) == records(second, "bar", BAR_TYPE)
    page = session.open(f"{gaps}?show=filled")
    expect(page.locator("#gap-list tbody tr")).to_have_count(1)

    page.goto(filled)
    page.locator("#fill-undo").click()
    expect(page.locator("#content")).to_contain_text("has its former files again", timeout=PATIENCE)
    _until_open_again(page, f"{desk.url}{gaps}")
    page.goto(filled)
    expect(page.locator("#fill-status")).to_contain_text("the rows left the dataset again")
    assert len(records(desk.catalog, "bar", BAR_TYPE)) == ROWS - len(HOLE)
    assert session.complaints == []


def _until_open_again(page: Page, address: str) -> None:
    """The scan after the undo is a job of its own."""
    for _ in range(60):
        page.goto(address)
        if page.locator("#gap-list tbody tr").count():
            return
        page.wait_for_timeout(1_000)
    raise AssertionError("The gap did not come back.")


def _dataset(printed: str) -> str:
    """The key of the dataset with a gap, of those that the command scanned."""
    [dataset] = [one["datasetId"] for one in json.loads(printed) if one["gaps"]]
    return str(dataset)


def _bars() -> pl.DataFrame:
    """Bars whose price wanders a little."""
    place = pl.int_range(pl.len())
    step = ((place * 7919) % 11).cast(pl.Int128) * (UNIT // 10_000)
    rows = frame("bar", [TUESDAY + (number + 1) * MINUTE for number in range(ROWS)])
    return rows.with_columns((pl.col(name) + step).alias(name) for name in ("open", "high", "low", "close"))


def _write(root: Path, bars: pl.DataFrame) -> None:
    (root / "data").mkdir(parents=True, exist_ok=True)
    instrument = build_instrument(
        "currency_pair",
        INSTRUMENT,
        currency="SEK",
        base_currency="PLN",
        price_precision=4,
        size_precision=2,
        price_increment="0.0001",
        size_increment="0.01",
    )
    with Transaction(root, "import", dataset_path("bar", BAR_TYPE)) as tx:
        writer = DatasetWriter(tx, "bar", INSTRUMENT, bar_type=BAR_TYPE, price_precision=4, size_precision=2)
        writer.write(bars)
        writer.finish()
        write_instrument(tx, instrument)
        tx.commit()
