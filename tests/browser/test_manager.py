"""The historical data manager in a browser, by keys alone: choose, preview, run, find it in the history, undo it."""

import os
import signal
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from catalog_app.store.reader import scan
from catalog_app.tests.store.conversions import write_dataset
from catalog_app.tests.store.frames import UNIT, frame
from tests.browser.shots import Session, press
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PATIENCE = 30_000
INSTRUMENT = "SEK/NOK.SIM"
DIRECTORY = "data/quote_tick/SEKNOK.SIM"
DAY = 86_400_000_000_000
JANUARY = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
FILES, ROWS = 6, 200


@pytest.fixture
def many_files(desk: Desk) -> Path:
    """A dataset of the desk's store in one file per day, all of one month; its directory."""
    days = [JANUARY + number * DAY for number in range(FILES)]
    frames = [frame("quote", list(range(day, day + ROWS)), price=UNIT + at * 10**12) for at, day in enumerate(days)]
    write_dataset(desk.catalog, "quote", *frames, instrument_id=INSTRUMENT)
    synced = desk.manage("sync_catalog")
    assert synced.returncode in {0, 1}, synced.stderr
    return desk.catalog / DIRECTORY


def test_files_are_consolidated_and_the_operation_undone(browser: Browser, desk: Desk, many_files: Path) -> None:
    session = Session(browser, desk, "admin")
    page = session.page
    names, rows = _names(many_files), _rows(desk)
    assert (len(names), rows.height) == (FILES, FILES * ROWS)

    session.open("/catalog/manage/?q=SEK/NOK.SIM")
    press(page, page.get_by_role("checkbox", name=INSTRUMENT), "Space")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    press(page, page.get_by_role("button", name="Continue"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Consolidate files")
    press(page, page.get_by_role("button", name="Preview"))
    expect(page.locator("#manage-run")).to_be_visible(timeout=PATIENCE)
    files, counted, size, _ = page.locator("#manage-status .figure").all_inner_texts()
    assert files.startswith(f"{FILES}→1")
    assert counted.startswith("1\u202f200→1\u202f200\nrows in them: none is lost")
    assert "KiB" in size
    assert _names(many_files) == names

    _run_while_the_worker_rests(page, desk)
    expect(page.locator("#manage-status")).to_contain_text("Done. 1 dataset changed", timeout=PATIENCE)
    assert len(_names(many_files)) == 1
    assert _rows(desk).equals(rows)

    page.get_by_role("link", name="Manage", exact=True).click()
    page.get_by_role("link", name="Operations and storage").click()
    entry = page.locator("#operation-rows tr", has_text=DIRECTORY).filter(has_text="Consolidate")
    expect(entry).to_contain_text(f"{FILES} → 1")
    press(page, entry.get_by_role("link"))
    expect(page.locator("#before tbody tr")).to_have_count(FILES)
    operation = page.url

    press(page, page.locator("#undo summary"))
    press(page, page.get_by_role("button", name="Undo operation"))
    expect(page.locator("#manage-status")).to_contain_text("has its former files again", timeout=PATIENCE)
    page.goto(operation)
    expect(page.locator("#undo")).to_contain_text("It has been undone.")
    assert _names(many_files) == names
    assert _rows(desk).equals(rows)
    assert session.complaints == []


def _run_while_the_worker_rests(page: Page, desk: Desk) -> None:
    """Start the run with its worker held, so that the page that waits for it is really seen."""
    worker = desk.process_of("worker-heavy")
    os.kill(worker, signal.SIGSTOP)
    try:
        press(page, page.locator("#manage-run"))
        expect(page.locator("#manage-status")).to_contain_text("Waits for a worker")
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    finally:
        os.kill(worker, signal.SIGCONT)


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _rows(desk: Desk) -> pl.DataFrame:
    return scan(desk.catalog, [f"{DIRECTORY}/{name}" for name in _names(desk.catalog / DIRECTORY)], "quote").collect()
