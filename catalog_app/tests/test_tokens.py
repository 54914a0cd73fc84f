"""API tokens: made once, checked by hash, limited to what their user may do."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import ApiToken
from catalog_app.services.errors import Conflict
from catalog_app.services.tokens import MAX_DAYS, TokenRefused, allowed_scopes, create_token, revoke, verify

pytestmark = pytest.mark.django_db
PAGE = reverse("tokens:list")


def test_a_token_is_found_by_its_secret_and_only_its_hash_is_kept(trader):
    made = create_token(trader, "notebook", ["read"], days=7)
    assert made.secret.startswith("dd_")
    assert verify(made.secret) == made.token
    kept = json.dumps(list(ApiToken.objects.values()), default=str)
    assert made.secret not in kept
    assert made.secret[9:] not in kept
    assert made.secret.startswith(made.token.prefix)
    assert timedelta(days=6) < made.token.expires_at - timezone.now() <= timedelta(days=7)


def test_secrets_are_not_alike(trader):
    secrets = {create_token(trader, str(number), ["read"], days=7).secret for number in range(20)}
    assert len(secrets) == 20
    assert min(len(secret) for secret in secrets) >= 43


@pytest.mark.parametrize("secret", ["", "dd_", "dd_nope", "x", "dd_" + "é" * 50, "dd_\x00"])
def test_anything_else_is_nobody(trader, secret):
    create_token(trader, "notebook", ["read"], days=7)
    assert verify(secret) is None


def test_revoked_expired_and_inactive_are_nobody(trader):
    made = create_token(trader, "a", ["read"], days=7)
    revoke(made.token)
    assert verify(made.secret) is None
    made = create_token(trader, "b", ["read"], days=7)
    ApiToken.objects.filter(pk=made.token.pk).update(expires_at=timezone.now())
    assert verify(made.secret) is None
    made = create_token(trader, "c", ["read"], days=7)
    trader.is_active = False
    trader.save()
    assert verify(made.secret) is None


def test_revoking_twice_keeps_the_first_time(trader):
    made = create_token(trader, "a", ["read"], days=7)
    revoke(made.token)
    first = ApiToken.objects.get().revoked_at
    revoke(made.token)
    assert ApiToken.objects.get().revoked_at == first is not None


def test_its_use_is_written_once_a_minute(trader, django_assert_num_queries):
    made = create_token(trader, "a", ["read"], days=7)
    with django_assert_num_queries(2):
        verify(made.secret)
    with django_assert_num_queries(1):
        verify(made.secret)
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    verify(made.secret)
    assert timezone.now() - ApiToken.objects.get().last_used_at < timedelta(seconds=5)


def test_scopes_are_what_the_user_may_do(trader, analyst, data_admin, nobody):
    assert allowed_scopes(trader) == ["read", "export"]
    assert allowed_scopes(analyst) == ["read", "export", "import"]
    assert set(allowed_scopes(data_admin)) >= {"read", "export", "import", "admin"}
    assert allowed_scopes(nobody) == []


@pytest.mark.parametrize(
    ("name", "scopes", "days", "words"),
    [
        ("a", ["import"], 7, "may not give the scope import"),
        ("a", ["nonsense"], 7, "nonsense"),
        ("a", [], 7, "at least one scope"),
        ("  ", ["read"], 7, "needs a name"),
        ("a", ["read"], 0, "1 to 366"),
        ("a", ["read"], MAX_DAYS + 1, "1 to 366"),
    ],
)
def test_what_cannot_be_is_refused(trader, name, scopes, days, words):
    with pytest.raises(TokenRefused, match=words):
        create_token(trader, name, scopes, days)
    assert not ApiToken.objects.exists()


def test_a_name_is_used_once_per_user(trader, analyst):
    create_token(trader, "a", ["read"], days=7)
    create_token(analyst, "a", ["read"], days=7)
    with pytest.raises(Conflict, match="already"):
        create_token(trader, "a", ["read"], days=7)


def test_the_page_shows_the_secret_once(trader_client):
    response = trader_client.post(PAGE, {"name": "notebook", "scopes": ["read", "export"], "days": 30})
    token = ApiToken.objects.get()
    secret = next(word for word in response.content.decode().split('"') if word.startswith("dd_"))
    assert verify(secret) == token
    assert "no-store" in response["Cache-Control"]
    again = trader_client.get(PAGE).content.decode()
    assert secret not in again
    assert token.prefix in again
    assert "notebook" in again


def test_the_page_offers_only_the_users_scopes(trader_client, nobody_client):
    text = trader_client.get(PAGE).content.decode()
    assert 'value="read"' in text
    assert 'value="admin"' not in text
    response = trader_client.post(PAGE, {"name": "x", "scopes": ["admin"], "days": 30})
    assert response.status_code == 422
    assert "no permission that a token could carry" in nobody_client.get(PAGE).content.decode()


@pytest.mark.parametrize("change", [{"days": 9999}, {"name": ""}, {"scopes": []}])
def test_a_form_that_is_wrong_makes_nothing(trader_client, change):
    response = trader_client.post(PAGE, {"name": "x", "scopes": ["read"], "days": 30} | change)
    assert response.status_code == 422
    assert not ApiToken.objects.exists()


def test_the_same_name_again_is_told(trader_client):
    form = {"name": "x", "scopes": ["read"], "days": 30}
    trader_client.post(PAGE, form)
    response = trader_client.post(PAGE, form)
    assert response.status_code == 422
    assert "already" in response.content.decode()


def test_one_revokes_ones_own_tokens_only(trader_client, trader, analyst):
    mine = create_token(trader, "a", ["read"], days=7).token
    theirs = create_token(analyst, "a", ["read"], days=7).token
    assert trader_client.post(reverse("tokens:revoke", args=(theirs.pk,))).status_code == 404
    assert trader_client.post(reverse("tokens:revoke", args=(mine.pk,))).status_code == 302
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert mine.revoked_at is not None
    assert theirs.revoked_at is None
    assert trader_client.get(reverse("tokens:revoke", args=(mine.pk,))).status_code == 405
    assert "Revoked" in trader_client.get(PAGE).content.decode()


def test_the_page_needs_login(client):
    assert client.get(PAGE).status_code == 302
    assert client.post(PAGE).status_code == 302


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token(trader):
    document = json.loads(run("trader", "--scope", "read", "--scope", "export", "--days", "5", "--json"))
    assert verify(document["token"]) == ApiToken.objects.get()
    assert (document["user"], document["scopes"]) == ("trader", ["read", "export"])
    plain = run("trader", "--scope", "read", "--name", "other").strip()
    assert verify(plain).name == "other"


@pytest.mark.parametrize(
    "arguments",
    [("nobody-such", "--scope", "read"), ("trader", "--scope", "admin"), ("trader", "--scope", "read", "--days", "0")],
)
def test_the_command_refuses_with_exit_code_2(trader, arguments):
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert refusal.value.returncode == 2
