"""Who may call the API: sessions with CSRF, tokens with scopes; how often; how it refuses."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalog_app.api import auth
from catalog_app.models import ApiToken, Store
from catalog_app.services.tokens import revoke
from catalog_app.tests.api.conftest import BASE, assert_problem

pytestmark = pytest.mark.django_db


def test_without_credentials_there_is_nothing(client):
    response = client.get(f"{BASE}/catalog")
    assert_problem(response, 401, "bearer token")
    assert response["WWW-Authenticate"] == "Bearer"


def test_the_session_of_the_pages_reads(trader_client):
    assert trader_client.get(f"{BASE}/catalog").status_code == 200


def test_a_session_needs_the_csrf_header_to_change_something(data_admin, tmp_path):
    store = Store.objects.create(name="s", root=str(tmp_path))
    client = Client(enforce_csrf_checks=True)
    client.force_login(data_admin)
    assert_problem(client.post(f"{BASE}/stores/{store.pk}/sync"), 403, "CSRF")
    client.get("/account/tokens/")
    token = client.cookies["csrftoken"].value
    assert client.post(f"{BASE}/stores/{store.pk}/sync", headers={"X-CSRFToken": token}).status_code == 202


def test_a_token_needs_no_csrf_header(data_admin, bearer, tmp_path):
    store = Store.objects.create(name="s", root=str(tmp_path))
    client = bearer(data_admin, "admin")
    client.handler.enforce_csrf_checks = True
    assert client.post(f"{BASE}/stores/{store.pk}/sync").status_code == 202


def test_a_token_without_the_scope_is_refused(data_admin, bearer):
    assert_problem(bearer(data_admin, "export").get(f"{BASE}/catalog"), 403, "scope read")


def test_a_scope_is_worth_nothing_without_the_permission(trader, bearer):
    client = bearer(trader, "read")
    trader.groups.clear()
    assert_problem(client.get(f"{BASE}/catalog"), 403, "catalog_app.view_dataset")


def test_a_session_without_the_permission_is_refused(nobody_client):
    assert_problem(nobody_client.get(f"{BASE}/catalog"), 403, "catalog_app.view_dataset")


@pytest.mark.parametrize(
    "spoil",
    [
        revoke,
        lambda token: ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda token: type(token.user).objects.update(is_active=False),
        lambda token: token.delete(),
    ],
    ids=["revoked", "expired", "user inactive", "deleted"],
)
def test_a_token_that_is_no_longer_valid_is_refused(reader, spoil):
    assert reader.get(f"{BASE}/catalog").status_code == 200
    spoil(ApiToken.objects.get())
    assert_problem(reader.get(f"{BASE}/catalog"), 401, "unknown, expired or revoked")


def test_a_wrong_token_is_not_made_up_for_by_a_session(trader_client):
    response = trader_client.get(f"{BASE}/catalog", headers={"Authorization": "Bearer dd_wrong"})
    assert_problem(response, 401)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic dHJhZGVyOng=", "dd_x", "Bearer " + "x" * 5000])
def test_credentials_that_make_no_sense_are_refused(client, header):
    assert_problem(client.get(f"{BASE}/catalog", headers={"Authorization": header}), 401)


def test_too_many_requests_are_told_when_to_come_back(reader, trader_client, monkeypatch):
    monkeypatch.setattr(auth, "REQUESTS_PER_MINUTE", 3)
    monkeypatch.setattr(auth.time, "time", lambda: 1_700_000_010.0)
    answers = [reader.get(f"{BASE}/catalog") for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    assert_problem(answers[3], 429, "Retry-After")
    assert 0 < int(answers[3]["Retry-After"]) <= 60
    assert trader_client.get(f"{BASE}/catalog").status_code == 200, "others are not held up"
    monkeypatch.setattr(auth.time, "time", lambda: 1_700_000_075.0)
    assert reader.get(f"{BASE}/catalog").status_code == 200


def test_an_address_that_is_not_there_is_a_problem_document(client, reader):
    assert_problem(client.get(f"{BASE}/nothing/here"), 404, "/api/v1/docs")
    assert_problem(reader.post(f"{BASE}/nothing"), 404)


def test_a_wrong_method_is_a_problem_document(reader):
    response = reader.delete(f"{BASE}/catalog")
    assert_problem(response, 405, "DELETE", "GET")
    assert response["Allow"] == "GET"


def test_an_unexpected_error_is_a_problem_document_without_details(reader, monkeypatch, caplog):
    def break_down():
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("catalog_app.services.search.overall", break_down)
    reader.raise_request_exception = False
    document = assert_problem(reader.get(f"{BASE}/catalog"), 500)
    assert "hunter2" not in str(document)
    assert "RuntimeError" in caplog.text
