"""Fixtures of the job tests: kinds of jobs made for one test, and a broker."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app

from catalog_app.services.jobs import registry
from catalog_app.tests.redis_server import running_redis


@pytest.fixture
def do(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Make a function do the jobs of kind "test" for the length of a test."""
    monkeypatch.setattr(registry, "_handlers", {**registry._handlers, "test": lambda progress, parameters: {}})

    def set_handler(function: Callable[..., Any]) -> None:
        monkeypatch.setitem(registry._handlers, "test", function)

    return set_handler


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        yield url


@pytest.fixture
def broker_url(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of an empty broker that this process sends to."""
    import redis

    redis.Redis.from_url(redis_url).flushall()
    monkeypatch.setattr(current_app.conf, "broker_url", redis_url)
    monkeypatch.setattr(current_app.conf, "broker_write_url", redis_url)
    monkeypatch.setattr(current_app.conf, "broker_read_url", redis_url)
    return redis_url


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing answers."""
    for name in ("broker_url", "broker_write_url", "broker_read_url"):
        monkeypatch.setattr(current_app.conf, name, "redis://127.0.0.1:1/0")
