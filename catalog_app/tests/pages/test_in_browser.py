"""The pages in a real Chromium: keys, theme, history, zoom, and a console without complaints."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM and os.environ.get("CI") != "true", reason="no Chromium on PATH"),
]


@pytest.fixture
def page(live_server, admin_client, monkeypatch) -> Iterator[Page]:
    """A superuser's page (groups do not survive the flush of a live server); its console may not complain."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps an event loop in this thread
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
        session = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page = context.new_page()
        # The test server speaks HTTP only: a socket that stays silent stands in for the push of jobs.
        page.route_web_socket("**/ws/**", lambda socket: None)
        page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []


@pytest.fixture
def address(live_server, transactional_db):
    return lambda path: f"{live_server.url}{path}"


def test_tree_table_and_history(page, address, store):
    page.goto(address("/catalog/"))
    tree = page.get_by_role("tree")
    tree.get_by_role("link", name="SIM").click()
    expect(page).to_have_url(re.compile(r"/catalog/\?venue=SIM$"))
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(tree.get_by_role("link", name="GBP/USD.SIM")).to_be_visible()
    tree.get_by_role("link", name="GBP/USD.SIM").click()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(page).to_have_url(re.compile(r"\?venue=SIM$"))
    page.reload()
    expect(page.locator("#results tbody tr")).to_have_count(2)
    page.go_back()
    expect(page.locator("#results tbody tr")).to_have_count(3)


def test_the_tree_by_keys_alone(page, address, store):
    page.goto(address("/catalog/"))
    page.locator("#tree [tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    tree = page.locator("#tree")
    expect(tree.get_by_role("link", name="GBP/USD.SIM")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(tree.locator("[data-instrument='EUR/USD.SIM']")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(tree.locator("[data-instrument='GBP/USD.SIM']")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(tree.locator("[data-venue='SIM']").first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tree [data-venue='SIM']").first).to_have_attribute("aria-expanded", "false")


def test_slash_finds_the_search_and_the_theme_stays(page, address, store):
    page.goto(address("/"))
    page.keyboard.press("/")
    expect(page.locator("#desk-search")).to_be_focused()
    page.keyboard.type("gbp")
    page.keyboard.press("Enter")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.locator("#theme-toggle").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_chart_reads_finer_rows_on_zoom(page, address, bar_dataset):
    page.goto(address(reverse("catalog:dataset", args=[bar_dataset.pk])))
    title = page.locator(".chart-title")
    expect(title).to_contain_text("each candle covers 5 minutes")
    expect(page.locator(".table-rows tbody tr")).to_have_count(50)
    box = page.locator(".chart-plot .nsewdrag").first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 40, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, y, steps=5)
    page.mouse.up()
    expect(title).to_contain_text("each candle is one row")
    page.get_by_role("button", name="Whole range").click()
    expect(title).to_contain_text("each candle covers 5 minutes")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".row-tools")).to_contain_text("50–99")
