"""The quality flow in a browser, by keys alone: dashboard, checks, the wrong row, a decision, and the score after."""

import polars as pl
import pytest
from playwright.sync_api import Browser, expect

from catalog_app.tests.store.conversions import write_dataset
from catalog_app.tests.store.frames import UNIT, frame
from tests.browser.shots import Session, press
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

INSTRUMENT = "DKK/NOK.SIM"
ROWS, WRONG = 1000, 700
SECOND = 1_000_000_000
TUESDAY = 1_704_189_600_000_000_000  # 2024-01-02 10:00 UTC


@pytest.fixture
def crossed(desk: Desk) -> Desk:
    """The desk with a validated dataset in which one quote of a thousand is crossed."""
    times = [TUESDAY + number * SECOND for number in range(ROWS)]
    place = pl.int_range(pl.len())
    step = place.mod(3).cast(pl.Int128) * (UNIT // 10_000)
    bid = pl.col("bid_price") + step
    above = pl.when(place == WRONG).then(-1).otherwise(1).cast(pl.Int128) * (UNIT // 10_000)
    rows = frame("quote", times).with_columns(bid.alias("bid_price"), (bid + above).alias("ask_price"))
    write_dataset(desk.catalog, "quote", rows, instrument_id=INSTRUMENT)
    for command in (("sync_catalog",), ("validate_data", "--instrument", INSTRUMENT)):
        done = desk.manage(*command)
        assert done.returncode in {0, 1}, done.stderr
    return desk


def test_the_worst_dataset_leads_to_its_wrong_row_and_a_decision_moves_its_score(
    browser: Browser, crossed: Desk
) -> None:
    session = Session(browser, crossed, "trader")
    page = session.open("/quality/")
    worst = page.locator("section", has=page.get_by_role("heading", name="Lowest scores"))
    press(page, worst.get_by_role("link", name=INSTRUMENT))
    expect(page.get_by_role("heading", level=1)).to_contain_text(INSTRUMENT)
    score = page.locator(".figure", has_text="score,").locator("b")
    before = score.inner_text()

    finding = page.get_by_role("article", name="Finding of quote.crossed")
    expect(finding).to_contain_text("1 of 1\u202f000 rows")
    press(page, finding.get_by_role("link", name="1 open anomaly"))
    rows = page.locator("#anomaly-form tr[data-row]")
    expect(rows).to_have_count(1)
    page.wait_for_load_state()  # scripts run once the whole page has come
    page.keyboard.press("j")
    expect(rows).to_be_focused()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_contain_text("quote.crossed")
    expect(page.locator(".neighbours tr.marked")).to_contain_text(f"{WRONG}")

    press(page, page.get_by_role("radio", name="Open"), "ArrowRight")
    expect(page.get_by_role("radio", name="Real event")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Two venues in one feed")
    press(page, page.get_by_role("button", name="Decide"))
    expect(page.locator(".decisions")).to_contain_text("Two venues in one feed")

    press(page, page.locator(".crumbs").get_by_role("link", name=INSTRUMENT))
    expect(page.get_by_role("article", name="Finding of quote.crossed")).to_contain_text("1 anomaly, decided")
    assert _percent(score.inner_text()) > _percent(before)
    assert session.complaints == []


def _percent(text: str) -> float:
    return float(text.removesuffix("%").strip())
