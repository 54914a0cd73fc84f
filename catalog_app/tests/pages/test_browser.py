"""The catalog browser: tree, filters, facets, order, pages; all of it in the address."""

from decimal import Decimal

import pytest
from django.urls import reverse

from catalog_app.models import Dataset, Instrument, Store
from catalog_app.services import browse

URL = "/catalog/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def many(db):
    """Three venues, 60 instruments, 240 datasets over two stores."""
    stores = [Store.objects.create(name=name, root=f"/nowhere/{name}") for name in ("one", "two")]
    for number in range(60):
        store, venue = stores[number % 2], ("XNAS", "XCME", "SIM")[number % 3]
        name = f"I{number:02}.{venue}"
        instrument = Instrument.objects.create(
            store=store,
            instrument_id=name,
            symbol=f"I{number:02}",
            venue=venue,
            asset_class=("EQUITY", "FX")[number % 2],
        )
        Dataset.objects.bulk_create(
            Dataset(
                store=store,
                definition=instrument,
                path=f"data/bar/{name}-{step}-MINUTE-LAST-EXTERNAL",
                venue=venue,
                instrument_id=name,
                data_type="bar",
                timeframe=f"{step}-MINUTE-LAST",
                bar_type=f"{name}-{step}-MINUTE-LAST-EXTERNAL",
                record_count=number * 10 + step,
                quality_score=None if number % 4 == 0 else Decimal(number) / 100,
                open_gap_count=number % 5,
            )
            for step in (1, 5, 15, 60)
        )


def names(query: str) -> list[str]:
    from django.http import QueryDict

    return [f"{d.instrument_id} {d.timeframe}" for d in browse.datasets(browse.read_filters(QueryDict(query)))]


def test_the_page_shows_tree_and_table(trader_client, store):
    html = trader_client.get(URL).content.decode()
    assert 'role="tree"' in html
    assert "GBP/USD.SIM" in html
    assert "1–3 of 3 datasets" in html


def test_htmx_gets_the_table_alone(trader_client, store):
    response = trader_client.get(URL, headers=HTMX)
    html = response.content.decode()
    assert "<html" not in html
    assert 'role="tree"' not in html
    assert "GBP/USD.SIM" in html
    assert "HX-Request" in response["Vary"]


def test_a_restored_history_entry_gets_the_whole_page(trader_client, store):
    response = trader_client.get(URL, headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in response.content.decode()


def test_the_pushed_address_keeps_only_what_restricts(trader_client, store):
    response = trader_client.get(URL + "?q=gbp&start=&end=&below=&sort=-rows&page=1", headers=HTMX)
    assert response["HX-Push-Url"] == "/catalog/?q=gbp&sort=-rows&page=1"
    assert trader_client.get(URL + "?q=", headers=HTMX)["HX-Push-Url"] == "/catalog/"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=gbp", ["bar"]),
        ("q=GBP/USD+minute", ["bar"]),
        ("q=eurusd", ["quote"]),
        ("venue=SIM", ["bar", "quote"]),
        ("venue=BINANCE", ["trade"]),
        ("data_type=trade", ["trade"]),
        ("timeframe=1-MINUTE-BID", ["bar"]),
        ("timeframe=-", ["quote", "trade"]),
        ("asset_class=FX", ["bar"]),
        ("store=desk-test&venue=SIM", ["bar", "quote"]),
        ("store=other", []),
        ("instrument=EUR/USD.SIM", ["quote"]),
        ("state=unreadable", []),
        ("start=2024-01-02", ["bar"]),
        ("start=2024-01-01&end=2024-01-01", ["bar", "quote", "trade"]),
        ("end=2023-12-31", []),
        ("below=50", ["quote"]),
        ("has_gaps=1", ["bar"]),
        ("q=%25", []),
    ],
)
def test_each_filter_restricts(store, query, expected):
    from django.http import QueryDict

    Dataset.objects.filter(data_type="quote").update(quality_score=Decimal("0.49"))
    Dataset.objects.filter(data_type="bar").update(quality_score=Decimal("0.50"), open_gap_count=2)
    found = browse.datasets(browse.read_filters(QueryDict(query)))
    assert sorted(d.data_type for d in found) == expected


