"""Gaps in a browser, by keys alone: a filter, and a gap that is expected with a reason leaves what is open."""

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from catalog_app.store.commit.journal import Transaction
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.store.frames import frame
from tests.browser.shots import Session, press
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

INSTRUMENT = "DKK/SEK.BINANCE"
BAR_TYPE = f"{INSTRUMENT}-1-MINUTE-LAST-EXTERNAL"
MINUTE = 60_000_000_000
TUESDAY = 1_704_189_600_000_000_000  # 2024-01-02 10:00 UTC
HOLES = (slice(1000, 1090), slice(3000, 3003))


@pytest.fixture
def gapped(desk: Desk) -> Desk:
    """The desk with minute bars of some days that never close, scanned, in which two holes are."""
    closes = np.delete(TUESDAY + np.arange(6000) * MINUTE, np.r_[HOLES])
    precisions = {"price_precision": 4, "size_precision": 2}
    with Transaction(desk.catalog, "test", "d") as tx:
        writer = DatasetWriter(tx, "bar", INSTRUMENT, bar_type=BAR_TYPE, **precisions)
        writer.write(frame("bar", closes.tolist()))
        writer.finish()
        tx.commit()
    for command in (("sync_catalog",), ("scan_gaps", "--instrument", INSTRUMENT)):
        done = desk.manage(*command)
        assert done.returncode in {0, 1}, done.stderr
    return desk


def test_a_gap_is_found_marked_as_expected_and_gone_from_the_open_list(browser: Browser, gapped: Desk) -> None:
    session = Session(browser, gapped, "trader")
    page = session.open("/quality/")
    press(page, page.get_by_role("navigation", name="Quality").get_by_role("link", name="Gaps"))
    page.wait_for_load_state()
    press(page, page.get_by_role("searchbox", name="Instrument, timeframe or path"), "Shift+End")
    page.keyboard.type("dkk/sek")
    page.keyboard.press("Enter")
    rows = page.locator("#gap-form tr[data-row]")
    expect(rows).to_have_count(2)
    expect(page).to_have_url(f"{gapped.url}/quality/gaps/?q=dkk%2Fsek")

    press(page, page.get_by_role("link", name="Missing"))
    expect(rows.first).to_contain_text("90 bars")
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    page.keyboard.press("e")
    reason = page.get_by_label("Why is there nothing to have?")
    expect(reason).to_be_focused()
    page.keyboard.type("The venue was closed for works")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("1 gap marked as expected")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("3 bars")

    press(page, page.get_by_role("navigation", name="States").get_by_role("link", name="Expected"))
    expect(rows.first).to_contain_text("The venue was closed for works")
    press(page, page.get_by_role("navigation", name="Views of gaps").get_by_role("link", name="Calendar"))
    expect(page.get_by_role("group", name="2024 by day")).to_be_visible()
    cell = page.locator(".gap-map a").first
    press(page, cell)
    expect(rows).to_have_count(1)
    assert session.complaints == []
