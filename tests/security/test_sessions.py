"""Logging in and out: no fixed session, no open redirect, no telling which names exist."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-test-password"


def log_in(client: Client, **fields: str) -> str:
    """Log in by the page; the address that follows."""
    answer = client.post("/login/", {"username": "trader", "password": PASSWORD, **fields})
    return str(answer.get("Location", ""))


def test_logging_in_gives_a_new_session_key(client, trader):
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key
    assert log_in(client) == "/"
    assert client.cookies["sessionid"].value != session.session_key
    assert not type(session)().exists(session.session_key)


def test_a_made_up_session_key_is_never_taken_over(client, trader):
    made_up = "a" * 32
    client.cookies["sessionid"] = made_up
    log_in(client)
    assert client.cookies["sessionid"].value != made_up
    other = Client()
    other.cookies["sessionid"] = made_up
    assert other.get("/").status_code == 302


def test_logging_out_ends_the_session_on_the_server(client, trader):
    log_in(client)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert stolen.get("/").status_code == 200
    client.post("/logout/")
    assert stolen.get("/").status_code == 302


@pytest.mark.parametrize("change", ["password", "is_active"])
def test_sessions_end_with_the_password_and_with_the_account(client, trader, change):
    log_in(client)
    if change == "password":
        trader.set_password("another-long-password")
    else:
        trader.is_active = False
    trader.save()
    assert client.get("/").status_code == 302
    assert client.get("/api/v1/nautilus/data/catalog").status_code == 401


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "http:evil.example", "https:///evil.example", " //evil.example", "\t//evil.example", "/%09/evil.example/../.."],
)  # fmt: skip
def test_login_leads_to_this_site_only(trader, target):
    for client in (Client(), Client()):
        where = log_in(client, next=target)
        assert where == "/" or (where.startswith("/") and not where.startswith(("//", "/\\")))
    logged_in = client.get("/login/", {"next": target})
    assert not logged_in["Location"].startswith(("//", "/\\", "http", "javascript"))


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, trader):
    def refusal(name: str) -> str:
        page = client.post("/login/", {"username": name, "password": "wrong"}).content.decode()
        return page[page.index("<form") :].replace(name, "")

    def without_token(page: str) -> str:
        before, _, after = page.partition("csrfmiddlewaretoken")
        return before + after[100:]

    assert without_token(refusal("trader")) == without_token(refusal("trade9"))


def test_weak_passwords_are_refused(superuser_client):
    fields = {"username": "new", "password1": "password", "password2": "password", "usable_password": "true"}
    answer = superuser_client.post("/admin/auth/user/add/", fields)
    assert answer.status_code == 200
    assert b"too common" in answer.content
    assert not User.objects.filter(username="new").exists()
