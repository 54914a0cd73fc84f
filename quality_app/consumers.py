"""Tells open quality pages that something changed; they then ask for their part anew."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import User

from catalog_app.services.jobs import events as job_events
from quality_app.services import events

DENIED = 4403
# At most so often is a page told: a thousand runs in a row are one change after the other to the eye.
PAUSE_SECONDS = 0.5
PULSE = '<span id="quality-pulse" data-at="{}"></span>'


class QualityConsumer(AsyncWebsocketConsumer):
    """A pulse whenever a run's results were committed or a job changed: the first at once, later ones together.

    The pulse carries no data: the page reads its own address again, which checks the permissions.
    """

    async def connect(self) -> None:
        """Accept users who may see the dashboard."""
        self._waiting: asyncio.Task[None] | None = None
        self._told_at = float("-inf")
        if not await self._may_see():
            await self.close(DENIED)
            return
        for group in (events.GROUP, job_events.GROUP):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        if self._waiting:
            self._waiting.cancel()
        for group in (events.GROUP, job_events.GROUP):
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore what the browser sends: this socket only tells."""

    async def quality_changed(self, event: dict[str, Any]) -> None:
        """Results were committed."""
        self._tell_soon()

    async def job_changed(self, event: dict[str, Any]) -> None:
        """A job began, ended or was cancelled."""
        self._tell_soon()

    def _tell_soon(self) -> None:
        """Tell now, or together with what else comes until the pause is over."""
        if self._waiting is None or self._waiting.done():
            wait = max(0.0, self._told_at + PAUSE_SECONDS - time.monotonic())
            self._waiting = asyncio.create_task(self._tell(wait))

    async def _tell(self, wait: float) -> None:
        await asyncio.sleep(wait)
        self._told_at = time.monotonic()
        self._waiting = None
        if await self._may_see():
            await self.send(PULSE.format(int(time.time() * 1000)))
        else:
            await self.close(DENIED)

    @database_sync_to_async
    def _may_see(self) -> bool:
        """Whether the user may see the dashboard now; the session's user may be out of date."""
        session_user = self.scope.get("user")
        if not isinstance(session_user, User):
            return False
        user = User.objects.filter(pk=session_user.pk, is_active=True).first()
        return user is not None and user.has_perm("quality_app.view_qualitymetric")
