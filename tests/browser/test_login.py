"""Logging in by the page, in a real browser against a really running desk."""

import pytest
from playwright.sync_api import Browser, expect

from tests.running import Desk

pytestmark = pytest.mark.browser


def test_a_user_logs_in_and_out_and_the_console_stays_silent(browser: Browser, desk: Desk) -> None:
    page = browser.new_context().new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"{desk.url}/")
    page.get_by_label("Username").fill("trader")
    page.get_by_label("Password").fill(desk.users["trader"])
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{desk.url}/")
    page.locator("summary", has_text="trader").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{desk.url}/login/")

    assert complaints == []


def test_a_wrong_password_is_refused(browser: Browser, desk: Desk) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{desk.url}/login/")
    page.get_by_label("Username").fill("trader")
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{desk.url}/login/")
    expect(page.get_by_text("Please enter a correct username and password")).to_be_visible()
