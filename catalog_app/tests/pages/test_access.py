"""Who may see the pages: anonymous users log in first, users without the permission are refused."""

import uuid

import pytest
from django.urls import reverse

PAGES = ("overview", "browser", "tree", "instrument", "dataset", "series", "rows")


@pytest.fixture
def address(bar_dataset):
    """Addresses of the pages by name."""
    addresses = {
        "overview": reverse("overview"),
        "browser": reverse("catalog:browser"),
        "tree": reverse("catalog:tree-children") + "?venue=SIM",
        "instrument": reverse("catalog:instrument", args=[bar_dataset.definition_id]),
        "dataset": reverse("catalog:dataset", args=[bar_dataset.pk]),
        "series": reverse("catalog:dataset-series", args=[bar_dataset.pk]),
        "rows": reverse("catalog:dataset-rows", args=[bar_dataset.pk]),
    }
    return addresses.__getitem__


@pytest.mark.parametrize("page", PAGES)
def test_an_anonymous_user_is_sent_to_the_login(client, address, page):
    response = client.get(address(page))
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("page", PAGES)
def test_a_user_without_the_permission_is_refused(nobody_client, address, page):
    response = nobody_client.get(address(page))
    assert response.status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_a_trader_sees_it(trader_client, address, page):
    assert trader_client.get(address(page)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_nothing_but_reading_is_allowed(trader_client, address, page):
    assert trader_client.post(address(page)).status_code == 405


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_allows_nothing_inline(trader_client, address, page):
    response = trader_client.get(address(page))
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    html = response.content.decode()
    for inline in ("style=", "<style", "onclick", "hx-on", "javascript:"):
        assert inline not in html


@pytest.mark.parametrize("name", ["dataset", "dataset-series", "dataset-rows"])
def test_a_dataset_that_is_not_there(trader_client, name):
    assert trader_client.get(reverse(f"catalog:{name}", args=[uuid.uuid4()])).status_code == 404


def test_an_instrument_that_is_not_there(trader_client):
    assert trader_client.get(reverse("catalog:instrument", args=[999_999])).status_code == 404


def test_the_running_jobs_need_the_permission(trader_client, nobody_client):
    url = reverse("catalog:running-jobs")
    assert trader_client.get(url).status_code == 200
    assert nobody_client.get(url).status_code == 403


def test_a_trader_may_not_sync_a_store(trader_client, store):
    response = trader_client.post(reverse("catalog:store-sync", args=[store.pk]))
    assert response.status_code == 403


def test_a_data_admin_syncs_a_store_as_a_job(data_admin_client, data_admin, store):
    response = data_admin_client.post(reverse("catalog:store-sync", args=[store.pk]))
    assert response.status_code == 302
    job = data_admin.jobs.get()
    assert (job.kind, job.parameters, job.queue) == ("sync", {"storeId": store.pk}, "interactive")


def test_syncing_an_unknown_store_is_not_found(data_admin_client):
    assert data_admin_client.post(reverse("catalog:store-sync", args=[999_999])).status_code == 404
