"""Which time format a column of sample texts has."""

import re
from collections.abc import Callable
from typing import Final

_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s?(Z|UTC|GMT|[+-]\d{2}:?(\d{2})?)?", re.ASCII
)
_DATES: Final = (
    (r"(19|20)\d{6}", "%Y%m%d"),
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y"),
    (r"\d{1,2}/\d{1,2}/\d{4}", "%d/%m/%Y"),
)
_CLOCKS: Final = (
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}:\d{2}(\.\d{1,9})?", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2} [AP]M", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2} [AP]M", "%I:%M:%S %p"),
    (r"\d{9}", "%H%M%S%3f"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{4}", "%H%M"),
)
_OFFSET: Final = re.compile(r"(Z|UTC|GMT|[+-]\d{2}:?(\d{2})?)$")
_EPOCH: Final = re.compile(r"\d{10,19}(\.\d+)?")
# Units by magnitude: seconds from 2001 until the year 5138, milliseconds from 1973, and so on.
_EPOCH_UNITS: Final = ((10**11, "epoch_s"), (10**14, "epoch_ms"), (10**17, "epoch_us"), (10**20, "epoch_ns"))


def guess_time_format(texts: list[str]) -> tuple[str | None, str | None]:
    """Time format that all texts have (None: they are no times), and a warning where it is a guess."""
    if not texts:
        return None, None
    if _all(texts, _ISO.fullmatch):
        return "iso", None
    for separator in (" ", "T", ""):
        for date, date_form in _DATES:
            if separator == "" and date_form != "%Y%m%d":
                continue
            for clock, clock_form in _CLOCKS:
                if _all(texts, re.compile(date + separator + clock, re.ASCII).fullmatch):
                    return _day_or_month(f"{date_form}{separator}{clock_form}", texts)
    for date, date_form in _DATES:
        if _all(texts, re.compile(date, re.ASCII).fullmatch):
            return _day_or_month(date_form, texts)
    return guess_epoch(texts), None


def guess_epoch(texts: list[str]) -> str | None:
    """epoch_s, epoch_ms, epoch_us or epoch_ns by the magnitude of the numbers; None when they are no epochs."""
    if not _all(texts, _EPOCH.fullmatch):
        return None
    largest = max(int(text.partition(".")[0]) for text in texts)
    return next((unit for limit, unit in _EPOCH_UNITS if largest < limit), None)


def is_clock(texts: list[str]) -> bool:
    """Whether all texts are times of day."""
    return bool(texts) and any(_all(texts, re.compile(clock, re.ASCII).fullmatch) for clock, _ in _CLOCKS)


def has_offset(texts: list[str], time_format: str) -> bool:
    """Whether the texts say their offset from UTC themselves."""
    if time_format.startswith("epoch"):
        return True
    return time_format == "iso" and _all(texts, lambda text: len(text) > 10 and _OFFSET.search(text))


def _day_or_month(form: str, texts: list[str]) -> tuple[str, str | None]:
    if not form.startswith(("%d/%m", "%d-%m")):
        return form, None
    parts = [re.split(r"[/-]", text) for text in texts]
    american = form.replace("%d/%m", "%m/%d").replace("%d-%m", "%m-%d")
    if any(int(part[1]) > 12 for part in parts):
        return american, None
    if any(int(part[0]) > 12 for part in parts):
        return form, None
    return american, f"{texts[0]!r} may be month/day or day/month: month first is assumed. Check the time format."


def _all(texts: list[str], match: Callable[[str], object]) -> bool:
    return all(match(text) for text in texts)
