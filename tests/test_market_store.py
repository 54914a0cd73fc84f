"""A real NautilusTrader store, opened through NAUTILUS_PATH and through the admin, shows its true counts."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog_app.models import Job, Store
from catalog_app.services.jobs import run_job
from catalog_app.tests.market import market_path
from datacatalog.prepare import register_first_store, request_syncs

pytestmark = pytest.mark.django_db


def _sync() -> None:
    for job in Job.objects.filter(kind="sync"):
        run_job(job.pk)


def _overview(client: Client) -> dict[str, tuple[str, str]]:
    """Rows and reading state by data type, as the overview shows them."""
    page = client.get(reverse("overview")).content.decode()
    lines = re.findall(r'\?data_type=\w+">([^<]+)</a></th>(.*?)</tr>', page, re.DOTALL)
    cells = {name: [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", rest)] for name, rest in lines}
    return {name: (re.sub(r"\D", "", row[1]), row[-1].strip()) for name, row in cells.items()}


def _expect_true_counts(client: Client) -> None:
    shown = _overview(client)
    assert {name: rows for name, (rows, _) in shown.items()} == {
        "Quotes": "11788",
        "Trades": "130",
        "Bars": "22750",
        "Book deltas": "13786",
        "Book depth 10": "10",
    }
    assert not [name for name, (_, reading) in shown.items() if reading == "Not read yet"]
    assert Store.objects.get().instruments.filter(is_defined=True).count() == 6
    readable = client.get(reverse("catalog:browser"), {"state": "ok"}).content.decode()
    assert "ESM4.GLBX" in readable
    assert "BTCUSDT.BINANCE" in readable


def test_through_nautilus_path(settings, tmp_path: Path, trader_client: Client) -> None:
    (tmp_path / "catalog").symlink_to(market_path("stores/nautilus-1.231"))
    settings.NAUTILUS_PATH = tmp_path

    register_first_store(pytest.fail)
    request_syncs()
    _sync()

    _expect_true_counts(trader_client)


def test_through_the_admin(client: Client, trader_client: Client) -> None:
    client.force_login(User.objects.create_superuser("root-admin", password="a-long-test-password"))
    root = market_path("stores/nautilus-1.231")

    response = client.post(
        reverse("admin:catalog_app_store_add"), {"name": "real", "root": str(root), "read_only": "on"}
    )
    assert response.status_code == 302, response.content.decode()[:3000]
    _sync()

    _expect_true_counts(trader_client)


def test_a_dataset_page_shows_rows_of_it(settings, tmp_path: Path, trader_client: Client) -> None:
    (tmp_path / "catalog").symlink_to(market_path("stores/nautilus-1.231"))
    settings.NAUTILUS_PATH = tmp_path
    register_first_store(pytest.fail)
    request_syncs()
    _sync()
    dataset = Store.objects.get().datasets.get(path="data/quote_tick/EURUSD.SIM")

    rows = trader_client.get(reverse("catalog:dataset-rows", args=[dataset.pk])).content.decode()

    assert "1.12120" in rows
    assert "2020-01-01" in rows
