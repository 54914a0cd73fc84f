"""Pages as a person sees them: logging in, and a console that must stay silent."""

from playwright.sync_api import Browser, Locator, Page, expect

from tests.running import Desk


class Session:
    """A logged-in browser page; `complaints` collects console errors, page errors and blocked content."""

    def __init__(self, browser: Browser, desk: Desk, user: str, **context: object) -> None:
        self.desk = desk
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(
            accept_downloads=True, viewport={"width": 1440, "height": 900}, **context
        ).new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{desk.url}/login/")
        self.page.get_by_label("Username").fill(user)
        self.page.get_by_label("Password").fill(desk.users[user])
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{desk.url}/")

    def _console(self, message: object) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, path: str) -> Page:
        """Go to a path of the desk."""
        self.page.goto(f"{self.desk.url}{path}")
        return self.page


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Walk to a control with Tab, as someone without a mouse does, and press a key on it."""
    expect(wanted).to_be_visible()
    for _ in range(120):
        if wanted.evaluate("element => element === document.activeElement"):
            page.keyboard.press(key)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {wanted}")
