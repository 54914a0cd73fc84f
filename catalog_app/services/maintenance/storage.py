"""What a store's files take up: data, what is kept for undo, and how operations changed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, Q, Sum
from django.utils import timezone

from catalog_app.models import Store, StoreOperation

# A file that came back by an undo and the one in the trash are links to one file, where there are links.
_TAKES_ROOM = ~Q(state=StoreOperation.State.UNDONE)


@dataclass(frozen=True, slots=True)
class Growth:
    """What the operations of one kind did to a store; undoing is a kind of its own."""

    kind: str
    operations: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Storage:
    """A store's bytes by what they are for.

    Attributes:
        trash_bytes: Size of the files that operations replaced and that are kept so that they can be undone.
        oldest: When the oldest operation whose files are in the trash was made.
        purge_after_days: When its files leave the trash; 0 keeps them for ever.

    """

    store: Store
    data_files: int
    data_bytes: int
    trash_operations: int
    trash_files: int
    trash_bytes: int
    oldest: datetime | None
    purge_after_days: int
    growth: list[Growth]

    @property
    def share_in_trash(self) -> float:
        """Trash as a share of all bytes, 0 to 1."""
        total = self.data_bytes + self.trash_bytes
        return self.trash_bytes / total if total else 0.0

    @property
    def next_purge(self) -> datetime | None:
        """When retention deletes the oldest files of the trash; None for never."""
        if self.oldest is None or not self.purge_after_days:
            return None
        return self.oldest + timedelta(days=self.purge_after_days)


def storage_of(store: Store) -> Storage:
    """Add up a store by the index and the history: three queries, no look at its files."""
    data: dict[str, Any] = store.files.aggregate(number=Count("pk"), size=Sum("size_bytes"))
    kept = store.operations.filter(purged_at=None, file_count_before__gt=0)
    trash: dict[str, Any] = kept.aggregate(
        number=Count("pk"),
        files=Sum("file_count_before"),
        size=Sum("bytes_before", filter=None if "://" in store.root else _TAKES_ROOM),
        oldest=Min("created_at"),
    )
    return Storage(
        store=store,
        data_files=data["number"],
        data_bytes=data["size"] or 0,
        trash_operations=trash["number"],
        trash_files=trash["files"] or 0,
        trash_bytes=trash["size"] or 0,
        oldest=trash["oldest"],
        purge_after_days=settings.TRASH_RETENTION_DAYS,
        growth=_growth(store),
    )


def expired(store: Store, days: int) -> int:
    """How many operations older than so many days still keep files in the trash."""
    before = timezone.now() - timedelta(days=days)
    return store.operations.filter(purged_at=None, file_count_before__gt=0, created_at__lt=before).count()


def _growth(store: Store) -> list[Growth]:
    rows = (
        store.operations.order_by()
        .values("kind")
        .annotate(
            number=Count("pk"),
            files=Sum(F("file_count_after") - F("file_count_before")),
            size=Sum(F("bytes_after") - F("bytes_before")),
        )
        .order_by("-size")
    )
    return [Growth(row["kind"], row["number"], row["files"], row["size"]) for row in rows]
