"""GET /catalog/instruments/{instrument}."""

import pytest

from catalog_app.models import Instrument, Store
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db
URL = f"{BASE}/catalog/instruments"


@pytest.mark.parametrize("name", ["GBPUSD.SIM", "GBP%2FUSD.SIM", "GBP/USD.SIM"])
def test_it_is_found_with_and_without_its_slash(reader, store, name):
    document = reader.get(f"{URL}/{name}").json()
    assert document["instrumentId"] == "GBP/USD.SIM"
    assert (document["symbol"], document["venue"], document["assetClass"]) == ("GBP/USD", "SIM", "FX")
    assert (document["currency"], document["dataType"], document["recordCount"]) == ("USD", "bar", 4500)
    assert document["timeframes"] == ["1-MINUTE-BID"]
    assert document["dateRange"] == {
        "start": "2024-01-01T00:01:00.000000000Z",
        "end": "2024-01-05T12:20:00.000000000Z",
    }
    [dataset] = document["datasets"]
    assert (dataset["barType"], dataset["fileCount"]) == ("GBP/USD.SIM-1-MINUTE-BID-EXTERNAL", 2)
    assert dataset["quality"]["overall"] is None


def test_an_instrument_without_a_definition_is_named_after_its_id(reader, store):
    document = reader.get(f"{URL}/EURUSD.SIM").json()
    assert (document["instrumentId"], document["symbol"], document["currency"]) == ("EUR/USD.SIM", "EUR/USD", "")


def test_an_instrument_without_data_has_no_datasets(reader, tmp_path):
    store = Store.objects.create(name="s", root=str(tmp_path))
    Instrument.objects.create(
        store=store, instrument_id="AAPL.XNAS", symbol="AAPL", venue="XNAS", currency="USD", is_defined=True
    )
    document = reader.get(f"{URL}/AAPL.XNAS").json()
    assert (document["datasets"], document["recordCount"], document["qualityScore"]) == ([], 0, None)
    assert document["dateRange"] == {"start": None, "end": None}
    assert document["currency"] == "USD"


def test_an_exact_id_wins_over_one_without_its_slash(reader, store):
    Instrument.objects.create(store=store, instrument_id="GBPUSD.SIM", symbol="GBPUSD", venue="SIM", currency="USD")
    assert reader.get(f"{URL}/GBPUSD.SIM").json()["instrumentId"] == "GBPUSD.SIM"
    assert reader.get(f"{URL}/GBP%2FUSD.SIM").json()["instrumentId"] == "GBP/USD.SIM"


@pytest.mark.parametrize("name", ["NOPE.SIM", "%00", "..%2F..%2Fetc%2Fpasswd", "é.SIM", "x" * 500])
def test_an_unknown_one_is_not_there(reader, store, name):
    assert_problem(reader.get(f"{URL}/{name}"), 404)


def test_it_needs_login_permission_and_get(client, nobody_client, reader, store):
    assert_problem(client.get(f"{URL}/GBPUSD.SIM"), 401)
    assert_problem(nobody_client.get(f"{URL}/GBPUSD.SIM"), 403)
    assert_problem(reader.put(f"{URL}/GBPUSD.SIM"), 405)
