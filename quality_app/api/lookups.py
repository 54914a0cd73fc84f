"""What the operations' parameters name, and pages by time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from ninja.errors import HttpError

from catalog_app.api import cursors
from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset
from catalog_app.services.search import Found, find_instrument
from quality_app.api.queries import InstrumentQuery
from quality_app.services.history.trends import moment_of


def instrument_or_404(name: str) -> Found:
    """The instrument of `EUR/USD.SIM` or `EURUSD.SIM`, with its datasets; 404 when there is none."""
    found = find_instrument(name)
    if found is None:
        raise Http404(f"There is no instrument {name}.")
    return found


def datasets_of(found: Found, query: InstrumentQuery) -> list[Dataset]:
    """An instrument's datasets of the wanted type and timeframe; empty means all."""
    return [
        row
        for row in found.datasets
        if query.data_type in {"", row.data_type} and query.timeframe in {"", row.timeframe}
    ]


def moment_ns(text: str, name: str, *, end: bool = False) -> int | None:
    """A moment as UNIX nanoseconds, None where it is empty; 422 when it is none."""
    try:
        return parse_moment(text, end=end) if text else None
    except ValueError as error:
        raise HttpError(422, f"{name}: {error}") from None


def moment(text: str, name: str, *, end: bool = False) -> datetime | None:
    """A moment, None where it is empty; 422 when it is none."""
    found = moment_of(text, end=end) if text else None
    if text and found is None:
        raise HttpError(422, f"{name}: {text} is not a time such as 2024-01-31 or 2024-01-31T09:30:00Z.")
    return found


def by_time(
    found: QuerySet[Any], name: str, limit: int, cursor: str | None, *, descending: bool = False
) -> tuple[list[Any], str | None]:
    """A page of rows that are ordered by nanoseconds and key (a UUID), and the cursor of the next one."""
    if cursor:
        at, text = cursors.decode(cursor, int, str)
        try:
            key = UUID(str(text))
        except ValueError:
            raise HttpError(422, cursors.FOREIGN) from None
        side = "lt" if descending else "gt"
        found = found.filter(Q(**{f"{name}__{side}": at}) | Q(**{name: at, f"pk__{side}": key}))
    rows = list(found[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursors.encode(getattr(rows[limit - 1], name), rows[limit - 1].pk.hex)
