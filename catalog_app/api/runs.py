"""Operations on runs: what live and backtest runs of NautilusTrader streamed into the stores."""

from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router
from pydantic import Field

from catalog_app.api import cursors, schemas, shapes
from catalog_app.api.auth import access
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.models import RunFile, Store
from catalog_app.services.runs import Run, as_runs, runs

router = Router(tags=["Runs"], by_alias=True)

READ = access("read", permission="catalog_app.view_dataset")
Kind = Literal["backtest", "live"]
InstanceId = Annotated[str, Path(pattern=r"^[^\x00]+$")]  # PostgreSQL has no text with NUL


class RunQuery(schemas.Wire):
    """Which runs; everything is optional."""

    store: str = Field("", description="Name of the store.")
    kind: Literal["", "backtest", "live"] = ""


class StreamQuery(schemas.Wire):
    """Which streams of a run; everything is optional."""

    class_name: str = Field("", description="quote_tick, order_filled, …")
    state: Literal["", "ok", "listed", "unreadable"] = ""


class RunInfo(schemas.Wire):
    """A run: the sums of its streams."""

    store_id: str
    store: str
    kind: str = Field(examples=["backtest"])
    instance_id: str = Field(description="The node or engine that ran.")
    stream_count: int
    unread_streams: int = Field(description="Streams that are being written; their rows are not counted.")
    unreadable_streams: int
    record_count: int | None = Field(description="Of the streams that were read; null while none was.")
    file_size: int
    date_range: schemas.DateRange
    last_written: str | None


class RunPage(schemas.Wire):
    """A page of runs, the last written first."""

    runs: list[RunInfo]
    next_cursor: str | None = None


class StreamInfo(schemas.Wire):
    """One Feather stream of a run."""

    path: str
    class_name: str = Field(examples=["quote_tick"])
    identifier: str = Field(description="Instrument or bar type, as in the path; empty where a stream holds all.")
    size_bytes: int
    rows: int | None = Field(description="Null while it is being written.")
    date_range: schemas.DateRange
    state: str = Field(description="ok, listed (being written) or unreadable.", examples=["ok"])
    problem: str
    last_written: str | None


class StreamPage(schemas.Wire):
    """A page of a run's streams, by path."""

    streams: list[StreamInfo]
    next_cursor: str | None = None


@router.get("", response=RunPage, summary="Runs, the last written first", **READ)
def list_runs(
    request: HttpRequest,
    query: Query[RunQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> RunPage:
    """The runs of all stores, or those of one store or kind."""
    found = runs(get_object_or_404(Store, name=query.store) if query.store else None, query.kind)
    rows = list((_after(found, cursor) if cursor else found)[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    return RunPage(
        runs=[_run(run) for run in as_runs(rows[:limit])],
        next_cursor=cursors.encode(*(last[name] for name in _ORDER)) if last else None,
    )


@router.get("/{store_id}/{kind}/{instance_id}", response=RunInfo, summary="One run", **READ)
def get_run(request: HttpRequest, store_id: int, kind: Kind, instance_id: InstanceId) -> RunInfo:
    """Range, rows and size of a run, and how many of its streams cannot be read."""
    found = get_object_or_404(runs(get_object_or_404(Store, pk=store_id), kind), instance_id=instance_id)
    return _run(as_runs([found])[0])


@router.get("/{store_id}/{kind}/{instance_id}/streams", response=StreamPage, summary="Streams of a run", **READ)
def list_streams(
    request: HttpRequest,
    store_id: int,
    kind: Kind,
    instance_id: InstanceId,
    query: Query[StreamQuery],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> StreamPage:
    """The streams of a run by path, unreadable ones included."""
    store = get_object_or_404(Store, pk=store_id)
    streams = store.run_files.filter(kind=kind, instance_id=instance_id).order_by("path")
    if not streams.exists():
        raise Http404(f"The store {store} has no {kind} run {instance_id}.")
    wanted = {"class_name": query.class_name, "state": query.state}
    streams = streams.filter(**{name: value for name, value in wanted.items() if value})
    if cursor:
        streams = streams.filter(path__gt=cursors.decode(cursor, str)[0])
    rows = list(streams[: limit + 1])
    return StreamPage(
        streams=[_stream(row) for row in rows[:limit]],
        next_cursor=cursors.encode(rows[limit - 1].path) if len(rows) > limit else None,
    )


# The order of the list, greatest first and then least first; a page begins after these values.
_ORDER = ("written", "store_id", "kind", "instance_id")


def _after(found: QuerySet[Any, Any], cursor: str) -> QuerySet[Any, Any]:
    written, store_id, kind, instance_id = cursors.decode(cursor, int, int, str, str)
    later = Q(store_id__gt=store_id) | Q(store_id=store_id, kind__gt=kind)
    later |= Q(store_id=store_id, kind=kind, instance_id__gt=instance_id)
    return found.filter(Q(written__lt=written) | (Q(written=written) & later))


def _run(run: Run) -> RunInfo:
    return RunInfo(
        store_id=str(run.store.pk),
        store=run.store.name,
        kind=run.kind,
        instance_id=run.instance_id,
        stream_count=run.files,
        unread_streams=run.unread,
        unreadable_streams=run.problems,
        record_count=run.rows,
        file_size=run.size_bytes,
        date_range=shapes.date_range(run.start_ns, run.end_ns),
        last_written=schemas.iso_ns(run.written_ns),
    )


def _stream(row: RunFile) -> StreamInfo:
    return StreamInfo(
        path=row.path,
        class_name=row.class_name,
        identifier=row.identifier,
        size_bytes=row.size_bytes,
        rows=row.rows,
        date_range=shapes.date_range(row.start_ns, row.end_ns),
        state=row.state,
        problem=row.problem,
        last_written=schemas.iso_ns(row.mtime_ns),
    )
