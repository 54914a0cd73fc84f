"""The overview."""

from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Job, Store
from catalog_app.services import overview


def test_without_a_store_it_says_what_to_do(trader_client):
    html = trader_client.get("/").content.decode()
    assert "No store yet" in html
    assert "NAUTILUS_PATH" in html


def test_it_shows_totals_stores_and_findings(trader_client, store, quote_dataset):
    html = trader_client.get("/").content.decode()
    assert "10\u202f620" in html  # 4,500 bars, 6,000 quotes, 120 trades
    assert "desk-test" in html
    assert "v1-16" in html
    assert "2025-01-02T00-00-00-000000000Z.parquet" in html
    assert reverse("catalog:dataset", args=[quote_dataset.pk]) in html


def test_a_store_counts_what_it_holds(store):
    (line,) = overview.store_lines()
    assert (line.instruments, line.datasets, line.rows, line.findings) == (3, 3, 10_620, 1)
    assert line.dialects == ["v1-16"]


def test_scores_are_distributed_over_bars(store):
    for dataset, value in zip(Dataset.objects.all(), ("1", "0.95", "0.4999"), strict=True):
        Dataset.objects.filter(pk=dataset.pk).update(quality_score=Decimal(value))
    counts = {round(bar.low, 2): bar.count for bar in overview.score_distribution() if bar.count}
    assert counts == {0.45: 1, 0.95: 2}


def test_without_scores_there_is_no_distribution(trader_client, store):
    assert overview.score_distribution() == []
    assert "No dataset has a score yet" in trader_client.get("/").content.decode()


def test_the_lowest_score_leads(trader_client, store, bar_dataset):
    now = timezone.now()
    Dataset.objects.update(quality_score=Decimal("0.99"), last_validated=now)
    Dataset.objects.filter(pk=bar_dataset.pk).update(quality_score=Decimal("0.4"))
    assert overview.worst_datasets()[0] == bar_dataset


def test_synthetic_data_is_labelled_on_every_page(trader_client, store, bar_dataset):
    Store.objects.update(is_demo=True)
    for url in ("/", reverse("catalog:browser"), reverse("catalog:dataset", args=[bar_dataset.pk])):
        assert "Synthetic data." in trader_client.get(url).content.decode()


def test_market_data_is_not_labelled_synthetic(trader_client, store):
    assert "Synthetic data." not in trader_client.get("/").content.decode()


def test_running_jobs_are_counted_in_the_header(trader_client):
    Job.objects.create(kind="sync", title="Sync desk", state="running")
    assert "1 running" in trader_client.get("/").content.decode()
    assert "1 running" in trader_client.get(reverse("catalog:running-jobs")).content.decode()


def test_only_who_may_sync_sees_the_button(trader_client, data_admin_client, store):
    button = reverse("catalog:store-sync", args=[store.pk])
    assert button not in trader_client.get("/").content.decode()
    assert button in data_admin_client.get("/").content.decode()


def test_a_failed_sync_is_shown(trader_client, store):
    Store.objects.update(sync_error="The directory is missing: mount it and sync again.")
    assert "mount it and sync again" in trader_client.get("/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_stores(trader_client, store, django_assert_max_num_queries):
    for number in range(5):
        Store.objects.create(name=f"more-{number}", root=f"/nowhere/{number}")
    with django_assert_max_num_queries(20):
        trader_client.get("/")


def test_the_theme_comes_from_the_cookie(trader_client):
    trader_client.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in trader_client.get("/").content.decode()
    trader_client.cookies["theme"] = '"><script>'
    assert '<html lang="en">' in trader_client.get("/").content.decode()
