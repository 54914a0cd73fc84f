"""A small synced store, and callers with tokens."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from catalog_app.services.tokens import create_token
from catalog_app.tests.pages.conftest import (  # noqa: F401
    bar_dataset,
    quote_dataset,
    store,
    store_root,
    trade_dataset,
)

BASE = "/api/v1/nautilus/data"


@pytest.fixture(autouse=True)
def _fresh_rates() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def bearer() -> Callable[..., Client]:
    """A client that sends a token of the user with these scopes."""

    def make(user: User, *scopes: str) -> Client:
        secret = create_token(user, f"token {user.api_tokens.count()}", scopes, days=1).secret
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def reader(trader: User, bearer: Callable[..., Client]) -> Client:
    return bearer(trader, "read")


def assert_problem(response, status: int, *words: str) -> dict:
    """The response is a problem document of this status whose detail has these words."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    for word in words:
        assert word in document["detail"]
    return document
