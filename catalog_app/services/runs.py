"""What live and backtest runs streamed into a store: listed, counted once they are at rest, and grouped by run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from catalog_app.models import RunFile, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services import bulk
from catalog_app.services.index import writing_index
from catalog_app.store.errors import UnreadableFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.streams import StreamFile, describe_stream, list_runs

# A node flushes its streams every second: what changed within this time is not counted yet.
AT_REST_NS = 60 * 10**9
BEING_WRITTEN = "it was written within the last minute; its rows are counted once it is at rest"
NOTHING_WRITTEN = "nothing was written to it"
_CHUNK = 500
_FIELDS = (
    "store", "path", "kind", "instance_id", "class_name", "identifier", "size_bytes", "mtime_ns", "rows", "start_ns",
    "end_ns", "state", "problem",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its streams' sums. `rows` are those that are known, None while none is; range in ns UTC."""

    store: Store
    kind: str
    label: str
    instance_id: str
    files: int
    unread: int
    rows: int | None
    size_bytes: int
    start_ns: int | None
    end_ns: int | None
    written_ns: int
    problems: int


def sync_runs(store: Store) -> int:
    """Bring the list of streams in line with the store's files; return how many there are.

    Raises:
        StoreError: when the store cannot be listed.

    """
    root = StoreRoot.at(store.root)
    found = {stream.path: stream for stream in list_runs(root)}
    known = {
        path: (size_bytes, mtime_ns, state)
        for path, size_bytes, mtime_ns, state in store.run_files.values_list("path", "size_bytes", "mtime_ns", "state")
    }
    now = time.time_ns()
    pending = [stream for stream in found.values() if not _is_covered(stream, known.get(stream.path), now)]
    for chunk in batched(pending, _CHUNK):
        rows = [_row(store, root, stream, now) for stream in chunk]
        with writing_index(store):
            bulk.insert(RunFile, _FIELDS, rows, unique=("store", "path"), update=_FIELDS[2:])
    for gone in batched(known.keys() - found.keys(), _CHUNK):
        store.run_files.filter(path__in=gone).delete()
    return len(found)


def runs(store: Store | None = None, kind: str = "") -> QuerySet[Any, Any]:
    """Runs as groups of their files, the last written first; `as_runs` makes a page of them readable."""
    wanted = {"store": store, "kind": kind}
    files = RunFile.objects.filter(**{name: value for name, value in wanted.items() if value})
    groups = files.order_by().values("store_id", "kind", "instance_id").annotate(
        files=Count("pk"), unread=Count("pk", filter=Q(state=IndexState.LISTED)), known=Sum("rows"),
        total_bytes=Sum("size_bytes"), first=Min("start_ns"), last=Max("end_ns"), written=Max("mtime_ns"),
        problems=Count("pk", filter=Q(state=IndexState.UNREADABLE)),
    )  # fmt: skip
    return groups.order_by("-written", "store_id", "kind", "instance_id")


def as_runs(groups: Iterable[dict[str, Any]]) -> list[Run]:
    """Groups of `runs` with their stores."""
    stores = Store.objects.in_bulk()
    return [
        Run(
            store=stores[row["store_id"]],
            kind=row["kind"],
            label=RunFile.Kind(row["kind"]).label,
            instance_id=row["instance_id"],
            files=row["files"],
            unread=row["unread"],
            rows=row["known"],
            size_bytes=row["total_bytes"],
            start_ns=row["first"],
            end_ns=row["last"],
            written_ns=row["written"],
            problems=row["problems"],
        )
        for row in groups
    ]


def _is_covered(stream: StreamFile, known: tuple[int, int, str] | None, now: int) -> bool:
    if known is None or known[:2] != (stream.size_bytes, stream.mtime_ns):
        return False
    return known[2] != IndexState.LISTED or not _is_at_rest(stream, now)


def _is_at_rest(stream: StreamFile, now: int) -> bool:
    return now - stream.mtime_ns >= AT_REST_NS


def _row(store: Store, root: StoreRoot, stream: StreamFile, now: int) -> tuple[Any, ...]:
    names = (store.pk, stream.path, stream.kind, stream.instance_id, stream.class_name, stream.identifier)
    identity = (stream.size_bytes, stream.mtime_ns)
    if not _is_at_rest(stream, now):
        return (*names, *identity, None, None, None, IndexState.LISTED.value, BEING_WRITTEN)
    if stream.size_bytes == 0:  # a node opens a stream for each class of data before it has any
        return (*names, *identity, 0, None, None, IndexState.OK.value, NOTHING_WRITTEN)
    try:
        found = describe_stream(root, stream.path)
    except UnreadableFile as error:
        return (*names, *identity, None, None, None, IndexState.UNREADABLE.value, error.reason)
    return (*names, *identity, found.rows, found.start_ns, found.end_ns, IndexState.OK.value, found.problem)
