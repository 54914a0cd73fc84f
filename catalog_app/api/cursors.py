"""Opaque cursors of paginated lists."""

import base64
import binascii
import json

from ninja.errors import HttpError

MAX_LIMIT = 1000


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
        raise HttpError(422, "The cursor is not one that this list gave out.")
    return list(position)


def offset_of(cursor: str | None) -> int:
    """The offset that a cursor of a list by number stands for."""
    return int(decode(cursor, int)[0]) if cursor else 0
