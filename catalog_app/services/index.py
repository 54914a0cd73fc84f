"""Write what names and files say into the index: files, instruments, datasets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from catalog_app.models import DataFile, Dataset, Instrument, Store
from catalog_app.models.dataset import IndexState
from catalog_app.services import bulk
from catalog_app.services.index_totals import refresh_datasets
from catalog_app.services.reading import BEING_WRITTEN, ReadFile
from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.errors import FileProblem, UnreadableFile
from catalog_app.store.footer import Footer
from catalog_app.store.instruments.definitions import Definition
from catalog_app.store.layout import Located, locate, parse_file_name
from catalog_app.store.listing import ListedFile

# What a listing tells of a file, and what reading it adds.
_LISTED_FIELDS = (
    "store", "dataset", "role", "path", "size_bytes", "mtime_ns", "name_start_ns", "name_end_ns", "state", "problem",
)  # fmt: skip
_FOOTER_FIELDS = (
    "rows", "row_groups", "start_ns", "end_ns", "dialect", "price_precision", "size_precision",
)  # fmt: skip
_FILE_FIELDS = (*_LISTED_FIELDS, *_FOOTER_FIELDS)
_NO_FOOTER = (None, None, None, None, "", None, None)
_DATASET_FIELDS = (
    "catalog_id", "store", "path", "data_type", "instrument_id", "definition", "venue", "bar_type", "timeframe",
    "state", "indexed_at",
)  # fmt: skip
_DESCRIPTION_FIELDS = ("instrument_id", "definition", "venue", "bar_type", "timeframe", "indexed_at")
_DEFINITION_FIELDS = (
    "store", "instrument_id", "symbol", "venue", "is_defined", "instrument_class", "asset_class", "currency",
    "base_currency", "price_precision", "size_precision", "price_increment", "size_increment", "activation_ns",
    "expiration_ns", "definition", "definition_path",
)  # fmt: skip
_UNIQUE_PATH = ("store", "path")

# Instrument id, bar type, timeframe.
type Names = tuple[str, str, str]


@contextmanager
def writing_index(store: Store) -> Iterator[None]:
    """A transaction that is alone in writing this store's index: imports and syncs may end at the same time."""
    with transaction.atomic():
        # PostgreSQL locks the row; SQLite took its write lock when the transaction began.
        list(Store.objects.select_for_update().filter(pk=store.pk))
        yield


def list_new(store: Store, entries: Sequence[ListedFile]) -> None:
    """Write files that are new by what their names say; their rows stay unknown until they are read."""
    found = [(entry, locate(entry.path)) for entry in entries]
    with writing_index(store):
        keys = _datasets(store, {located.directory: located for _, located in found if located.role == "data"})
        rows = (_listed(store, entry, located, keys) for entry, located in found)
        bulk.insert(DataFile, _LISTED_FIELDS, rows, unique=_UNIQUE_PATH)
        refresh_datasets(store, keys.values())


def save_read(store: Store, files: Sequence[ReadFile]) -> None:
    """Write what files said, and what follows for their datasets and instruments."""
    with writing_index(store):
        data = [file for file in files if file.located.role == "data"]
        keys = _datasets(store, {file.located.directory: file.located for file in data})
        rows = (_read(store, file, keys) for file in files)
        bulk.insert(DataFile, _FILE_FIELDS, rows, unique=_UNIQUE_PATH, update=_FILE_FIELDS[2:])
        _save_definitions(store, files)
        _name_datasets(store, {file.located.directory: file for file in data if file.footer})
        refresh_datasets(store, keys.values())


def forget(store: Store, paths: Collection[str]) -> None:
    """Remove files that are gone, and the datasets that have none left."""
    with writing_index(store):
        files = store.files.filter(path__in=paths)
        touched = set(files.exclude(dataset=None).values_list("dataset_id", flat=True))
        store.instruments.filter(definition_path__in=paths).update(is_defined=False, definition_path="")
        files.delete()
        refresh_datasets(store, touched)


def forget_instruments(store: Store) -> None:
    """Remove instruments that no file tells of any more."""
    with writing_index(store):
        store.instruments.filter(is_defined=False, datasets__isnull=True).delete()


def _listed(store: Store, entry: ListedFile, located: Located, keys: Mapping[str, UUID]) -> tuple[Any, ...]:
    # What stands outside the layout is not opened: its name says all that will be known.
    outside = located.role == "unknown"
    state = IndexState.UNSUPPORTED if outside else IndexState.LISTED
    return (*_facts(store, entry, located, keys), state.value, located.note if outside else "")


def _read(store: Store, file: ReadFile, keys: Mapping[str, UUID]) -> tuple[Any, ...]:
    facts = _facts(store, file.entry, file.located, keys)
    if file.footer is None:
        return (*facts, *_trouble(file), *_NO_FOOTER)
    footer, state, problem = file.footer, IndexState.OK, file.located.note
    if not footer.supported and file.located.role == "data":
        state = IndexState.UNSUPPORTED
        problem = f"{file.located.data_type} in dialect {footer.dialect}: rows and range are known, values are not read"
    return (
        *facts, state.value, problem, footer.rows, footer.row_groups, footer.start_ns, footer.end_ns, footer.dialect,
        footer.price_precision, footer.size_precision,
    )  # fmt: skip


def _facts(store: Store, entry: ListedFile, located: Located, keys: Mapping[str, UUID]) -> tuple[Any, ...]:
    interval = parse_file_name(located.name) or (None, None)
    dataset = keys.get(located.directory) if located.role == "data" else None
    return (store.pk, dataset, located.role, entry.path, entry.size_bytes, entry.mtime_ns, *interval)


