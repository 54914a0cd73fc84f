"""Fixtures of the browser tests: a Chromium, a page of it, and a desk that really runs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.running import Desk

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

# What is waited for comes in a moment; a busy machine may take its time.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The Chromium of this machine (or of CHROMIUM); without one tests are skipped, and fail when CI=true."""
    given = os.environ.get("CHROMIUM")
    for name in (given,) if given else CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    message = f"No Chromium found ({given or ', '.join(CHROMIUM_NAMES)}): install one, or name it in CHROMIUM."
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One Chromium for a module; make a context in each test: `browser.new_context()`.

    Not for the session: Playwright keeps an event loop running in this thread, which other tests must not see.
    """
    with sync_playwright() as playwright:
        # Django refuses the database in a thread with a running event loop.
        before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(scope="session")
def desk(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A running desk with an empty, writable store and the users trader, analyst and admin (`desk.users`)."""
    place: Path = tmp_path_factory.mktemp("desk")
    (place / "nautilus" / "catalog").mkdir(parents=True)
    desk = Desk(place / "home", {"NAUTILUS_PATH": str(place / "nautilus")})
    try:
        desk.start()
        yield desk
    finally:
        if desk.process is not None and desk.process.poll() is None:
            assert desk.stop() == 0, desk.console
