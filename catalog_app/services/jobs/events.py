"""Tells open pages that a job changed, through the channel layer."""

import asyncio
import logging
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

GROUP = "jobs"
SEND_TIMEOUT = 2.0


def announce(job_id: UUID, state: str) -> None:
    """Tell the pages once the transaction has committed; a failure is logged and does nothing else."""
    transaction.on_commit(lambda: _send(job_id, state), robust=True)


def _send(job_id: UUID, state: str) -> None:
    try:
        async_to_sync(_publish)({"type": "job.changed", "job_id": str(job_id), "state": state})
    except Exception as error:  # the push is a convenience: pages poll, and the row is the truth
        logger.warning("Open pages were not told of job %s (%s): %s", job_id, state, type(error).__name__)


async def _publish(message: dict[str, str]) -> None:
    layer = get_channel_layer()
    await asyncio.wait_for(layer.group_send(GROUP, message), SEND_TIMEOUT)
