"""Many declarations at once: pasted lines, and datasets that are there; what is refused says why."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Dataset, Store
from catalog_app.models.dataset import DataType
from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.layout import identifier
from catalog_app.store.schema import INT64_MAX
from quality_app.lengths import parse_length
from quality_app.models import WantedData
from quality_app.services.wanted import WANTED_TYPES, Target, declare, is_meant, target_of

MOST_LINES: Final = 5000
COLUMNS: Final = ("instrument", "type", "timeframe", "from", "to", "max age", "store", "note")
_LONGEST: Final = 200
_LONGEST_LINE: Final = 2000
_TYPES: Final = {word: value for value, label in WANTED_TYPES for word in (value, label.lower(), f"{value}s")}


class Refused(ValueError):
    """What is wrong with a declaration, by the field that is wrong."""

    def __init__(self, field: str, text: str) -> None:
        self.field = field
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was pasted: the declaration that it makes, or why it makes none."""

    number: int
    text: str
    row: WantedData | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What pasted lines would make."""

    lines: list[Line]
    problem: str = ""

    @property
    def kept(self) -> list[Line]:
        """The lines that make a declaration."""
        return [line for line in self.lines if line.row is not None]

    @property
    def rows(self) -> list[WantedData]:
        """The declarations."""
        return [line.row for line in self.lines if line.row is not None]

    @property
    def refused(self) -> list[Line]:
        """The lines that make none."""
        return [line for line in self.lines if line.row is None]


def target(instrument: str, data_type: str, timeframe: str) -> Target:
    """Return what a declaration means, as it is kept.

    Raises:
        Refused: the instrument is none, or bars have no timeframe that there can be, or other data has one.

    """
    instrument, timeframe = instrument.strip(), timeframe.strip().upper()
    try:
        split_instrument_id(instrument)
        key = identifier(instrument)
    except ValueError:
        raise Refused("instrument_id", f"{instrument!r} is no instrument. Write SYMBOL.VENUE: EUR/USD.SIM.") from None
    if len(key) > _LONGEST:
        raise Refused("instrument_id", f"An instrument has at most {_LONGEST} characters.")
    if data_type != DataType.BAR:
        if timeframe:
            raise Refused("timeframe", "Only bars have a timeframe: leave it empty.")
        return key, data_type, ""
    if not timeframe:
        raise Refused("timeframe", "Say which bars: 1-MINUTE-BID, 1-DAY-LAST.")
    try:
        return key, data_type, parse_bar_type(f"{key}-{timeframe}-EXTERNAL").timeframe
    except ValueError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise Refused("timeframe", f"{timeframe!r} is no timeframe such as 1-MINUTE-BID: {reason}.") from None


def in_bounds(ns: int, field: str) -> int:
    """Return a time that nanoseconds can tell; raises Refused."""
    if not 0 <= ns <= INT64_MAX:
        raise Refused(field, "Nanoseconds tell times from 1970 to 2262: choose one of these.")
    return ns


def plan(text: str, parse_moment: Callable[..., int]) -> Plan:
    """Read pasted lines: comma, semicolon or tab between the COLUMNS, of which the last four may be left out.

    `parse_moment` turns text into UNIX ns, with `end=True` for the end of a day, or raises ValueError.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    lines = [(number, line) for number, line in lines if not _is_heading(line)]
    if not lines:
        return Plan([], "There is no line to read. Paste one line for each dataset that should exist.")
    if len(lines) > MOST_LINES:
        return Plan([], f"{len(lines):,} lines are too many at once: paste at most {MOST_LINES:,}.")
    stores = {store.name: store for store in Store.objects.all()}
    taken = _taken()
    found = []
    for number, line in lines:
        try:
            row = _read(_cells(line), stores, parse_moment)
            if (key := _key(row)) in taken:
                raise Refused("", f"That is {taken[key]}.")
            taken[key] = f"in line {number} already"
            found.append(Line(number, line, row))
        except Refused as refusal:
            found.append(Line(number, line[:_LONGEST_LINE], None, str(refusal)))
    return Plan(found)


