"""What every answer tells the browser: a strict policy, no sniffing, no frames, no leaking addresses."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from catalog_app.services import browse
from tests.security.test_access import ask, body_of

pytestmark = pytest.mark.django_db

ALLOWED_SOURCES = {"'self'", "'none'", "data:"}
INLINE = re.compile(
    r"""<style|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:|<script(?![^>]*\ssrc=)(?![^>]*type="application/json")""",
    re.I,
)
FOREIGN = re.compile(r"""<(?:script|link|img|iframe|form|object|embed)[^>]*(?:src|href|action)="(?:https?:)?//""", re.I)


def complaints(answer: HttpResponse) -> list[str]:
    """What is wrong with the headers of an answer."""
    policy = answer.get("Content-Security-Policy", "")
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";") if part.strip())}
    none = {name: ["'none'"] for name in ("default-src", "base-uri", "frame-ancestors", "object-src")}
    own = {name: ["'self'"] for name in ("script-src", "style-src", "connect-src", "form-action")}
    strictest = none | own
    found = [f"{name} is {directives.get(name)}" for name, value in strictest.items() if directives.get(name) != value]
    found += [
        f"{one} in {name}" for name, sources in directives.items() for one in sources if one not in ALLOWED_SOURCES
    ]
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return found + [f"{name} is {answer.get(name)}" for name, value in wanted.items() if answer.get(name) != value]


def test_every_answer_carries_them(addresses, superuser_client):
    wrong = {}
    for address in addresses:
        for client in (superuser_client, Client()):
            if found := complaints(ask(client, address, "get")):
                wrong[str(address)] = found
    assert wrong == {}


def test_no_page_has_anything_inline_or_from_elsewhere(addresses, superuser_client):
    wrong = {}
    for address in addresses:
        answer = ask(superuser_client, address, "get")
        if "html" in answer.get("Content-Type", ""):
            text = body_of(answer).decode()
            if found := [
                text[at.start() : at.start() + 80] for at in (INLINE.search(text), FOREIGN.search(text)) if at
            ]:
                wrong[str(address)] = found
    assert wrong == {}


@pytest.mark.parametrize("path", ["/nothing/", "/jobs/nonsense/", "/%00", "/admin/nothing/"])
def test_not_found(superuser_client, path):
    answer = superuser_client.get(path)
    assert (answer.status_code, complaints(answer)) == (404, [])
    assert not INLINE.search(answer.content.decode())


def test_refused(nobody_client):
    answer = nobody_client.get("/jobs/")
    assert (answer.status_code, complaints(answer)) == (403, [])


def test_refused_for_lack_of_a_csrf_token():
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})
    assert (answer.status_code, complaints(answer)) == (403, [])
    assert not INLINE.search(answer.content.decode())


@pytest.mark.parametrize("address", ["catalog:browser", "api:get_catalog"])
def test_failed(superuser_client, monkeypatch, address):
    def fail(*_: object) -> None:
        raise RuntimeError("the password is secret")

    monkeypatch.setattr(browse, "datasets", fail)
    monkeypatch.setattr("catalog_app.services.search.overall", fail)
    answer = superuser_client.get(reverse(address))
    assert (answer.status_code, complaints(answer)) == (500, [])
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "127.0.0.1:80@evil.example"]
)
def test_a_foreign_host_is_refused(client, host):
    for path in ("/", "/login/", "/api/v1/docs", "/api/v1/nautilus/data/catalog", "/admin/"):
        answer = client.get(path, headers={"host": host})
        assert (answer.status_code, complaints(answer)) == (400, [])
        assert b"evil" not in answer.content
        assert "Location" not in answer


def test_what_a_proxy_would_say_is_not_believed(client):
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
    for path in ("/", "/api/v1/docs"):
        answer = client.get(path, headers=forged)
        assert "evil" not in answer.get("Location", "") + answer.content.decode()


def test_cookies_are_kept_from_scripts_and_from_other_sites(client, nobody):
    page = client.get("/login/")
    client.post("/login/", {"username": "nobody", "password": "a-long-test-password"})
    session, csrf = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert page.status_code == 200
    assert (session["httponly"], session["samesite"], session["domain"]) == (True, "Lax", "")
    assert csrf["samesite"] == "Lax"


def test_behind_tls_cookies_are_never_sent_in_the_clear(client, nobody, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client.get("/login/")
    client.post("/login/", {"username": "nobody", "password": "a-long-test-password"})
    assert client.cookies["sessionid"]["secure"]
    assert client.cookies["csrftoken"]["secure"]


def test_what_belongs_to_a_user_is_not_kept_by_a_shared_cache(addresses, superuser_client):
    same_for_all = {"api-openapi", "admin:jsi18n"}
    for address in addresses:
        answer = ask(superuser_client, address, "get")
        control, varies = answer.get("Cache-Control", ""), answer.get("Vary", "")
        assert "public" not in control, address
        if answer.status_code == 200 and address.name not in same_for_all:
            # The session decides what is shown, so a cache must not give it to somebody else.
            assert "Cookie" in varies or "private" in control, address
