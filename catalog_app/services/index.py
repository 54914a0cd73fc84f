"""Write what files say into the index: files, instruments, datasets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Sum

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
_DESCRIPTION_FIELDS = (
    "definition", "venue", "instrument_id", "data_type", "timeframe", "bar_type", "dialect", "problem",
    "price_precision", "size_precision", "indexed_at",
)  # fmt: skip
_TOTAL_FIELDS = ("record_count", "size_bytes", "file_count", "start_ns", "end_ns", "state", "problem")
_DEFINITION_FIELDS = (
    "symbol", "venue", "is_defined", "instrument_class", "asset_class", "currency", "base_currency",
    "price_precision", "size_precision", "price_increment", "size_increment", "activation_ns", "expiration_ns",
    "definition", "definition_path",
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
    described = []
    for directory, (located, footer) in wanted.items():
        dataset = known.setdefault(directory, Dataset(store=store, path=directory))
        if footer is not None or dataset._state.adding:
            _describe(dataset, located, footer)
            described.append(dataset)
    instruments = _instruments(store, {dataset.instrument_id for dataset in described})
    for dataset in described:
        dataset.definition = instruments[dataset.instrument_id]
        dataset.venue = dataset.definition.venue
    _upsert(described, _DESCRIPTION_FIELDS)
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


def _instruments(store: Store, instrument_ids: Collection[str]) -> dict[str, Instrument]:
    """Return the instruments by id, making those that are new."""
    known = {row.instrument_id: row for row in store.instruments.filter(instrument_id__in=instrument_ids)}
    new = [_new_instrument(store, instrument_id) for instrument_id in sorted(set(instrument_ids) - known.keys())]
    return known | {row.instrument_id: row for row in Instrument.objects.bulk_create(new)}


def _new_instrument(store: Store, instrument_id: str) -> Instrument:
    try:
        symbol, venue = split_instrument_id(instrument_id)
    except ValueError:
        symbol, venue = instrument_id, ""
    return Instrument(store=store, instrument_id=instrument_id, symbol=symbol, venue=venue)


def index_definitions(store: Store, entries: Sequence[ListedFile]) -> None:
    """Read the instrument definitions among the files into the index; a broken file is marked so."""
    root = Path(store.root)
    found: dict[str, Instrument] = {}
    broken: list[tuple[str, StoreError]] = []
    for entry in entries:
        if locate(entry.path).role != "definition":
            continue
        try:
            definitions = read_definitions(root, entry.path)
        except (UnreadableFile, UnsupportedFile) as error:
            broken.append((entry.path, error))
            continue
        found |= {one.instrument_id: _defined(store, entry.path, one) for one in definitions}
    with writing_index(store):
        for path, problem in broken:
            unreadable = isinstance(problem, UnreadableFile)
            store.files.filter(path=path).update(
                state=IndexState.UNREADABLE if unreadable else IndexState.UNSUPPORTED, problem=str(problem)
            )
        Instrument.objects.bulk_create(
            found.values(),
            update_conflicts=True,
            unique_fields=("store", "instrument_id"),
            update_fields=_DEFINITION_FIELDS,
        )


def _defined(store: Store, path: str, definition: Definition) -> Instrument:
    symbol, venue = split_instrument_id(definition.instrument_id)
    return Instrument(
        store=store,
        instrument_id=definition.instrument_id,
        symbol=symbol,
        venue=venue,
        is_defined=True,
        instrument_class=definition.instrument_class,
        asset_class=definition.asset_class or "",
        currency=definition.currency or "",
        base_currency=definition.base_currency or "",
        price_precision=definition.price_precision,
        size_precision=definition.size_precision,
        price_increment=definition.price_increment or "",
        size_increment=definition.size_increment or "",
        activation_ns=definition.activation_ns,
        expiration_ns=definition.expiration_ns,
        definition=definition.fields,
        definition_path=path,
    )


def refresh_datasets(store: Store) -> None:
    """Recompute every dataset's range, rows and sizes from its files; drop datasets and instruments without any."""
    with writing_index(store):
        data_files = DataFile.objects.filter(dataset=OuterRef("pk"), role=DataFile.Role.DATA)
        store.datasets.filter(~Exists(data_files)).delete()
        totals = {key: _totals(row) for key, row in _file_totals(store)}
        known = store.datasets.values_list("pk", *_TOTAL_FIELDS)
        changed = [key for key, *facts in known if facts != list(totals[key].values())]
        for chunk in batched(changed, 500):
            datasets = list(Dataset.objects.filter(pk__in=chunk))
            for dataset in datasets:
                _apply_totals(dataset, totals[dataset.pk])
            _upsert(datasets, (*_TOTAL_FIELDS, "start_date", "end_date"))
        store.instruments.filter(is_defined=False, datasets__isnull=True).delete()


def _upsert(datasets: Sequence[Dataset], update_fields: Sequence[str]) -> None:
    # Ten times as fast as bulk_update, whose CASE grows with every row.
    Dataset.objects.bulk_create(
        datasets, update_conflicts=True, unique_fields=("store", "path"), update_fields=update_fields
    )


def _file_totals(store: Store) -> Iterator[tuple[UUID, Mapping[str, Any]]]:
    rows = store.files.filter(role=DataFile.Role.DATA, dataset__isnull=False).values("dataset").annotate(
        rows=Sum("rows"), bytes=Sum("size_bytes"), files=Count("pk"), first=Min("start_ns"), last=Max("end_ns"),
        unreadable=Count("pk", filter=Q(state=IndexState.UNREADABLE)),
        unsupported=Count("pk", filter=Q(state=IndexState.UNSUPPORTED)),
    )  # fmt: skip
    for row in rows:
        yield row["dataset"], row


def _totals(row: Mapping[str, Any]) -> dict[str, Any]:
    """What _TOTAL_FIELDS should be, in their order."""
    files, broken, unsupported = row["files"], row["unreadable"], row["unsupported"]
    state = IndexState.OK
    if broken == files:
        state = IndexState.UNREADABLE
    elif unsupported + broken == files:
        state = IndexState.UNSUPPORTED
    parts = [f"{broken} of {files} files cannot be read"] if broken else []
    parts += [f"{unsupported} of {files} files cannot be interpreted yet"] if unsupported else []
    values = (row["rows"] or 0, row["bytes"] or 0, files, row["first"], row["last"], state.value, "; ".join(parts))
    return dict(zip(_TOTAL_FIELDS, values, strict=True))


def _apply_totals(dataset: Dataset, totals: Mapping[str, Any]) -> None:
    for name, value in totals.items():
        setattr(dataset, name, value)
    dataset.start_date, dataset.end_date = _moment(dataset.start_ns), _moment(dataset.end_ns)


def _moment(ns: int | None) -> datetime | None:
    """Return UTC to the microsecond; exact nanoseconds stand beside it."""
    return (
        None
        if ns is None
        else datetime.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1000 % 1_000_000)
    )