@transaction.atomic
def keep(rows: Sequence[WantedData], user: User | None) -> int:
    """Keep planned declarations, but for those that somebody made meanwhile; return how many were kept."""
    taken = _taken()
    free = [row for row in rows if _key(row) not in taken]
    declare(free, user)
    return len(free)


def declare_present(
    datasets: Iterable[Dataset], max_age_seconds: int | None, user: User | None, *, in_store: bool = False
) -> int:
    """Declare datasets as wanted from their first row on until now; return how many were not wanted before.

    With `in_store` they are wanted in their own store, else in any.
    """
    wanted: dict[object, WantedData] = {}
    for dataset in undeclared(datasets):
        if dataset.start_ns is None:
            continue
        instrument, data_type, timeframe = target_of(dataset)
        row = WantedData(
            store_id=dataset.store_id if in_store else None,
            instrument_id=instrument,
            data_type=data_type,
            timeframe=timeframe,
            start_ns=dataset.start_ns,
            max_age_seconds=max_age_seconds,
        )
        present = wanted.setdefault(_key(row), row)
        present.start_ns = min(present.start_ns, dataset.start_ns)
    return keep(list(wanted.values()), user)


def undeclared(datasets: Iterable[Dataset]) -> list[Dataset]:
    """Return the datasets that can be wanted and that no declaration means."""
    declared: dict[Target, list[WantedData]] = {}
    for row in WantedData.objects.all():
        declared.setdefault((row.instrument_id, row.data_type, row.timeframe), []).append(row)
    types = {value for value, _ in WANTED_TYPES}
    return [
        dataset
        for dataset in datasets
        if dataset.data_type in types
        and dataset.instrument_id
        and not any(is_meant(row, dataset) for row in declared.get(target_of(dataset), ()))
    ]


def _read(cells: list[str], stores: dict[str, Store], parse_moment: Callable[..., int]) -> WantedData:
    """Turn a line's cells into a declaration that is valid by itself; raises Refused."""
    if len(cells) > len(COLUMNS):
        raise Refused("", f"There are {len(cells)} columns: at most {len(COLUMNS)} are read.")
    instrument, kind, timeframe, start, end, age, store, note = [*cells, *[""] * (len(COLUMNS) - len(cells))]
    data_type = _TYPES.get(kind.lower())
    if data_type is None:
        raise Refused("data_type", f"{kind!r} is no data type: one of {', '.join(value for value, _ in WANTED_TYPES)}.")
    if store and store not in stores:
        raise Refused("store", f"There is no store {store!r}.")
    instrument, data_type, timeframe = target(instrument, data_type, timeframe)
    if not start:
        raise Refused("start", "Say from when on it is wanted: 2024-01-31.")
    try:
        first = in_bounds(parse_moment(start), "start")
        last = None if end.lower() in {"", "now"} else in_bounds(parse_moment(end, end=True), "end")
        seconds = parse_length(age) if age else None
    except ValueError as error:
        raise Refused("", str(error)) from None
    if last is not None and last < first:
        raise Refused("end", "The end lies before the start.")
    return WantedData(
        store=stores.get(store),
        instrument_id=instrument,
        data_type=data_type,
        timeframe=timeframe,
        start_ns=first,
        end_ns=last,
        max_age_seconds=seconds,
        note=note,
    )


def _cells(line: str) -> list[str]:
    if len(line) > _LONGEST_LINE:
        raise Refused("", f"A line has at most {_LONGEST_LINE:,} characters.")
    delimiter = max("\t;,", key=line.count)
    cells = next(csv.reader([line.replace("\0", "")], delimiter=delimiter, skipinitialspace=True))
    return [cell.strip() for cell in cells]


def _is_heading(line: str) -> bool:
    words = re.split(r"[\t;,]", line.lower(), maxsplit=2)
    return [word.strip() for word in words[:2]] == list(COLUMNS[:2])


def _key(row: WantedData) -> object:
    return row.store_id, row.instrument_id, row.data_type, row.timeframe


def _taken() -> dict[object, str]:
    columns = ("store_id", "instrument_id", "data_type", "timeframe")
    return dict.fromkeys(WantedData.objects.values_list(*columns), "wanted already: change that declaration")
