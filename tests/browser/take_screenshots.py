"""Take the pictures of `docs/screenshots`: `python -m tests.browser.take_screenshots`.

Starts a desk of its own in a temporary home, judges the demo data, imports synthetic vendor files, and takes each
page in light and dark. Needs a Chromium on PATH (or named by CHROMIUM). Only generated data is ever shown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from datacatalog.env import BASE_DIR
from tests.browser.conftest import CHROMIUM_FLAGS, CHROMIUM_NAMES
from tests.browser.prepared import PATIENCE, Prepared, fill_mapping, prepare, upload
from tests.browser.shots import Session
from tests.browser.vendor_files import many_quotes
from tests.running import Desk

OUT = BASE_DIR / "docs" / "screenshots"
SCHEMES = ("light", "dark")
MAX_BYTES = 300_000
QUOTES = 6_000_000


@dataclass(frozen=True)
class Shot:
    """A page to take: who sees it, where it is, what to wait for, and how high the picture is."""

    name: str
    path: str = "/"
    user: str = "admin"
    ready: Callable[[Page], None] = lambda page: page.wait_for_load_state("networkidle")
    height: int = 900


def shots(known: Prepared) -> list[Shot]:
    """Every page of the guide."""
    return [
        Shot("overview"),
        Shot("catalog", "/catalog/?venue=SIM&data_type=bar"),
        Shot("instrument", known.instrument),
        Shot("dataset", known.dataset, ready=_chart, height=1000),
        Shot("checks", known.findings, ready=_scrolled_to("#checks"), height=1000),
        Shot("gaps", known.dataset, ready=_scrolled_to("#gaps"), height=800),
        Shot("rows", known.dataset, ready=_scrolled_to("#rows"), height=800),
        Shot("quality", "/quality/", height=1100),
        Shot("runs", "/quality/runs/?found=findings", height=700),
        Shot("trend", "/quality/instruments/GBP/USD.SIM/", height=800),
        Shot("rules", "/quality/checks/#return.spike"),
        Shot("anomalies", "/quality/anomalies/"),
        Shot("anomaly", known.anomaly, ready=_chart, height=1000),
        Shot("repair", known.repair, height=760),
        Shot("reconciliation", known.reconciliation, ready=_chart, height=1100),
        Shot("report", known.report, height=1000),
        Shot("import-upload", "/imports/new/"),
        Shot("import-mapping", known.mapping, ready=fill_mapping, height=1000),
        Shot("import-finished", known.finished_import),
        Shot("import-failed", known.failed_import),
        Shot("export", known.export),
        Shot("manage", "/catalog/manage/?venue=SIM"),
        Shot("manage-preview", known.preview, height=560),
        Shot("operations", "/catalog/manage/operations/"),
        Shot("operation", known.operation),
        Shot("jobs", "/jobs/"),
        Shot("tokens", "/account/tokens/"),
        Shot("api", "/api/v1/docs"),
        Shot("admin", "/admin/"),
        Shot("not-found", "/nowhere/"),
    ]


def _chart(page: Page) -> None:
    expect(page.locator(".chart .main-svg").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_load_state("networkidle")


def _scrolled_to(selector: str) -> Callable[[Page], None]:
    def ready(page: Page) -> None:
        _chart(page)
        page.locator(selector).scroll_into_view_if_needed()
        page.evaluate("selector => window.scrollTo(0, document.querySelector(selector).offsetTop - 56)", selector)

    return ready


def _polled(page: Page) -> None:
    page.wait_for_timeout(1200)


def take(page: Page, shot: Shot, target: Path) -> None:
    """Take one page as it stands."""
    page.set_viewport_size({"width": page.viewport_size["width"], "height": shot.height})
    shot.ready(page)
    page.wait_for_timeout(250)
    page.screenshot(path=target)
    size = target.stat().st_size
    assert size < MAX_BYTES, f"{target.name} has {size} bytes"


def take_all(browser: Browser, known: Prepared, out: Path, names: list[str], width: int = 1440) -> None:
    """Take the pages in each colour scheme."""
    for scheme in SCHEMES:
        session = Session(browser, known.desk, "admin", color_scheme=scheme, reduced_motion="reduce")
        session.page.set_viewport_size({"width": width, "height": 900})
        for shot in shots(known):
            if not names or shot.name in names:
                session.open(shot.path)
                take(session.page, shot, out / f"{shot.name}-{scheme}.png")
        session.page.context.clear_cookies()
        if not names or "login" in names:
            session.open("/login/")
            take(session.page, Shot("login"), out / f"login-{scheme}.png")
        session.page.context.close()


def take_running_job(browser: Browser, desk: Desk, place: Path, out: Path) -> None:
    """Take a job while it runs: its worker is held until both pictures are taken."""
    session = Session(browser, desk, "admin", color_scheme="light", reduced_motion="reduce")
    upload(session, many_quotes(place / "nzdusd-quotes.csv", QUOTES))
    page = session.page
    fill_mapping(page, "NZD/USD.SIM", "NZD", "USD")
    page.get_by_role("button", name="Start import").click()
    page.wait_for_url("**/jobs/**")
    while page.locator("#job-status progress").evaluate("bar => bar.position", timeout=PATIENCE) < 0.3:
        page.wait_for_timeout(100)
    worker = desk.process_of("worker-heavy")
    os.kill(worker, signal.SIGSTOP)
    try:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            take(
                page,
                Shot("job-running", ready=lambda page: page.wait_for_timeout(1200)),
                out / f"job-running-{scheme}.png",
            )
    finally:
        os.kill(worker, signal.SIGCONT)
    expect(page.locator("#job-status")).to_contain_text("Succeeded", timeout=PATIENCE)


def main() -> None:
    """Start a desk, prepare it, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="directory of the pictures")
    parser.add_argument("--width", type=int, default=1440, help="width of the window")
    parser.add_argument("names", nargs="*", help="only these pages: catalog, dataset, …")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)))
    with tempfile.TemporaryDirectory(prefix="data-desk-") as folder, sync_playwright() as playwright:
        place = Path(folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        desk = Desk(place / "desk")
        desk.start()
        try:
            known = prepare(desk, browser, place)
            take_all(browser, known, options.out, options.names, options.width)
            if not options.names or "job-running" in options.names:
                take_running_job(browser, desk, place, options.out)
        finally:
            browser.close()
            desk.stop()


if __name__ == "__main__":
    main()
