"""The main job in a browser: a vendor's file goes in, is looked at, checked, scanned, and comes out again."""

import csv
import gzip
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect

from catalog_app.tests.market import market_path
from tests.browser.shots import Session
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MINUTE = 60_000_000_000
PATIENCE = 60_000

# Prints what NautilusTrader itself reads back of one bar type.
JUDGE = """
import json, sys
from nautilus_trader.persistence.catalog import ParquetDataCatalog
bars = ParquetDataCatalog(sys.argv[1]).bars(bar_types=[sys.argv[2]])
print(json.dumps([[b.ts_init, str(b.open), str(b.high), str(b.low), str(b.close), str(b.volume)] for b in bars]))
"""


@dataclass(frozen=True)
class Vendor:
    """A vendor's file and what the user says about it."""

    file: str
    instrument: str
    timeframe: str
    rows: int
    stamp: str
    definition: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)

    @property
    def bar_type(self) -> str:
        return f"{self.instrument}-{self.timeframe}-EXTERNAL"

    @property
    def path(self) -> Path:
        return market_path(self.file)


GBPUSD = Vendor(
    file="csv/gbpusd-m1-bid-2012.csv",
    instrument="GBP/USD.SIM",
    timeframe="1-MINUTE-BID",
    rows=30_117,
    stamp="open",
    definition={"Quote currency": "USD", "Base currency": "GBP", "Decimals of prices": "5"},
)
SIXE = Vendor(
    file="csv/6EH4.XCME_1min_bars_20240101_20240131.csv.gz",
    instrument="6EH4.XCME",
    timeframe="1-MINUTE-LAST",
    rows=29_996,
    stamp="close",
    definition={
        "Quote currency": "USD",
        "Decimals of prices": "5",
        "Tick size": "0.00005",
        "Multiplier": "125000",
        "Underlying": "6E",
        "Listed from (UTC)": "2023-03-20",
        "Expires (UTC)": "2024-03-18",
    },
    choices={"Class": "futures_contract", "Asset class": "FX"},
)


@pytest.mark.parametrize("vendor", [GBPUSD, SIXE], ids=["GBP/USD", "6E"])
def test_upload_map_import_find_chart_validate_scan_export_and_import_again(
    browser: Browser, desk: Desk, vendor: Vendor, tmp_path: Path
) -> None:
    session = Session(browser, desk, "analyst")
    page = session.page
    source = _source_rows(vendor)

    _upload(session, vendor.path)
    _map(page, vendor)
    page.get_by_role("button", name="Start import").click()
    _job_succeeds(page)

    _find_in_tree(session, vendor)
    _chart_is_drawn(page)
    dataset_address = page.url
    assert _judged(desk, vendor) == source

    _run(page, "Validate")
    page.goto(dataset_address)
    expect(page.locator("#checks")).to_contain_text("bar.ohlc", timeout=PATIENCE)
    _run(page, "Scan gaps")
    page.goto(dataset_address)
    _no_session_break_is_a_gap(page)

    exported = _export(page, dataset_address)
    target = tmp_path / exported.suggested_filename
    exported.save_as(target)
    assert hashlib.sha256(target.read_bytes()).hexdigest() in page.content()
    again = _import_by_command(desk, target, vendor, tmp_path / "again")
    assert again == source
    assert session.complaints == []


def _source_rows(vendor: Vendor) -> list[tuple]:
    """Rows of the vendor's file as they must stand in the store, read with the plainest means."""
    content = vendor.path.read_bytes()
    text = gzip.decompress(content) if vendor.file.endswith(".gz") else content
    rows = list(csv.reader(text.decode().splitlines()))[1:]
    shift = MINUTE if vendor.stamp == "open" else 0
    return [
        (_ns(row[0]) + shift, *(Decimal(cell) for cell in row[1:5]), Decimal((row[5:] or ["0"])[0])) for row in rows
    ]


def _ns(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * 1_000_000_000


def _judged(desk: Desk, vendor: Vendor, root: Path | None = None) -> list[tuple]:
    command = [sys.executable, "-c", JUDGE, str(root or desk.catalog), vendor.bar_type]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(row[0], *(Decimal(cell) for cell in row[1:])) for row in json.loads(shown.stdout)]


def _upload(session: Session, path: Path) -> None:
    page = session.open("/imports/new/")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Import {path.name}", timeout=PATIENCE)


