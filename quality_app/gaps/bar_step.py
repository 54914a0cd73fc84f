"""What a bar lasts, in NautilusTrader's aggregations by time. Pure: no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from catalog_app.store.bar_type import BarType
from quality_app.gaps.found import Unscannable
from quality_app.gaps.grid import DAY_NS

_MILLISECOND_NS: Final = 1_000_000
_SECOND_NS: Final = 1_000 * _MILLISECOND_NS
_UNITS_NS: Final[dict[str, int | None]] = {
    "MILLISECOND": _MILLISECOND_NS,
    "SECOND": _SECOND_NS,
    "MINUTE": 60 * _SECOND_NS,
    "HOUR": 3_600 * _SECOND_NS,
    "DAY": DAY_NS,
    "WEEK": 7 * DAY_NS,
    "MONTH": None,
    "YEAR": None,
}


@dataclass(frozen=True, slots=True)
class BarStep:
    """So many of a unit: BarStep(5, "MINUTE")."""

    count: int
    unit: str

    @classmethod
    def of(cls, bar_type: BarType) -> Self:
        """Return the step of a bar type; raises Unscannable where bars are not made by time."""
        if bar_type.aggregation not in _UNITS_NS:
            raise Unscannable("Bars of this aggregation have no fixed length, so no bar is expected at a given time.")
        return cls(bar_type.step, bar_type.aggregation)

    @property
    def interval_ns(self) -> int | None:
        """Length in ns; None for months and years."""
        unit = _UNITS_NS[self.unit]
        return None if unit is None else unit * self.count

    @property
    def inside_day(self) -> int | None:
        """Length in ns of bars that are cut inside session days; None for days and longer units."""
        return self.interval_ns if self.unit in {"MILLISECOND", "SECOND", "MINUTE", "HOUR"} else None
