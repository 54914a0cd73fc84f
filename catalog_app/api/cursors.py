"""Opaque cursors of paginated lists, and the parameters of every such list."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Q, QuerySet
from ninja import Query
from ninja.errors import HttpError

MAX_LIMIT = 1000
FOREIGN = "The cursor is not one that this list gave out."
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(description="`nextCursor` of the page before.")]


def encode(*position: str | int) -> str:
    """Make a cursor of where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *types: type) -> list[str | int]:
    """Take a cursor apart; HttpError 422 when it was not made by `encode` for this list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        position = None
    is_ours = isinstance(position, list) and [type(part) for part in position] == list(types)
    if not is_ours or any(isinstance(part, int) and not 0 <= part < 2**63 for part in position):
        raise HttpError(422, FOREIGN)
    return list(position)


def offset_of(cursor: str | None) -> int:
    """The offset that a cursor of a list by number stands for."""
    return int(decode(cursor, int)[0]) if cursor else 0


def newest_first(
    found: QuerySet[Any, Any], limit: int, cursor: str | None, by: str = "created_at"
) -> tuple[list[Any], str | None]:
    """A page of rows that are ordered by `-by, -pk` (a time and a UUID), and the cursor of the next one."""
    if cursor:
        moment, key = _moment_and_key(cursor)
        found = found.filter(Q(**{f"{by}__lt": moment}) | Q(**{by: moment}, pk__lt=key))
    rows = list(found[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode(getattr(rows[limit - 1], by).isoformat(), rows[limit - 1].pk.hex)


def _moment_and_key(cursor: str) -> tuple[datetime, UUID]:
    created_at, key = decode(cursor, str, str)
    try:
        return datetime.fromisoformat(str(created_at)), UUID(str(key))
    except ValueError:
        raise HttpError(422, FOREIGN) from None
