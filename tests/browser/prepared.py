"""A desk with something to show on every page: judged demo data, imports, an operation, a repair, a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.shots import Session
from tests.browser.vendor_files import minute_bars
from tests.running import Desk

PATIENCE = 90_000
SPIKE = "/quality/anomalies/?check=return.spike&instrument=XRPUSDT.BINANCE"
DATASET = "/catalog/?venue=SIM&instrument=GBP%2FUSD.SIM"


@dataclass
class Prepared:
    """A desk with something to show, and the addresses that only exist there."""

    desk: Desk
    dataset: str
    instrument: str
    export: str
    mapping: str
    finished_import: str
    failed_import: str
    preview: str
    operation: str
    findings: str
    anomaly: str
    repair: str
    reconciliation: str
    report: str


def prepare(desk: Desk, browser: Browser, place: Path) -> Prepared:
    """Judge the demo data, import and export."""
    for command in ("scan_gaps", "validate_data"):
        done = desk.manage(command)
        assert done.returncode in {0, 1}, done.stderr
    session = Session(browser, desk, "admin")
    page = session.open(DATASET)
    page.locator(".browser-table").get_by_role("link", name="GBP/USD.SIM").first.click()
    page.locator(".crumbs").get_by_role("link", name="GBP/USD.SIM").click()
    instrument = _path(page)
    page.locator("#content").get_by_role("link", name="1-MINUTE-BID").first.click()
    dataset = _path(page)
    page.get_by_role("link", name="Export", exact=True).last.click()
    export = _path(page)
    page.get_by_role("button", name="Start export").click()
    job_ends(page, "Succeeded")
    bars = minute_bars(place / "eurchf-bid-m1.csv", bad=True)
    mapping = upload(session, bars)
    fill_mapping(page)
    page.get_by_role("button", name="Start import").click()
    failed = job_ends(page, "Failed")
    page.goto(f"{desk.url}{mapping}")
    fill_mapping(page)
    page.get_by_label("Import the good rows").check()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Start import").click()
    finished = job_ends(page, "Succeeded")
    mapping = upload(session, minute_bars(place / "eurchf-ask-m1.csv"))
    operation = consolidate(session, "ADAUSDT.BINANCE")
    preview = preview_consolidation(session, "BNBUSDT.BINANCE")
    anomaly, repair = triage(session)
    return Prepared(
        desk=desk,
        dataset=dataset,
        instrument=instrument,
        export=export,
        mapping=mapping,
        finished_import=finished,
        failed_import=failed,
        preview=preview,
        operation=operation,
        findings=findings(session),
        anomaly=anomaly,
        repair=repair,
        reconciliation=reconcile(session),
        report=report(session),
    )


def findings(session: Session) -> str:
    """The path of a dataset in which a check has found something."""
    page = session.open("/quality/anomalies/?check=quote.crossed")
    page.locator("#anomaly-form tbody a").first.click()
    page.locator(".crumbs a").last.click()
    return _path(page)


def triage(session: Session) -> tuple[str, str]:
    """Decide that the planted spike is bad data and preview its repair; the paths of both."""
    page = session.open(SPIKE)
    page.locator("#anomaly-form tbody a").first.click()
    page.get_by_role("radio", name="Bad data").check()
    page.get_by_label("Reason").fill("No other venue traded there")
    page.get_by_role("button", name="Decide").click()
    page.get_by_role("link", name="Repair…").click()
    anomaly_page = page.locator("#chosen tbody a").first.get_attribute("href")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#repair-run")).to_be_visible(timeout=PATIENCE)
    return anomaly_page, _path(page)


def reconcile(session: Session) -> str:
    """Compare the bars of an instrument with its quotes; the path of the result."""
    page = session.open("/quality/reconcile/new/?instrument=GBP/USD.SIM")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Run now").click()
    job_ends(page, "Succeeded")
    page.get_by_role("link", name="Open result").click()
    return _path(page)


def report(session: Session) -> str:
    """Make a report on everything; its path."""
    page = session.open("/quality/reports/")
    page.get_by_role("button", name="Make report").click()
    job_ends(page, "Succeeded")
    page.get_by_role("link", name="Open report").click()
    return _path(page)


def preview_consolidation(session: Session, instrument: str) -> str:
    """See what joining the minute bars of an instrument by year would do; the path of the preview."""
    page = session.open(f"/catalog/manage/?timeframe=1-MINUTE-LAST&q={instrument}")
    page.get_by_role("checkbox", name=instrument).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("One file per").select_option("year")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#manage-run")).to_be_visible(timeout=PATIENCE)
    return _path(page)


def consolidate(session: Session, instrument: str) -> str:
    """Do it; the path of the operation."""
    preview_consolidation(session, instrument)
    page = session.page
    page.locator("#manage-run").click()
    expect(page.locator("#manage-status")).to_contain_text("Done.", timeout=PATIENCE)
    page.locator("#manage-status").get_by_role("link", name="Consolidate").click()
    expect(page.locator("#undo")).to_be_visible()
    return _path(page)


def upload(session: Session, path: Path) -> str:
    """Upload a file; the path of its mapping page."""
    page = session.open("/imports/new/")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(path.name, timeout=PATIENCE)
    return _path(page)


def fill_mapping(page: Page, instrument: str = "EUR/CHF.SIM", base: str = "EUR", quote: str = "CHF") -> None:
    """Say what instrument it is."""
    for label, value in (("Instrument", instrument), ("Quote currency", quote), ("Base currency", base)):
        control = page.locator("#mapping").get_by_label(label, exact=label == "Instrument")
        if control.is_visible():
            with page.expect_response(lambda response: "/imports/" in response.url):
                control.fill(value)
                control.press("Tab")
            page.wait_for_load_state("networkidle")


def job_ends(page: Page, state: str) -> str:
    page.wait_for_url("**/jobs/**")
    expect(page.locator("#job-status")).to_contain_text(state, timeout=PATIENCE)
    return _path(page)


def _path(page: Page) -> str:
    page.wait_for_load_state("networkidle")
    return "/" + page.url.split("/", 3)[3]
