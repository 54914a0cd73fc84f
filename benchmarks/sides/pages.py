"""Pages of a large catalog, as the server makes them: requests in this process, without network and browser."""

import time
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from benchmarks import desk
from benchmarks.work import Done, Work, Workspace

# What people do with the catalog browser.
ADDRESSES: Final = {
    "browser": "/catalog/",
    "search": "/catalog/?q=S0001",
    "filtered": "/catalog/?venue=XNAS&timeframe=1-HOUR-LAST&sort=-rows",
    "last_page": "/catalog/?page=last&sort=-gaps",
    "tree": "/catalog/tree/?venue=GLBX",
}


def browser(workspace: Workspace) -> Work:
    """The catalog's first page."""
    return _page(workspace, "browser")


def search(workspace: Workspace) -> Work:
    """A search over everything."""
    return _page(workspace, "search")


def filtered(workspace: Workspace) -> Work:
    """Two facets and an order."""
    return _page(workspace, "filtered")


def last_page(workspace: Workspace) -> Work:
    """The last page of the table."""
    return _page(workspace, "last_page")


def tree(workspace: Workspace) -> Work:
    """The instruments of a venue."""
    return _page(workspace, "tree")


def _page(workspace: Workspace, name: str) -> Work:
    desk.start(workspace.path("index"))
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="trader"))

    def get() -> Any:
        response = client.get(ADDRESSES[name])
        if response.status_code != 200:
            raise ValueError(f"{ADDRESSES[name]} answered {response.status_code}")
        return response

    with CaptureQueriesContext(connection) as queries:
        size_bytes = len(get().content)
        query_count = len(queries)

    def run(_: Path) -> Done:
        times = []
        for _request in range(workspace.sizes.requests):
            begun = time.perf_counter()
            get()
            times.append((time.perf_counter() - begun) * 1000)
        cuts = quantiles(times, n=20, method="inclusive") if len(times) > 1 else times * 19
        return Done(len(times), size_bytes, {"p50 ms": cuts[9], "p95 ms": cuts[18], "queries": query_count})

    return Work(run)
