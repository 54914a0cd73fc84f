"""The first violating rows of a check, as a table: one column for each value."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog_app.formats.export_columns import NAMES
from catalog_app.store.schema import CANONICAL
from quality_app.models import CheckResult

# Digits that an expected value is shown with at least.
_LEAST_DIGITS = 4
_TIMES = {"ts_event"}
_TEXTS = {"reason", "bids", "asks"}


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Rows that a page shows of the violating ones; `kinds` is column -> how a cell of it is shown.

    `file` is the one file that all of them stand in; empty where there are several.
    """

    result: CheckResult
    rows: list[dict[str, Any]]
    kinds: dict[str, str]
    file: str

    @property
    def has_evidence(self) -> bool:
        """Whether the rows tell what was found and what was expected."""
        return any("value" in row for row in self.rows)

    @property
    def has_positions(self) -> bool:
        """Whether rows were found, or whole files."""
        return any(row["row"] is not None for row in self.rows)


def sample_table(result: CheckResult | None, data_type: str, most: int) -> SampleTable | None:
    """Return at most `most` violating rows with their columns in the order of the type; None where there are none."""
    if result is None or not result.samples:
        return None
    rows = [_shown(sample) for sample in result.samples[:most]]
    places = {name: place for place, name in enumerate(CANONICAL.get(data_type, ()))}
    names = sorted({name for row in rows for name in row["values"]}, key=lambda name: places.get(name, len(places)))
    files = {row["file"] for row in rows}
    return SampleTable(result, rows, {name: _kind(name) for name in names}, files.pop() if len(files) == 1 else "")


def near(value: str, expected: str) -> str:
    """What was expected with as many decimals as tell it from the value: one more, and at least four digits.

    Raises:
        InvalidOperation: when it is no number.

    """
    number = Decimal(expected)
    decimals = max(len(value.partition(".")[2]) + 1, _LEAST_DIGITS - 1 - number.adjusted())
    return min(format(number, "f"), format(round(number, decimals), "f"), key=len)


def _shown(sample: dict[str, Any]) -> dict[str, Any]:
    value, expected = sample.get("value"), sample.get("expected")
    shown = {**sample, "values": _values(sample["values"])}
    return shown if value is None or expected is None else {**shown, "expected": near(value, expected)}


def _values(values: dict[str, str]) -> dict[str, Any]:
    """Codes as numbers, so that they get their names; empty text is an undefined value."""
    return {name: None if value == "" else int(value) if name in NAMES else value for name, value in values.items()}


def _kind(name: str) -> str:
    if name in _TIMES:
        return "time"
    if name in NAMES:
        return "name"
    return "text" if name in _TEXTS else "number"
