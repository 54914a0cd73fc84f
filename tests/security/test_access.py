"""Who gets through which door: every address of the project, walked from the resolver."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from catalog_app.models import ApiToken
from catalog_app.services.tokens import SCOPE_PERMISSIONS, create_token
from tests.security.addresses import Address
from tests.security.conftest import MARK

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
# Open to everybody: the doors themselves, and the description of the API.
OPEN = {"login", "admin:login", "api-docs", "api-openapi"}
# Answers 404 in the API's own way to whatever does not exist; says nothing about what does.
NOWHERE = {"api:unknown", "api:api-root"}
LOGINS = ("/login/", "/admin/login/")


def all_of(addresses: list[Address]) -> list[tuple[Address, str]]:
    return [(address, method) for address in addresses for method in METHODS]


def ask(client: Client, address: Address, method: str) -> HttpResponse:
    client.raise_request_exception = False
    answer: HttpResponse = getattr(client, method)(address.url)
    return answer


def is_sent_to_login(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and urlsplit(answer["Location"]).path in LOGINS


def body_of(answer: HttpResponse) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]


def test_there_are_as_many_addresses_as_there_should_be(addresses):
    assert len(addresses) > 100
    assert {"overview", "jobs:list", "api:export", "admin:index", "quality:gaps"} <= {one.name for one in addresses}


def test_strangers_are_sent_to_the_login(addresses, world):
    before, let_in = world.state(), []
    for address, method in all_of(addresses):
        if address.name in OPEN:
            continue
        answer = ask(Client(), address, method)
        refused = is_sent_to_login(answer) or answer.status_code in {401, 405}
        nowhere = address.name in NOWHERE and answer.status_code == 404
        if not (refused or nowhere) or MARK.encode() in body_of(answer):
            let_in.append((str(address), method, answer.status_code))
    assert let_in == []
    assert world.state() == before


def test_the_open_addresses_show_no_data(addresses, world):
    for address, method in all_of(addresses):
        if address.name in OPEN:
            answer = ask(Client(), address, method)
            assert answer.status_code < 500
            for secret in (MARK, world.owner.username, world.store.root):
                assert secret.encode() not in body_of(answer)


def test_a_user_without_permissions_sees_and_does_nothing(addresses, world, nobody_client):
    own = OPEN | NOWHERE | {"tokens:list", "logout", "admin:logout"}
    before, let_in = world.state(), []
    for address, method in all_of(addresses):
        answer = ask(nobody_client, address, method)
        refused = answer.status_code in {403, 404, 405} or (address.is_admin and is_sent_to_login(answer))
        if not (refused or (address.name in own and answer.status_code < 500)) or MARK.encode() in body_of(answer):
            let_in.append((str(address), method, answer.status_code))
        if address.name == "logout":
            nobody_client.force_login(world.owner.__class__.objects.get(username="nobody"))
    assert let_in == []
    assert world.state() == before


def test_a_token_without_the_permission_is_refused_everywhere(addresses, world, nobody):
    left_the_group = create_token(world.owner, "all", [*SCOPE_PERMISSIONS], 7)
    ApiToken.objects.filter(pk=left_the_group.token.pk).update(user=nobody)
    before, let_in = world.state(), []
    client = Client(headers={"Authorization": f"Bearer {left_the_group.secret}"})
    for address, method in all_of(addresses):
        if not address.is_api or address.name in NOWHERE:
            continue
        answer = ask(client, address, method)
        if answer.status_code not in {403, 405}:
            let_in.append((str(address), method, answer.status_code))
    assert let_in == []
    assert world.state() == before


def test_a_token_opens_the_api_and_no_page(addresses, world):
    secret = create_token(world.owner, "all", ["read", "admin"], 7).secret
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    for address in addresses:
        if not address.is_api and address.name not in OPEN:
            assert is_sent_to_login(ask(client, address, "get")), address


def test_nothing_changes_without_a_csrf_token(addresses, world, superuser):
    client = Client(enforce_csrf_checks=True)
    client.force_login(superuser)
    before, let_in = world.state(), []
    for address in addresses:
        for method in ("post", "put", "patch", "delete"):
            answer = ask(client, address, method)
            if answer.status_code not in {403, 405} and address.name not in NOWHERE:
                let_in.append((str(address), method, answer.status_code))
    assert let_in == []
    assert world.state() == before


def test_reading_changes_nothing_and_never_fails(addresses, world, superuser_client, superuser):
    before, odd = world.state(), []
    for address in addresses:
        for method in ("get", "head", "options", "trace"):
            answer = ask(superuser_client, address, method)
            if answer.status_code not in {200, 302, 301, 403, 404, 405}:
                odd.append((str(address), method, answer.status_code))
    assert odd == []
    assert world.state() == before
    assert superuser_client.get("/").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "logout", "jobs:cancel", "jobs:retry", "catalog:store-sync", "tokens:revoke", "quality:validate",
        "quality:scan-gaps", "quality:lift", "quality:report-send", "quality:report-delete",
        "manage:run", "manage:purge", "manage:undo", "api:undo_operation",
        "api:maintain_store",
        "api:convert_store", "api:purge_store", "api:export", "api:import_file", "api:cancel_job", "api:sync_store",
    ],
)  # fmt: skip
def test_what_changes_something_is_not_reached_by_reading(addresses, superuser_client, name):
    (address,) = [one for one in addresses if one.name == name]
    for method in ("get", "head"):
        answer = ask(superuser_client, address, method)
        assert answer.status_code == 405
        assert "POST" in answer["Allow"]
