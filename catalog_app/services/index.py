"""Write what files say into the index: files, instruments, datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q, Sum

from catalog_app.models import DataFile, Dataset, Instrument, Store
from catalog_app.models.dataset import IndexState
from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.errors import StoreError, UnreadableFile, UnsupportedFile
from catalog_app.store.footer import Footer, read_footer
from catalog_app.store.instruments import Definition, read_definitions
from catalog_app.store.layout import Located, locate, parse_file_name
from catalog_app.store.listing import ListedFile

_FILE_FIELDS = (
    "dataset", "role", "size_bytes", "mtime_ns", "rows", "row_groups", "start_ns", "end_ns",
    "name_start_ns", "name_end_ns", "dialect", "state", "problem",
)  # fmt: skip


@contextmanager
def writing_index(store: Store) -> Iterator[None]:
    """A transaction that is alone in writing this store's index: imports and syncs may end at the same time."""
    with transaction.atomic():
        # PostgreSQL locks the row; SQLite took its write lock when the transaction began.
        list(Store.objects.select_for_update().filter(pk=store.pk))
        yield


def save_files(store: Store, entries: Sequence[ListedFile], pool: Executor) -> None:
    """Read the footers of files in parallel and save files and the datasets they belong to."""
    root = Path(store.root)
    footers = list(pool.map(lambda entry: _footer_or_error(root, entry.path), entries))
    with writing_index(store):
        datasets = _datasets_for(store, [(locate(e.path), f) for e, f in zip(entries, footers, strict=True)])
        DataFile.objects.bulk_create(
            [_data_file(store, entry, footer, datasets) for entry, footer in zip(entries, footers, strict=True)],
            update_conflicts=True,
            unique_fields=("store", "path"),
            update_fields=_FILE_FIELDS,
        )


def _footer_or_error(root: Path, path: str) -> Footer | StoreError:
    if locate(path).role == "unknown":
        return UnsupportedFile(path, "not in the layout of a NautilusTrader catalog")
    try:
        return read_footer(root, path)
    except (UnreadableFile, UnsupportedFile) as error:
        return error


def _data_file(store: Store, entry: ListedFile, footer: Footer | StoreError, datasets: dict[str, Dataset]) -> DataFile:
    located = locate(entry.path)
    interval = parse_file_name(located.name) or (None, None)
    row = DataFile(
        store=store,
        dataset=datasets.get(located.directory) if located.role == "data" else None,
        role=located.role,
        path=entry.path,
        size_bytes=entry.size_bytes,
        mtime_ns=entry.mtime_ns,
        name_start_ns=interval[0],
        name_end_ns=interval[1],
    )
    if isinstance(footer, StoreError):
        unreadable = isinstance(footer, UnreadableFile)
        row.state = IndexState.UNREADABLE if unreadable else IndexState.UNSUPPORTED
        row.problem = str(footer)
        return row
    row.rows, row.row_groups = footer.rows, footer.row_groups
    row.start_ns, row.end_ns, row.dialect = footer.start_ns, footer.end_ns, footer.dialect
    if not footer.supported and located.role == "data":
        row.state = IndexState.UNSUPPORTED
        row.problem = (
            f"{located.data_type} in dialect {footer.dialect}: rows and range are known, values are not read yet"
        )
    return row


def _datasets_for(store: Store, found: Iterable[tuple[Located, Footer | StoreError]]) -> dict[str, Dataset]:
    """Return the datasets of the located data files by directory, making those that are new."""
    wanted: dict[str, tuple[Located, Footer | None]] = {}
    for located, result in found:
        footer = result if isinstance(result, Footer) else None
        if located.role == "data" and (footer or located.directory not in wanted):
            wanted[located.directory] = (located, footer)
    known = {row.path: row for row in store.datasets.filter(path__in=wanted)}
    for directory, (located, footer) in wanted.items():
        dataset = known.setdefault(directory, Dataset(store=store, path=directory))
        if footer is not None or dataset._state.adding:
            _describe(dataset, located, footer)
            dataset.save()
    return known


def _describe(dataset: Dataset, located: Located, footer: Footer | None) -> None:
    dataset.data_type = located.data_type
    dataset.dialect = footer.dialect if footer else ""
    bar_type = (footer.bar_type if footer else None) or (located.identifier if located.data_type == "bar" else "")
    instrument_id = footer.instrument_id if footer else None
    if bar_type:
        try:
            parsed = parse_bar_type(bar_type)
        except ValueError as error:
            dataset.problem = str(error)
        else:
            dataset.bar_type, dataset.timeframe = bar_type, parsed.timeframe
            instrument_id = instrument_id or parsed.instrument_id
    dataset.instrument_id = instrument_id or located.identifier
    if footer:
        dataset.price_precision, dataset.size_precision = footer.price_precision, footer.size_precision
    dataset.definition = _instrument(dataset.store, dataset.instrument_id)
    dataset.venue = dataset.definition.venue


