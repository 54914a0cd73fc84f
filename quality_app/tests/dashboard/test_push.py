"""Open quality pages are told of changes: the first at once, later ones together, and only who may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections

from catalog_app.services import jobs
from catalog_app.tests.jobs.conftest import broker_url, do, redis_url  # noqa: F401
from quality_app.consumers import DENIED, QualityConsumer
from quality_app.services import events
from quality_app.services.history.metrics import record
from quality_app.tests.dashboard.conftest import NOW, MakeRow

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20


@pytest.fixture(autouse=True)
def channel_layer(redis_url: str, settings, monkeypatch) -> Iterator[None]:  # noqa: F811
    """The pub/sub layer of production, on the tests' Redis."""
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    }
    monkeypatch.setattr(events, "_quiet_until", float("-inf"))
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()
    asyncio.run(database_sync_to_async(connections.close_all)())  # that thread's would keep the test database


def socket_of(user: object) -> WebsocketCommunicator:
    communicator = WebsocketCommunicator(QualityConsumer.as_asgi(), "/ws/quality/")
    communicator.scope["user"] = user
    return communicator


def test_a_commit_and_a_job_are_told_and_a_burst_is_told_once_more(
    trader: User,
    make_row: MakeRow,
    broker_url: str,  # noqa: F811
    do,  # noqa: F811
) -> None:
    dataset = make_row()

    def measure(value: int) -> None:
        record(dataset, {"overall": (Decimal(value) / 100, {})}, NOW)

    async def follow() -> list[str]:
        socket = socket_of(trader)
        assert (await socket.connect(PATIENCE))[0]
        assert await socket.receive_nothing()
        await database_sync_to_async(measure)(1)
        told = [await socket.receive_from(PATIENCE)]
        for value in range(2, 8):
            await database_sync_to_async(measure)(value)
        told.append(await socket.receive_from(PATIENCE))
        assert await socket.receive_nothing(timeout=1.5)
        await database_sync_to_async(jobs.enqueue)("test", {}, title="Test", user=None)
        told.append(await socket.receive_from(PATIENCE))
        await socket.disconnect()
        return told

    assert all('id="quality-pulse"' in message for message in asyncio.run(follow()))


def test_nobody_else_is_let_in(nobody: User) -> None:
    for user in (AnonymousUser(), nobody, None):
        assert asyncio.run(socket_of(user).connect(PATIENCE)) == (False, DENIED)


def test_who_loses_the_right_is_shown_out(trader: User, make_row: MakeRow) -> None:
    dataset = make_row()

    async def follow() -> dict:
        socket = socket_of(trader)
        await socket.connect(PATIENCE)
        await database_sync_to_async(trader.groups.clear)()
        await database_sync_to_async(record)(dataset, {"overall": (Decimal(1), {})}, NOW)
        return await socket.receive_output(PATIENCE)

    assert asyncio.run(follow()) == {"type": "websocket.close", "code": DENIED}


def test_a_layer_that_is_down_loses_no_measurement_and_is_not_asked_again_at_once(
    settings, make_row: MakeRow, caplog
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    channel_layers.backends.clear()
    dataset = make_row()
    assert [record(dataset, {"overall": (Decimal(value), {})}, NOW) for value in (0, 1)] == [1, 1]
    assert caplog.text.count("were not told") == 1
