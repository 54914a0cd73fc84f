"""What the index knows of a dataset, in the terms of the pure checks and scans."""

import time
from collections.abc import Mapping

import polars as pl

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import DataType, IndexState
from catalog_app.services.errors import JobFailed
from catalog_app.store import reader
from catalog_app.store.bar_type import parse_bar_type
from catalog_app.store.decimals import parse_raw
from catalog_app.store.filesystem import StoreRoot
from quality_app.calendars import SessionCalendar
from quality_app.checks.check import CheckContext, QuotesBetween
from quality_app.checks.param import Value
from quality_app.services.calendars import calendar_of
from quality_app.sessions import DAY_NS, sessions, zone_of

__all__ = [
    "calendar_of",
    "check_context",
    "data_files",
    "identities",
    "interval_of",
    "quote_dataset",
    "require_unchanged",
]

# Differences of prices, which may be zero or negative.
_SPREADS = frozenset({"futures_spread", "option_spread", "crypto_futures_spread", "crypto_option_spread"})


def check_context(dataset: Dataset, values: Mapping[str, Mapping[str, Value]] | None = None) -> CheckContext:
    """Return what checks may know; what no definition and no file says stays unknown.

    `values` are the parameters that rules set, by check and name.
    """
    instrument = dataset.definition if dataset.definition and dataset.definition.is_defined else None
    calendar = calendar_of(dataset)
    return CheckContext(
        data_type=dataset.data_type,
        now_ns=time.time_ns(),
        price_precision=dataset.price_precision,
        size_precision=dataset.size_precision,
        price_increment=_raw(instrument.price_increment) if instrument else None,
        size_increment=_raw(instrument.size_increment) if instrument else None,
        negative_prices_allowed=instrument.instrument_class in _SPREADS if instrument else None,
        interval_ns=interval_of(dataset),
        values=values or {},
        sessions=_sessions_of(dataset, calendar),
        calendar=calendar.name,
        hours=calendar.digest,
        zone=zone_of(calendar),
        quotes=_quotes_of(dataset) if dataset.data_type == DataType.TRADE else None,
    )


def _sessions_of(dataset: Dataset, calendar: SessionCalendar) -> pl.DataFrame | None:
    if dataset.start_ns is None or dataset.end_ns is None or calendar.learned:
        return None
    return sessions(calendar, dataset.start_ns - DAY_NS, dataset.end_ns + DAY_NS)


def quote_dataset(dataset: Dataset) -> Dataset | None:
    """Return the quotes of a dataset's instrument in the same store."""
    same = Dataset.objects.filter(store=dataset.store, instrument_id=dataset.instrument_id)
    return same.filter(data_type=DataType.QUOTE, state=IndexState.OK).select_related("store").first()


def _quotes_of(dataset: Dataset) -> QuotesBetween | None:
    quotes = quote_dataset(dataset)
    if quotes is None:
        return None
    files, root = data_files(quotes), StoreRoot.at(quotes.store.root)

    def between(start_ns: int, end_ns: int) -> pl.DataFrame:
        paths = [file.path for file in files if _meets(file, start_ns, end_ns)]
        return reader.scan(root, paths, DataType.QUOTE, start_ns=start_ns, end_ns=end_ns).collect(engine="streaming")

    return between


def _meets(file: DataFile, start_ns: int, end_ns: int) -> bool:
    if file.start_ns is None or file.end_ns is None:
        return True
    return file.start_ns <= end_ns and start_ns <= file.end_ns


def interval_of(dataset: Dataset) -> int | None:
    """Return the length of a dataset's bars in ns; None for other data and for bars of no fixed length."""
    try:
        return parse_bar_type(dataset.bar_type).interval_ns if dataset.bar_type else None
    except ValueError:
        return None


def data_files(dataset: Dataset) -> list[DataFile]:
    """Return a dataset's files in the order in which they are read: by name, which is by time.

    Files that are listed and not read yet are left out: they may be half written.
    """
    return list(dataset.files.filter(role=DataFile.Role.DATA).exclude(state=IndexState.LISTED).order_by("path"))


def identities(files: list[DataFile]) -> list[dict[str, object]]:
    """Return what pins the exact content that was looked at."""
    return [{"path": file.path, "size": file.size_bytes, "mtimeNs": file.mtime_ns} for file in files]


def require_unchanged(root: StoreRoot, file: DataFile) -> None:
    """Refuse a file that is not what the index says; raises JobFailed."""
    found = root.fs.get_file_info(root.full(file.path))
    # A bucket tells times to the second or finer, depending on how it is asked.
    unit = 1 if root.is_local else 10**9
    same_time = found.mtime_ns is not None and found.mtime_ns // unit == file.mtime_ns // unit
    if not found.is_file or found.size != file.size_bytes or not same_time:
        raise JobFailed(f"{file.path} has changed since it was indexed. Sync the store, then start this again.")


def _raw(increment: str) -> int | None:
    try:
        return parse_raw(increment) if increment else None
    except ValueError:
        return None