def _instrument(store: Store, instrument_id: str) -> Instrument:
    try:
        symbol, venue = split_instrument_id(instrument_id)
    except ValueError:
        symbol, venue = instrument_id, ""
    instrument, _ = Instrument.objects.get_or_create(
        store=store, instrument_id=instrument_id, defaults={"symbol": symbol, "venue": venue}
    )
    return instrument


def index_definitions(store: Store, entries: Sequence[ListedFile]) -> None:
    """Read the instrument definitions among the files into the index; a broken file is marked so."""
    root = Path(store.root)
    for entry in entries:
        if locate(entry.path).role != "definition":
            continue
        try:
            definitions = read_definitions(root, entry.path)
        except (UnreadableFile, UnsupportedFile) as error:
            unreadable = isinstance(error, UnreadableFile)
            store.files.filter(path=entry.path).update(
                state=IndexState.UNREADABLE if unreadable else IndexState.UNSUPPORTED, problem=str(error)
            )
            continue
        with writing_index(store):
            for definition in definitions:
                _save_definition(store, entry.path, definition)


def _save_definition(store: Store, path: str, definition: Definition) -> None:
    symbol, venue = split_instrument_id(definition.instrument_id)
    Instrument.objects.update_or_create(
        store=store,
        instrument_id=definition.instrument_id,
        defaults={
            "symbol": symbol,
            "venue": venue,
            "is_defined": True,
            "instrument_class": definition.instrument_class,
            "asset_class": definition.asset_class or "",
            "currency": definition.currency or "",
            "base_currency": definition.base_currency or "",
            "price_precision": definition.price_precision,
            "size_precision": definition.size_precision,
            "price_increment": definition.price_increment or "",
            "size_increment": definition.size_increment or "",
            "activation_ns": definition.activation_ns,
            "expiration_ns": definition.expiration_ns,
            "definition": definition.fields,
            "definition_path": path,
        },
    )


def refresh_datasets(store: Store) -> None:
    """Recompute every dataset's range, rows and sizes from its files; drop datasets and instruments without any."""
    totals = store.files.filter(role=DataFile.Role.DATA, dataset__isnull=False).values("dataset").annotate(
        rows=Sum("rows"), bytes=Sum("size_bytes"), files=Count("pk"), first=Min("start_ns"), last=Max("end_ns"),
        unreadable=Count("pk", filter=Q(state=IndexState.UNREADABLE)),
        unsupported=Count("pk", filter=Q(state=IndexState.UNSUPPORTED)),
    )  # fmt: skip
    by_dataset = {row["dataset"]: row for row in totals}
    changed: list[Dataset] = []
    with writing_index(store):
        store.datasets.exclude(pk__in=by_dataset).delete()
        for dataset in store.datasets.all():
            before = _facts(dataset)
            _apply_totals(dataset, by_dataset[dataset.pk])
            if _facts(dataset) != before:
                changed.append(dataset)
        Dataset.objects.bulk_update(changed, _TOTAL_FIELDS, batch_size=200)
        store.instruments.filter(is_defined=False, datasets__isnull=True).delete()


_TOTAL_FIELDS = (
    "record_count", "size_bytes", "file_count", "start_ns", "end_ns", "start_date", "end_date", "state", "problem",
)  # fmt: skip


def _facts(dataset: Dataset) -> tuple[object, ...]:
    return tuple(getattr(dataset, name) for name in _TOTAL_FIELDS)


def _apply_totals(dataset: Dataset, total: Mapping[str, Any]) -> None:
    dataset.record_count = total["rows"] or 0
    dataset.size_bytes = total["bytes"] or 0
    dataset.file_count = total["files"]
    dataset.start_ns, dataset.end_ns = total["first"], total["last"]
    dataset.start_date, dataset.end_date = _moment(total["first"]), _moment(total["last"])
    broken, unsupported = total["unreadable"], total["unsupported"]
    if broken == total["files"]:
        dataset.state = IndexState.UNREADABLE
    elif unsupported + broken == total["files"]:
        dataset.state = IndexState.UNSUPPORTED
    else:
        dataset.state = IndexState.OK
    parts = [f"{broken} of {total['files']} files cannot be read"] if broken else []
    parts += [f"{unsupported} of {total['files']} files cannot be interpreted yet"] if unsupported else []
    dataset.problem = "; ".join(parts)


def _moment(ns: int | None) -> datetime | None:
    """Return UTC to the microsecond; exact nanoseconds stand beside it."""
    return (
        None
        if ns is None
        else datetime.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1000 % 1_000_000)
    )
