"""Every main page, light and dark: a silent console, nothing wider than the window, and names for what is on it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.prepared import fill_mapping, upload
from tests.browser.shots import Session
from tests.browser.vendor_files import minute_bars
from tests.running import Desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE = 60_000
NARROW = {"width": 1024, "height": 800}

# What an assistive technology would miss, in words; Django's own admin pages answer for themselves.
MISSING = """() => {
  const named = (field) => field.labels?.length || field.ariaLabel || field.getAttribute("aria-labelledby");
  const shown = (element) => element.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)];
  const of = (selector, bad) => all(selector).filter(bad).map((element) => element.outerHTML.slice(0, 120));
  const text = (element) => element.innerText.trim() || element.ariaLabel || element.textContent.trim();
  const ids = all("[id]").map((element) => element.id);
  return [
    ...(all("h1").length === 1 ? [] : ["not one h1"]),
    ...(document.documentElement.lang ? [] : ["no language"]),
    ...of("input:not([type=hidden]), select, textarea", (field) => shown(field) && !named(field)),
    ...of("img", (image) => !image.hasAttribute("alt")),
    ...of("button, a[href], summary", (element) => shown(element) && !text(element)),
    ...of("main [style], main script, main style", (element) => !element.closest(".chart-plot")),
    ...of("[onclick], [onchange], [onsubmit]", () => true),
    ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `id ${id} twice`),
  ];
}"""

# Text against its background, WCAG AA: 4.5, or 3 for large text. Plain backgrounds only: the pages have no other.
FAINT = """() => {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const under = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return [1, 1, 1, 1];
  };
  const exempt = "svg, [disabled], option, noscript, .visually-hidden, .skip";
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (!hasText(element) || !isShown(element) || element.closest(exempt)) continue;
    const style = getComputedStyle(element);
    const [one, two] = [light(rgba(style.color)), light(under(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24;
    const text = element.textContent.trim().slice(0, 40);
    if (ratio < (isLarge ? 3 : 4.5)) found.add(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text}`);
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def pages(browser: Browser, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Address of each page by name, after an import with rejected rows, a validation and a scan."""
    session = Session(browser, desk, "admin")
    page = session.page
    mapping = _map(session, minute_bars(tmp_path_factory.mktemp("vendor") / "audnzd-bid-m1.csv", bad=True))
    page.get_by_role("button", name="Start import").click()
    refused = _finished(page)
    page.get_by_role("link", name="Change the mapping").click()
    page.get_by_label("Import the good rows").check()
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Start import").click()
    imported = _finished(page)
    page.get_by_role("link", name="Open dataset").click()
    dataset = page.url
    for action in ("Validate", "Scan gaps"):
        page.goto(dataset)
        page.get_by_role("button", name=action, exact=True).click()
        _finished(page)
    page.goto(dataset)
    export = page.get_by_role("link", name="Export", exact=True).last.get_attribute("href")
    instrument = page.locator(".crumbs a").last.get_attribute("href")
    operation = str(page.locator("#operations tbody a").first.get_attribute("href"))
    page.context.close()
    return {
        "overview": "/",
        "catalog": "/catalog/?venue=SIM",
        "nothing found": "/catalog/?q=nothing-is-called-so",
        "instrument": str(instrument),
        "dataset": _path(dataset),
        "upload": "/imports/new/",
        "mapping": mapping,
        "export": str(export),
        "jobs": "/jobs/",
        "manager": "/catalog/manage/",
        "manager form": f"/catalog/manage/new/?kind=consolidate&dataset={dataset.rstrip('/').rpartition('/')[2]}",
        "conversion": "/catalog/manage/convert/",
        "operations": "/catalog/manage/operations/",
        "operation": operation,
        "runs": "/catalog/runs/",
        "refused import": refused,
        "finished import": imported,
        "quality": "/quality/",
        "anomalies": "/quality/anomalies/",
        "reconciliations": "/quality/reconcile/",
        "validation runs": "/quality/runs/",
        "quality reports": "/quality/reports/",
        "catalogue of checks": "/quality/checks/",
        "tokens": "/account/tokens/",
        "api": "/api/v1/docs",
        "admin": "/admin/",
        "not found": "/nowhere/",
    }


def _map(session: Session, path: Path) -> str:
    mapping = upload(session, path)
    fill_mapping(session.page, "AUD/NZD.SIM", "AUD", "NZD")
    return mapping


def _finished(page: Page) -> str:
    page.wait_for_url("**/jobs/**")
    expect(page.locator("#job-status .badge").first).to_have_text(re.compile("Succeeded|Failed"), timeout=PATIENCE)
    return _path(page.url)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_quiet_fit_a_narrow_window_and_name_what_they_show(
    browser: Browser, desk: Desk, pages: dict[str, str], scheme: str
) -> None:
    session = Session(browser, desk, "admin", color_scheme=scheme, reduced_motion="reduce")
    page = session.page
    page.set_viewport_size(NARROW)
    found = {}
    for name, path in pages.items():
        session.open(path)
        page.wait_for_load_state("networkidle")
        expected = [text for text in session.complaints if name == "not found" and "404" in text]
        problems = [
            *(text for text in session.complaints if text not in expected),
            *_wider_than_the_window(page),
            *page.evaluate(MISSING),
            *page.evaluate(FAINT),
        ]
        session.complaints.clear()
        if problems:
            found[name] = problems
    page.context.close()
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_too(browser: Browser, desk: Desk, scheme: str) -> None:
    page = browser.new_context(color_scheme=scheme, viewport=NARROW).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{desk.url}/login/")
    assert [*complaints, *_wider_than_the_window(page), *page.evaluate(MISSING), *page.evaluate(FAINT)] == []


def _wider_than_the_window(page: Page) -> list[str]:
    width = page.evaluate("document.documentElement.scrollWidth")
    return [f"{width} px wide"] if width > NARROW["width"] else []


def test_the_mapping_form_by_keys_alone_keeps_focus_and_what_is_typed(
    browser: Browser, desk: Desk, tmp_path: Path
) -> None:
    session = Session(browser, desk, "analyst")
    upload(session, minute_bars(tmp_path / "nokkrw-m1.csv"))
    page = session.page
    form = page.locator("#mapping")

    form.get_by_label("Instrument", exact=True).focus()
    page.keyboard.type("NOK/KRW.SIM")
    with page.expect_response(lambda response: "/imports/" in response.url):
        page.keyboard.press("Tab")
    page.wait_for_load_state("networkidle")
    assert _focused(page) == "id_store"

    choice = form.get_by_role("radio", name="Open")
    choice.focus()
    with page.expect_response(lambda response: "/imports/" in response.url):
        page.keyboard.press("ArrowRight")
    page.wait_for_load_state("networkidle")
    assert _focused(page) == "id_stamp_1"
    expect(page.locator("#preview tbody tr").first).to_contain_text("2026-01-05 00:00:00")

    form.get_by_label("Quote currency").focus()
    page.keyboard.type("KRW")
    page.route("**/imports/**", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.evaluate("document.getElementById('mapping').dataset.before = 'yes'")
    page.keyboard.press("Tab")
    page.keyboard.type("NOK")  # while the answer to the first change is on its way
    expect(page.locator("#mapping[data-before]")).to_have_count(0)
    assert _focused(page) == "id_base_currency"
    expect(form.get_by_label("Quote currency")).to_have_value("KRW")
    expect(form.get_by_label("Base currency")).to_have_value("NOK")
    page.unroute_all(behavior="wait")
    with page.expect_response(lambda response: "base_currency=NOK" in response.url):
        page.keyboard.press("Tab")
    page.wait_for_load_state("networkidle")

    page.locator("#import-start").focus()
    page.keyboard.press("Enter")
    assert _finished(page)
    expect(page.locator("#job-status .badge").first).to_have_text("Succeeded", timeout=PATIENCE)
    assert session.complaints == []


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))
