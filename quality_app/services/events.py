"""Tells open pages that measured quality changed, through the channel layer."""

import asyncio
import logging
import time

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

GROUP = "quality"
MESSAGE = "quality.changed"
SEND_TIMEOUT = 2.0
# After a failure nothing is sent for so long: a broker that is down shall not slow down a thousand runs.
PAUSE_SECONDS = 30.0
_quiet_until = float("-inf")


def announce() -> None:
    """Tell the pages once the transaction has committed; a failure is logged and does nothing else."""
    transaction.on_commit(_send, robust=True)


def _send() -> None:
    global _quiet_until  # noqa: PLW0603 - one broker for the process, one memory of its failure
    if time.monotonic() < _quiet_until:
        return
    try:
        async_to_sync(_publish)()
    except Exception as error:  # the push is a convenience: pages poll, and the rows are the truth
        _quiet_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("Open pages were not told of changed quality: %s", type(error).__name__)


async def _publish() -> None:
    await asyncio.wait_for(get_channel_layer().group_send(GROUP, {"type": MESSAGE}), SEND_TIMEOUT)
