"""The header's badge is pushed over a web socket, to those who may see jobs."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User

from catalog_app.consumers import DENIED, JobsConsumer
from catalog_app.models import Job
from catalog_app.models.job import JobState
from catalog_app.services import jobs

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20


@pytest.fixture
def channel_layer(redis_url, settings):
    """The pub/sub layer of production, on the tests' Redis."""
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url]}}
    }
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


def socket_of(user) -> WebsocketCommunicator:
    communicator = WebsocketCommunicator(JobsConsumer.as_asgi(), "/ws/jobs/")
    communicator.scope["user"] = user
    return communicator


def test_a_snapshot_comes_first_and_changes_follow(channel_layer, broker_url, trader, do):
    async def follow() -> list[str]:
        socket = socket_of(trader)
        assert (await socket.connect(PATIENCE))[0]
        messages = [await socket.receive_from(PATIENCE)]
        job = await database_sync_to_async(jobs.enqueue)("test", {}, title="Test", user=None)
        messages.append(await socket.receive_from(PATIENCE))
        await sync_to_async(jobs.run_job)(job.pk)
        messages += [await socket.receive_from(PATIENCE), await socket.receive_from(PATIENCE)]
        assert await socket.receive_nothing()
        await socket.disconnect()
        return messages

    messages = asyncio.run(follow())
    assert all('id="jobs-badge"' in message for message in messages)
    # The third tells of the start, and may be rendered when the job has ended already.
    assert ["1 running" in messages[i] for i in (0, 1, 3)] == [False, True, False]
    assert "No running jobs" in messages[3]


def test_nobody_else_is_let_in(channel_layer, nobody, make_user):
    inactive = make_user("gone", "Trader")
    User.objects.filter(pk=inactive.pk).update(is_active=False)

    async def knock(user) -> tuple[bool, int]:
        connected, code = await socket_of(user).connect(PATIENCE)
        return connected, code

    for user in (AnonymousUser(), nobody, inactive, None):
        assert asyncio.run(knock(user)) == (False, DENIED)


@pytest.mark.parametrize("loss", ["permission", "account"])
def test_who_loses_the_right_is_shown_out_at_the_next_event(channel_layer, broker_url, trader, do, loss):
    def lose() -> None:
        if loss == "permission":
            trader.groups.clear()
        else:
            User.objects.filter(pk=trader.pk).update(is_active=False)

    async def follow() -> dict:
        socket = socket_of(trader)
        await socket.connect(PATIENCE)
        await socket.receive_from(PATIENCE)
        await database_sync_to_async(lose)()
        await database_sync_to_async(jobs.enqueue)("test", {}, title="Test", user=None)
        return await socket.receive_output(PATIENCE)

    assert asyncio.run(follow()) == {"type": "websocket.close", "code": DENIED}


def test_what_the_browser_sends_is_ignored(channel_layer, trader):
    async def talk() -> bool:
        socket = socket_of(trader)
        await socket.connect(PATIENCE)
        await socket.receive_from(PATIENCE)
        await socket.send_to(text_data='{"state": "succeeded"}')
        await socket.send_to(bytes_data=b"\x00")
        nothing = await socket.receive_nothing()
        await socket.disconnect()
        return nothing

    assert asyncio.run(talk())


def test_a_channel_layer_that_is_down_fails_no_job(settings, no_broker, do, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    channel_layers.backends.clear()
    job = jobs.enqueue("test", {}, title="Test", user=None)
    jobs.run_job(job.pk)
    assert Job.objects.get().state == JobState.SUCCEEDED
    assert "were not told" in caplog.text
    channel_layers.backends.clear()
