"""Pushes the jobs' state to open pages, as HTML that htmx swaps in by id."""

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import User
from django.template.loader import render_to_string

from catalog_app.services.jobs.events import GROUP
from catalog_app.services.jobs.queries import active_count

DENIED = 4403


class JobsConsumer(AsyncWebsocketConsumer):
    """The header's badge of running jobs: a snapshot on connect, and a new one whenever a job changes."""

    async def connect(self) -> None:
        """Accept users who may see jobs."""
        badge = await self._badge()
        if badge is None:
            await self.close(DENIED)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()
        await self.send(badge)

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore what the browser sends: this socket only tells."""

    async def job_changed(self, event: dict[str, Any]) -> None:
        """Send the badge anew; a user who lost the right since is shown out."""
        badge = await self._badge()
        if badge is None:
            await self.close(DENIED)
        else:
            await self.send(badge)

    @database_sync_to_async
    def _badge(self) -> str | None:
        """The badge as the user may see it now; None when they may not. The session's user may be out of date."""
        session_user = self.scope.get("user")
        if not isinstance(session_user, User):
            return None
        user = User.objects.filter(pk=session_user.pk, is_active=True).first()
        if user is None or not user.has_perm("catalog_app.view_job"):
            return None
        return render_to_string("jobs/badge.html", {"running_jobs": active_count()})
