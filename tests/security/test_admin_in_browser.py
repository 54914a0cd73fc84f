"""Django's admin in a real Chromium: nothing of it trips over the policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import browser, chromium_path  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture
def page(browser: Browser, live_server, admin_client) -> Iterator[Page]:  # noqa: F811 - the fixture
    context = browser.new_context(base_url=live_server.url)
    session = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_the_admin_works_under_the_policy(page: Page, tmp_path):
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in ("", "catalog_app/job/", "catalog_app/dataset/", "auth/user/", "auth/user/add/", "auth/group/add/"):
        page.goto(f"/admin/{path}")
    page.get_by_role("link", name="Choose all permissions").or_(page.locator("#id_permissions_add_all")).first.click()
    expect(page.locator("#id_permissions_to option").nth(20)).to_be_attached()

    page.goto("/admin/catalog_app/store/add/")
    page.get_by_label("Name").fill("new")
    page.get_by_label("Root").fill(str(tmp_path))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.locator("input.action-select").first.check()
    expect(page.get_by_text("1 of 1 selected")).to_be_visible()
    assert complaints == []