def _trouble(file: ReadFile) -> tuple[str, str]:
    """State and problem of a file that could not be read."""
    if file.settling:
        return IndexState.LISTED.value, BEING_WRITTEN
    unreadable = isinstance(file.problem, UnreadableFile)
    reason = file.problem.reason if isinstance(file.problem, FileProblem) else str(file.problem)
    return (IndexState.UNREADABLE if unreadable else IndexState.UNSUPPORTED).value, reason


def _datasets(store: Store, wanted: Mapping[str, Located]) -> dict[str, UUID]:
    """The keys of datasets by directory; those that are new are made by what their names say."""
    known = dict(store.datasets.filter(path__in=wanted).values_list("path", "pk"))
    new = {directory: located for directory, located in wanted.items() if directory not in known}
    if not new:
        return known
    spelled = _spellings(store)
    named = {directory: _names_by_path(located, spelled) for directory, located in new.items()}
    instruments = _instruments(store, {names[0] for names in named.values()})
    now = timezone.now()
    rows = []
    for directory, (instrument_id, bar_type, timeframe) in named.items():
        key = known[directory] = uuid4()
        definition, venue = instruments[instrument_id]
        rows.append(
            (key, store.pk, directory, new[directory].data_type, instrument_id, definition, venue, bar_type, timeframe,
             IndexState.LISTED.value, now)
        )  # fmt: skip
    bulk.insert(Dataset, _DATASET_FIELDS, rows, unique=_UNIQUE_PATH)
    return known


def _spellings(store: Store) -> dict[str, str]:
    """Ids as paths have them (EURUSD.SIM) to how they are written (EUR/USD.SIM), where the store knows just one."""
    found: dict[str, str] = {}
    for written in store.instruments.filter(instrument_id__contains="/").values_list("instrument_id", flat=True):
        plain = written.replace("/", "")
        found[plain] = plain if plain in found else written
    return found


def _names_by_path(located: Located, spelled: Mapping[str, str]) -> Names:
    if located.data_type != "bar":
        return spelled.get(located.identifier, located.identifier), "", ""
    try:
        parsed = parse_bar_type(located.identifier)
    except ValueError:
        return located.identifier, "", ""
    return spelled.get(parsed.instrument_id, parsed.instrument_id), located.identifier, parsed.timeframe


def _names_by_footer(located: Located, footer: Footer) -> Names | None:
    """What the file's metadata says, None where it says nothing."""
    bar_type = footer.bar_type or (located.identifier if located.data_type == "bar" else "")
    if not bar_type:
        return (footer.instrument_id, "", "") if footer.instrument_id else None
    try:
        parsed = parse_bar_type(bar_type)
    except ValueError:
        return (footer.instrument_id, "", "") if footer.instrument_id else None
    return footer.instrument_id or parsed.instrument_id, bar_type, parsed.timeframe


def _name_datasets(store: Store, read: Mapping[str, ReadFile]) -> None:
    """Give datasets the names that their files hold: a path has lost the slashes."""
    current = store.datasets.filter(path__in=read).values_list("path", "pk", "instrument_id", "bar_type", "timeframe")
    changed: dict[UUID, Names] = {}
    for path, key, *names in current:
        file = read[path]
        told = _names_by_footer(file.located, file.footer) if file.footer else None
        if told and list(told) != names:
            changed[key] = told
    instruments = _instruments(store, {names[0] for names in changed.values()})
    now = timezone.now()
    rows = (
        (instrument_id, *instruments[instrument_id], bar_type, timeframe, now, key)
        for key, (instrument_id, bar_type, timeframe) in changed.items()
    )
    bulk.update(Dataset, _DESCRIPTION_FIELDS, rows)


def _instruments(store: Store, ids: Collection[str]) -> dict[str, tuple[int | None, str]]:
    """Key and venue of instruments by id; those that are new are made. Data of no instrument has none."""
    found = _known_instruments(store, ids)
    new = sorted(set(ids) - found.keys() - {""})
    if new:
        rows = ((store.pk, instrument_id, *_symbol_and_venue(instrument_id)) for instrument_id in new)
        bulk.insert(
            Instrument,
            ("store", "instrument_id", "symbol", "venue"),
            rows,
            unique=("store", "instrument_id"),
        )
        found |= _known_instruments(store, new)
    return {"": (None, ""), **found}


def _known_instruments(store: Store, ids: Iterable[str]) -> dict[str, tuple[int | None, str]]:
    rows = store.instruments.filter(instrument_id__in=ids).values_list("instrument_id", "pk", "venue")
    return {instrument_id: (key, venue) for instrument_id, key, venue in rows}


def _symbol_and_venue(instrument_id: str) -> tuple[str, str]:
    try:
        return split_instrument_id(instrument_id)
    except ValueError:
        return instrument_id, ""


def _save_definitions(store: Store, files: Sequence[ReadFile]) -> None:
    defining = [file for file in files if file.located.role == "definition"]
    broken = [file.entry.path for file in defining if file.problem]
    if broken:
        store.instruments.filter(definition_path__in=broken).update(is_defined=False, definition_path="")
    found = {one.instrument_id: (file.entry.path, one) for file in defining for one in file.definitions}
    rows = (_defined(store, path, one) for path, one in found.values())
    bulk.insert(Instrument, _DEFINITION_FIELDS, rows, unique=("store", "instrument_id"), update=_DEFINITION_FIELDS[2:])


def _defined(store: Store, path: str, definition: Definition) -> tuple[Any, ...]:
    return (
        store.pk, definition.instrument_id, *_symbol_and_venue(definition.instrument_id), True,
        definition.instrument_class, definition.asset_class or "", definition.currency or "",
        definition.base_currency or "", definition.price_precision, definition.size_precision,
        definition.price_increment or "", definition.size_increment or "", definition.activation_ns,
        definition.expiration_ns, definition.fields, path,
    )  # fmt: skip
