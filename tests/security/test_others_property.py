"""What belongs to one user is out of reach of another who has the same rights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog_app.models import ApiToken, Import, Job
from catalog_app.services.tokens import create_token
from tests.security.conftest import MARK, World

pytestmark = pytest.mark.django_db
BASE = "/api/v1/nautilus/data"


@pytest.fixture
def analyst_token(analyst: User) -> Client:
    secret = create_token(analyst, "t", ["read", "export", "import"], 7).secret
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_upload_is_its_owners(world: World, analyst_client, data_admin_client, method):
    url = reverse("imports:map", args=[world.upload.pk])
    answer = getattr(analyst_client, method)(url)
    assert answer.status_code == 404
    assert MARK.encode() not in answer.content
    assert getattr(data_admin_client, method)(url).status_code in {200, 422}


def test_an_upload_cannot_be_imported_by_its_key_alone(world: World, analyst_token):
    answer = analyst_token.post(f"{BASE}/import", {"uploadId": str(world.upload.pk), "instrumentId": "GBP/USD.SIM"})
    assert answer.status_code == 404
    assert Import.objects.count() == 1


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_job_is_changed_by_its_owner_or_with_the_permission(
    world: World, trader_client, analyst_client, data_admin_client, action
):
    job = world.running if action == "cancel" else world.failed
    before = world.state()
    for client in (trader_client, analyst_client):
        assert client.post(reverse(f"jobs:{action}", args=[job.pk])).status_code == 403
    assert world.state() == before
    assert data_admin_client.post(reverse(f"jobs:{action}", args=[job.pk])).status_code == 302
    assert world.state() != before


def test_a_job_is_not_cancelled_through_the_api_either(world: World, analyst_token):
    assert analyst_token.post(f"{BASE}/jobs/{world.running.pk}/cancel").status_code == 403
    assert not Job.objects.get(pk=world.running.pk).cancel_requested


def test_a_token_is_revoked_by_its_owner_alone(world: World, data_admin_client, superuser_client):
    for client in (data_admin_client, superuser_client):
        assert client.post(reverse("tokens:revoke", args=[world.token.pk])).status_code == 404
    assert ApiToken.objects.get(pk=world.token.pk).revoked_at is None
    assert MARK.encode() not in data_admin_client.get(reverse("tokens:list")).content


def test_nobody_gives_a_token_more_than_they_may_do(world: World, trader_client, trader: User):
    answer = trader_client.post(reverse("tokens:list"), {"name": "n", "scopes": ["read", "admin"], "days": "7"})
    assert answer.status_code == 422
    assert not trader.api_tokens.exists()


@pytest.mark.parametrize("scope", ["read", "export", "import", "admin"])
def test_a_scope_opens_its_operations_only(world: World, data_admin: User, scope):
    secret = create_token(data_admin, "t", [scope], 7).secret
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    asked = {
        "read": client.get(f"{BASE}/catalog").status_code,
        "export": client.get(f"{BASE}/export/{world.export.pk}/status").status_code,
        "import": client.get(f"{BASE}/import/{world.item.pk}/status").status_code,
        "admin": client.post(f"{BASE}/stores/{world.store.pk}/sync").status_code,
    }
    opened = {name for name, status in asked.items() if status in {200, 202}}
    assert opened == ({"export", "import", "admin"} if scope == "admin" else {scope})
    assert {status for name, status in asked.items() if name not in opened} == {403}


@pytest.mark.parametrize(
    ("change", "status"), [({"is_active": False}, 401), ({"is_staff": True}, 200), ({"is_superuser": False}, 200)]
)
def test_a_token_is_worth_what_its_user_is_worth_now(
    world: World, make_user: Callable[..., User], change: dict[str, bool], status: int
):
    user = make_user("other", "Trader")
    client = Client(headers={"Authorization": f"Bearer {create_token(user, 't', ['read'], 7).secret}"})
    User.objects.filter(pk=user.pk).update(**change)
    assert client.get(f"{BASE}/catalog").status_code == status
    user.groups.clear()
    assert client.get(f"{BASE}/catalog").status_code in {401, 403}


def test_a_data_admin_cannot_make_themselves_more(data_admin_client, data_admin: User):
    for path in ("auth/user/", "auth/group/", f"auth/user/{data_admin.pk}/change/", "auth/user/add/"):
        assert data_admin_client.get(f"/admin/{path}").status_code == 403
        assert data_admin_client.post(f"/admin/{path}", {"is_superuser": "on"}).status_code == 403
    data_admin.refresh_from_db()
    assert not data_admin.is_superuser