def _map(page: Page, vendor: Vendor) -> None:
    form = page.locator("#mapping form")
    _choose(page, form.get_by_label("Instrument", exact=True), vendor.instrument)
    for label, value in vendor.choices.items():
        _select(page, label, value)
    for label, value in vendor.definition.items():
        _choose(page, page.locator("#mapping form").get_by_label(label), value)
    _stamp(page, vendor.stamp)
    expect(page.locator("#preview table tbody tr")).to_have_count(20)


def _choose(page: Page, control, value: str) -> None:
    """Fill a field and leave it: the form comes back with the preview that follows from it."""
    if control.input_value() == value:
        return
    with page.expect_response(lambda response: "/imports/" in response.url):
        control.fill(value)
        control.press("Tab")
    page.wait_for_load_state("networkidle")


def _select(page: Page, label: str, value: str) -> None:
    control = page.locator("#mapping form").get_by_label(label)
    if control.input_value() == value:
        return
    with page.expect_response(lambda response: "/imports/" in response.url):
        control.select_option(value)
    page.wait_for_load_state("networkidle")


def _stamp(page: Page, value: str) -> None:
    """Say what a bar's time is."""
    choice = page.get_by_role("group", name="A bar's time is its").locator(f"[value={value}]")
    if choice.is_checked():
        return
    with page.expect_response(lambda response: "/imports/" in response.url):
        choice.check()
    page.wait_for_load_state("networkidle")


def _job_succeeds(page: Page) -> None:
    page.wait_for_url("**/jobs/**")
    expect(page.locator("#job-status")).to_contain_text("Succeeded", timeout=PATIENCE)


def _find_in_tree(session: Session, vendor: Vendor) -> None:
    page = session.open("/catalog/")
    tree = page.get_by_role("tree")
    venue = vendor.instrument.rpartition(".")[2]
    for name in (venue, vendor.instrument, vendor.timeframe):
        item = tree.get_by_role("treeitem").filter(has_text=name).last
        expect(item).to_be_visible()
        if name == vendor.timeframe:
            item.get_by_role("link").last.click()
        else:
            item.locator(".tree-twisty").first.click()
    page.wait_for_url("**/catalog/datasets/**")
    expect(page.get_by_role("heading", level=1)).to_contain_text(vendor.instrument)
    expect(page.locator(".figures")).to_contain_text(f"{vendor.rows:,}".replace(",", " "))


def _chart_is_drawn(page: Page) -> None:
    expect(page.locator(".chart .main-svg").first).to_be_visible(timeout=PATIENCE)
    assert page.locator(".chart g.trace path").count() > 0
    expect(page.locator("#rows tbody tr").first).to_be_visible()


def _run(page: Page, action: str) -> None:
    page.get_by_role("button", name=action, exact=True).click()
    _job_succeeds(page)


def _no_session_break_is_a_gap(page: Page) -> None:
    """Quiet minutes are counted; a break of an hour or a weekend would be listed."""
    gaps = page.locator("#gaps")
    expect(gaps).to_contain_text("pauses of quiet trading below 10 minutes", timeout=PATIENCE)
    expect(gaps.locator("dd").first).to_contain_text("100 %")
    expect(gaps.locator("tbody tr")).to_have_count(0)


def _export(page: Page, dataset_address: str) -> Download:
    page.goto(dataset_address)
    page.get_by_role("link", name="Export", exact=True).last.click()
    page.get_by_role("button", name="Start export").click()
    _job_succeeds(page)
    with page.expect_download() as download:
        page.locator("#job-download").click()
    return download.value


def _import_by_command(desk: Desk, file: Path, vendor: Vendor, root: Path) -> list[tuple]:
    """Import the exported CSV into a fresh store and return what NautilusTrader reads there."""
    (root / "catalog").mkdir(parents=True)
    other = Desk(root / "home", {"NAUTILUS_PATH": str(root)})
    assert other.manage("migrate", "-v0").returncode == 0
    definition = {"instrument_class": "currency_pair", "currency": "USD", "base_currency": "GBP", "price_precision": 5}
    imported = other.manage(
        "import_data", str(file), "--bar-type", vendor.bar_type, "--mapping", json.dumps(definition), "--json"
    )
    assert imported.returncode == 0, imported.stdout + imported.stderr
    return _judged(desk, vendor, root / "catalog")
