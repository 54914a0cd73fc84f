"""Lengths of time as people type them. Pure: no Django."""

import re
from typing import Final

_SECONDS: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(r"(\d{1,9})\s*([a-z]+)", re.ASCII)
# What a PostgreSQL integer holds; 68 years.
_MOST: Final = 2**31 - 1


def parse_length(text: str) -> int:
    """Return the seconds of `15 min`, `2 h`, `1 d 12 h`, `2 w`.

    Raises:
        ValueError: when it is no such length; the message says how to write one.

    """
    wanted = text.strip().lower()
    parts = _PART.findall(wanted)
    is_whole = re.fullmatch(r"(\d+\s*[a-z]+[\s,]*)+", wanted) is not None
    if not parts or not is_whole or any(unit not in _SECONDS for _, unit in parts):
        raise ValueError(f"{text!r} is no length of time. Write 90 s, 15 min, 2 h, 1 d 12 h or 2 w.")
    seconds = sum(int(amount) * _SECONDS[unit] for amount, unit in parts)
    if not 0 < seconds <= _MOST:
        raise ValueError(f"{text!r} is {'nothing' if not seconds else 'too long'}. Write 90 s, 15 min, 2 h or 1 d.")
    return seconds


def length_text(seconds: int) -> str:
    """Return seconds as `parse_length` reads them, exactly: `1 d 12 h`."""
    parts = []
    for unit in ("d", "h", "min", "s"):
        amount, seconds = divmod(seconds, _SECONDS[unit])
        if amount:
            parts.append(f"{amount} {unit}")
    return " ".join(parts)
