"""The catalogue of checks: the page, and the handbook that is made of the same registry."""

import uuid
from decimal import Decimal
from html import escape

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog_app.models import Dataset
from quality_app.checks.handbook import handbook
from quality_app.checks.registry import CHECKS
from quality_app.management.commands.document_checks import PATH
from quality_app.services.history.metrics import record
from quality_app.tests.test_rules import add, rule, store

__all__ = ["store"]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(store) -> Dataset:
    return add(store, "GBP/USD.SIM", "quote")


def test_every_check_has_its_place_with_all_that_is_known(
    trader_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(12):
        text = trader_client.get(reverse("quality:catalogue")).content.decode()
    assert len(CHECKS) > 10
    for check in CHECKS.values():
        assert f'<article class="check" id="{check.id}"' in text
        assert escape(check.example) in text
        assert escape(check.citation) in text
        for param in check.params:
            assert f'<td class="mono">{param.name}</td>' in text


def test_the_filter_shows_the_checks_of_a_data_type(trader_client: Client) -> None:
    text = trader_client.get(reverse("quality:catalogue"), {"type": "bar"}, headers=HTMX).content.decode()
    assert "<html" not in text
    assert 'id="bar.ohlc"' in text
    assert 'id="file.unreadable"' in text
    assert 'id="quote.crossed"' not in text
    every = trader_client.get(reverse("quality:catalogue"), {"type": "nonsense"})
    assert b'id="quote.crossed"' in every.content


def test_rules_stand_with_their_check_and_a_dataset_shows_what_holds_for_it(
    trader_client: Client, dataset: Dataset
) -> None:
    rule("time.future", params={"toleranceMs": 777}, venue="SIM", note="Slow clock.")
    rule("quote.crossed", mode="off", dataset=dataset, note="Two venues in one file.")
    text = trader_client.get(reverse("quality:catalogue")).content.decode()
    assert "Slow clock." in text
    assert "Tolerance 777 ms" in text
    text = trader_client.get(reverse("quality:catalogue"), {"dataset": str(dataset.pk)}).content.decode()
    assert '<td class="num">777 ms</td><td class="small">venue SIM</td>' in text
    assert "Switched off by a rule for this dataset: Two venues in one file." in text
    assert 'id="bar.ohlc"' not in text


def test_a_check_leads_to_where_it_finds_something_now(trader_client: Client, store) -> None:
    rates = {"EUR/USD.SIM": "0.25", "GBP/USD.SIM": "0.5", "USD/JPY.SIM": "0"}
    for instrument, found in rates.items():
        counts = {"violations": int(float(found) * 400), "rows": 400}
        record(add(store, instrument, "quote"), {"check.quote.crossed": (Decimal(found), counts)}, timezone.now())
    text = trader_client.get(reverse("quality:catalogue")).content.decode()
    check = text.partition('id="quote.crossed"')[2].partition("</article>")[0]
    assert "Found now in 2 datasets" in check
    assert f"{reverse('quality:anomalies')}?check=quote.crossed" in check
    assert check.index("GBP/USD.SIM") < check.index("EUR/USD.SIM")
    assert '<td class="num">200</td><td class="num">400 rows</td><td class="num">50 %</td>' in check
    assert "USD/JPY.SIM" not in check


def test_the_catalogue_is_refused_without_permission_and_for_what_is_not_there(
    nobody_client: Client, client: Client, trader_client: Client
) -> None:
    address = reverse("quality:catalogue")
    assert nobody_client.get(address).status_code == 403
    assert client.get(address).status_code == 302
    assert trader_client.post(address).status_code == 405
    for key in (str(uuid.uuid4()), "nonsense"):
        assert trader_client.get(address, {"dataset": key}).status_code == 404


def test_the_handbook_in_docs_is_what_the_checks_say() -> None:
    assert PATH.read_text(encoding="utf-8") == handbook(), "Run: python manage.py document_checks"


def test_the_command_writes_what_is_outdated(tmp_path, monkeypatch, capsys) -> None:
    path = tmp_path / "checks.md"
    monkeypatch.setattr("quality_app.management.commands.document_checks.PATH", path)
    with pytest.raises(SystemExit) as end:
        call_command("document_checks", "--check")
    assert end.value.code == 1
    assert not path.exists()
    call_command("document_checks")
    call_command("document_checks", "--check")
    assert path.read_text(encoding="utf-8") == handbook()