@pytest.mark.parametrize(
    "query", ["start=yesterday", "end=2024-13-01", "below=many", "below=NaN", "below=101", "sort=password"]
)
def test_a_value_that_means_nothing_is_left_out_and_said(trader_client, store, query):
    html = trader_client.get(f"{URL}?{query}").content.decode()
    assert "it was left out" in html
    assert "1–3 of 3 datasets" in html


def test_a_strange_query_breaks_nothing(trader_client, store):
    assert trader_client.get(URL + "?q=%25&venue=%27&page=-3&instrument=%F0%9F%92%A5").status_code == 200
    assert trader_client.get(URL + "?page=99999999999999999999").status_code == 200


def test_text_from_the_address_is_escaped(trader_client, store):
    html = trader_client.get(URL, {"q": "<script>alert(1)</script>", "venue": '"><b>'}).content.decode()
    assert "<script>alert" not in html
    assert '"><b>' not in html


def test_order_and_its_reverse_keep_unknown_scores_last(many):
    upwards, downwards = names("sort=score"), names("sort=-score")
    assert upwards[0].startswith("I01.")
    assert downwards[0].startswith("I59.")
    assert {name[:3] for name in upwards[-60:]} == {name[:3] for name in downwards[-60:]}


def test_a_facet_counts_under_the_other_filters(many):
    filters = browse.Filters(venue="SIM", store="one")
    facets = {facet.name: {v.value: v.count for v in facet.values} for facet in browse.facets(filters)}
    assert facets["venue"] == {"XNAS": 40, "XCME": 40, "SIM": 40}
    assert facets["store"] == {"one": 40, "two": 40}
    assert facets["timeframe"] == {f"{step}-MINUTE-LAST": 10 for step in (1, 5, 15, 60)}
    assert facets["asset_class"] == {"EQUITY": 40}


def test_pages_are_bounded_and_keep_the_filters(trader_client, many):
    html = trader_client.get(URL + "?venue=SIM&sort=-rows").content.decode()
    assert "1–80 of 80 datasets" in html
    html = trader_client.get(URL + "?sort=-rows&page=2").content.decode()
    assert "101–200 of 240 datasets" in html
    assert "?sort=-rows&amp;page=3" in html


def test_nothing_matches_says_so(trader_client, store):
    assert "Nothing matches" in trader_client.get(URL + "?q=zzz").content.decode()


def test_without_a_store_the_page_says_so(trader_client):
    assert "No store yet" in trader_client.get(URL).content.decode()


def test_an_unsynced_store_says_so(trader_client):
    Store.objects.create(name="new", root="/nowhere")
    assert "Nothing is indexed yet" in trader_client.get(URL).content.decode()


def test_the_tree_loads_a_venue_and_an_instrument(trader_client, store, bar_dataset):
    url = reverse("catalog:tree-children")
    instruments = trader_client.get(url, {"venue": "SIM"}).content.decode()
    assert "GBP/USD.SIM" in instruments
    assert "EUR/USD.SIM" in instruments
    assert "BTCUSDT" not in instruments
    leaves = trader_client.get(url, {"venue": "SIM", "instrument": "GBP/USD.SIM"}).content.decode()
    assert reverse("catalog:dataset", args=[bar_dataset.pk]) in leaves
    assert "1-MINUTE-BID" in leaves
    assert trader_client.get(url).status_code == 404


def test_the_tree_is_open_where_the_address_says(trader_client, store, bar_dataset):
    html = trader_client.get(URL + "?venue=SIM&instrument=GBP/USD.SIM").content.decode()
    tree = html[html.index('id="tree"') : html.index("</aside>")]
    assert reverse("catalog:dataset", args=[bar_dataset.pk]) in tree
    assert "EUR/USD.SIM" in tree
    assert "BTCUSDT" not in tree


def test_the_number_of_queries_is_constant(trader_client, many, django_assert_num_queries):
    trader_client.get(URL)
    with django_assert_num_queries(QUERIES):
        trader_client.get(URL)
    Dataset.objects.filter(timeframe="60-MINUTE-LAST").delete()
    with django_assert_num_queries(QUERIES):
        trader_client.get(URL)


# Session, user, permissions of user and group, stores, count, rows, facets, venues, jobs, demo stores.
QUERIES = 11
