"""Operations on the catalog: what data there is."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from catalog_app.api import cursors, schemas, shapes
from catalog_app.api.accepted import Accepted, accepted, queues_job
from catalog_app.api.auth import access, caller, idempotency_key
from catalog_app.api.cursors import Cursor, Limit
from catalog_app.models import Dataset, Store
from catalog_app.services import browse, search
from catalog_app.services.preview import row_page
from catalog_app.services.stores import request_sync

router = Router(tags=["Catalog"], by_alias=True)

READ = access("read", permission="catalog_app.view_dataset")
Sort = Literal[
    "instrument", "-instrument", "rows", "-rows", "size", "-size", "score", "-score", "start", "-start", "end", "-end"
]


class SearchQuery(schemas.Wire):
    """What to look for; everything is optional."""

    q: str = Field("", max_length=200, description="Words in instrument, venue, path or asset class.")
    venue: str = ""
    asset_class: str = ""
    currency: str = ""
    data_type: str = Field("", examples=["bar"])
    timeframe: str = Field("", examples=["1-MINUTE-BID"])
    dialect: str = Field("", description="v1-16, v1-8, rc4, v2, or mixed.")
    store: str = Field("", description="Name of the store.")
    quality_threshold: Decimal | None = Field(None, ge=0, le=1, description="Lowest score; unknown scores fall out.")
    start: date | None = Field(None, description="Data on or after this UTC day.")
    end: date | None = Field(None, description="Data on or before this UTC day.")
    has_gaps: bool = Field(False, description="Only with open gaps.")
    record_count_min: int | None = Field(None, ge=0, lt=2**63)
    record_count_max: int | None = Field(None, ge=0, lt=2**63)
    sort: Sort = "instrument"


@router.get("", response=schemas.DataCatalog, summary="The whole catalog", **READ)
def get_catalog(request: HttpRequest, limit: Limit = 100, cursor: Cursor = None) -> schemas.DataCatalog:
    """Totals, venues, stores, and the instruments in pages."""
    after = str(cursors.decode(cursor, str)[0]) if cursor else ""
    rows = search.summaries(after, limit + 1)
    totals = search.overall()
    return schemas.DataCatalog(
        instruments=[_summary(row) for row in rows[:limit]],
        venues=[_venue(row) for row in search.venues()],
        data_sources=[_source(store) for store in Store.objects.all()],
        quality_metrics=shapes.metrics(totals, schemas.iso(totals["validated"])),
        last_updated=schemas.iso(totals["indexed"]),
        total_instruments=totals["instruments"],
        # Nothing at all is no rows; datasets of which none was read are unknown rows.
        total_records=totals["rows"] if totals["indexed"] else 0,
        unread_files=totals["unread"],
        storage_size=totals["size"],
        next_cursor=cursors.encode(rows[limit - 1]["instrument_id"]) if len(rows) > limit else None,
    )


@router.get("/search", response=schemas.SearchResult, summary="Search instruments", **READ)
def search_catalog(
    request: HttpRequest, query: Query[SearchQuery], limit: Limit = 100, cursor: Cursor = None
) -> schemas.SearchResult:
    """Instruments that have at least one dataset that fits, each with those datasets."""
    offset = cursors.offset_of(cursor)
    filters = browse.Filters(
        q=query.q,
        venue=query.venue,
        asset_class=query.asset_class,
        data_type=query.data_type,
        timeframe=query.timeframe,
        dialect=query.dialect,
        store=query.store,
        has_gaps="1" if query.has_gaps else "",
        start=query.start.isoformat() if query.start else "",
        end=query.end.isoformat() if query.end else "",
    )
    wanted = search.Search(
        filters, query.currency, query.quality_threshold, query.record_count_min, query.record_count_max, query.sort
    )
    found, total = search.search(wanted, offset, limit)
    return schemas.SearchResult(
        instruments=[shapes.instrument(item) for item in found],
        total_count=total,
        page_size=limit,
        current_page=offset // limit + 1,
        filters=query.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        next_cursor=cursors.encode(offset + limit) if offset + limit < total else None,
    )


@router.get("/instruments/{path:instrument}", response=schemas.InstrumentMetadata, summary="One instrument", **READ)
def get_instrument(request: HttpRequest, instrument: str) -> schemas.InstrumentMetadata:
    """By its id, with the slash percent-encoded (`EUR%2FUSD.SIM`) or left out (`EURUSD.SIM`)."""
    found = search.find_instrument(instrument)
    if found is None:
        raise Http404(f"There is no instrument {instrument}.")
    return shapes.instrument(found)


@router.get("/datasets/{dataset_id}", response=schemas.DatasetMetadata, summary="One dataset", **READ)
def get_dataset(request: HttpRequest, dataset_id: UUID) -> schemas.DatasetMetadata:
    """Range, rows, size, dialect and scores of a dataset."""
    return shapes.dataset(_dataset(dataset_id))


@router.get("/datasets/{dataset_id}/files", response=schemas.FilePage, summary="Files of a dataset", **READ)
def list_files(request: HttpRequest, dataset_id: UUID, limit: Limit = 100, cursor: Cursor = None) -> schemas.FilePage:
    """The files of a dataset by path, unreadable ones included."""
    files = _dataset(dataset_id).files.order_by("path")
    if cursor:
        files = files.filter(path__gt=cursors.decode(cursor, str)[0])
    rows = list(files[: limit + 1])
    return schemas.FilePage(
        files=[shapes.data_file(row) for row in rows[:limit]],
        next_cursor=cursors.encode(rows[limit - 1].path) if len(rows) > limit else None,
    )


@router.get("/datasets/{dataset_id}/rows", response=schemas.RowPage, summary="Rows of a dataset", **READ)
def list_rows(request: HttpRequest, dataset_id: UUID, limit: Limit = 100, cursor: Cursor = None) -> Any:
    """Rows in the order of time, with file and position. For more than a look, export."""
    dataset = _dataset(dataset_id)
    page = row_page(dataset, cursors.offset_of(cursor), limit)
    following = page.position + len(page.rows)
    return schemas.RowPage(
        dataset_id=str(dataset.pk),
        columns=list(shapes.market_row(dict.fromkeys(page.columns))),
        rows=[shapes.market_row(row) for row in page.rows],
        position=page.position,
        total_count=page.total,
        next_cursor=cursors.encode(following) if following < page.total else None,
    )


stores = Router(tags=["Stores"], by_alias=True)


@stores.post("/{store_id}/sync", summary="Read a store's files into the index", **queues_job("catalog_app.sync_store"))
def sync_store(request: HttpRequest, response: HttpResponse, store_id: int) -> Accepted:
    """Queues a job. Honours `Idempotency-Key`."""
    store = get_object_or_404(Store, pk=store_id)
    job = request_sync(store, caller(request), idempotency_key=idempotency_key(request))
    return accepted(response, job)


def _dataset(dataset_id: UUID) -> Dataset:
    return get_object_or_404(Dataset.objects.select_related("store"), pk=dataset_id)


def _summary(row: dict[str, Any]) -> schemas.InstrumentSummary:
    return schemas.InstrumentSummary(
        instrument_id=row["instrument_id"],
        venue=row["venue"],
        dataset_count=row["datasets"],
        record_count=row["rows"],
        file_size=row["size"],
        quality_score=row["score"],
        date_range=shapes.date_range(row["start"], row["end"]),
    )


def _venue(row: dict[str, Any]) -> schemas.VenueMetadata:
    return schemas.VenueMetadata(
        id=row["venue"],
        name=row["venue"],
        instrument_count=row["instruments"],
        data_types=row["data_types"],
        quality_score=row["score"],
    )


def _source(store: Store) -> schemas.DataSourceInfo:
    status = "error" if store.sync_error else "active" if store.synced_at else "inactive"
    return schemas.DataSourceInfo(
        id=str(store.pk),
        name=store.name,
        type="historical",
        status=status,
        last_update=schemas.iso(store.synced_at),
    )
