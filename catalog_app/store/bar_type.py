"""Bar types and instrument ids as text, by NautilusTrader's grammar (model/data.pyx, BarType.from_str)."""

import re
from dataclasses import dataclass
from typing import Final

_SECOND: Final = 1_000_000_000
# Aggregations by time of fixed length; months and years have none.
_AGGREGATION_NS: Final[dict[str, int | None]] = {
    "MILLISECOND": 1_000_000,
    "SECOND": _SECOND,
    "MINUTE": 60 * _SECOND,
    "HOUR": 3_600 * _SECOND,
    "DAY": 86_400 * _SECOND,
    "WEEK": 7 * 86_400 * _SECOND,
    "MONTH": None,
    "YEAR": None,
    "TICK": None,
    "TICK_IMBALANCE": None,
    "TICK_RUNS": None,
    "VOLUME": None,
    "VOLUME_IMBALANCE": None,
    "VOLUME_RUNS": None,
    "VALUE": None,
    "VALUE_IMBALANCE": None,
    "VALUE_RUNS": None,
    "RENKO": None,
}
AGGREGATIONS: Final = frozenset(_AGGREGATION_NS)
PRICE_TYPES: Final = frozenset({"BID", "ASK", "MID", "LAST", "MARK"})
SOURCES: Final = frozenset({"EXTERNAL", "INTERNAL"})


@dataclass(frozen=True, slots=True)
class BarType:
    """A bar type: GBP/USD.SIM-1-MINUTE-BID-EXTERNAL. `composite` holds what follows an @ (bars made of bars)."""

    instrument_id: str
    step: int
    aggregation: str
    price_type: str
    source: str
    composite: str = ""

    def __str__(self) -> str:
        text = f"{self.instrument_id}-{self.timeframe}-{self.source}"
        return f"{text}@{self.composite}" if self.composite else text

    @property
    def timeframe(self) -> str:
        """Step, aggregation and price type: 1-MINUTE-BID."""
        return f"{self.step}-{self.aggregation}-{self.price_type}"

    @property
    def interval_ns(self) -> int | None:
        """Length of a bar in ns; None where it is not fixed (ticks, volume, months …)."""
        unit = _AGGREGATION_NS[self.aggregation]
        return None if unit is None else unit * self.step


def parse_bar_type(text: str) -> BarType:
    """Parse INSTRUMENT-STEP-AGGREGATION-PRICETYPE-SOURCE; raises ValueError that names the wrong part."""
    standard, _, composite = text.strip().partition("@")
    parts = standard.rsplit("-", 4)
    if len(parts) != 5:
        raise ValueError(f"bar type {text!r} needs five parts: INSTRUMENT-STEP-AGGREGATION-PRICETYPE-SOURCE")
    instrument_id, step, aggregation, price_type, source = parts
    try:
        split_instrument_id(instrument_id)
    except ValueError as error:
        raise ValueError(f"bar type {text!r}: {error}") from None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", step):
        raise ValueError(f"bar type {text!r}: the step {step!r} must be a whole number from 1")
    for name, value, allowed in (
        ("aggregation", aggregation, AGGREGATIONS),
        ("price type", price_type, PRICE_TYPES),
        ("source", source, SOURCES),
    ):
        if value not in allowed:
            raise ValueError(f"bar type {text!r}: {name} {value!r} must be one of {', '.join(sorted(allowed))}")
    return BarType(instrument_id, int(step), aggregation, price_type, source, composite)


def split_instrument_id(instrument_id: str) -> tuple[str, str]:
    """Symbol and venue of SYMBOL.VENUE (split at the last dot); raises ValueError that says what is missing."""
    symbol, dot, venue = instrument_id.rpartition(".")
    if not dot or not symbol or not venue:
        raise ValueError(f"instrument id {instrument_id!r} must be SYMBOL.VENUE, such as EUR/USD.SIM")
    if not instrument_id.isascii() or any(c.isspace() or not c.isprintable() for c in instrument_id):
        raise ValueError(f"instrument id {instrument_id!r} may hold only printable ASCII without spaces")
    return symbol, venue
