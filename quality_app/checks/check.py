"""What a check is, what it may know about its dataset, and what it finds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

import polars as pl

Dimension = Literal["completeness", "accuracy", "consistency", "timeliness", ""]
Severity = Literal["critical", "major", "info"]

EVERY_TYPE: Final = ("quote", "trade", "bar")


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is known about the dataset; None is unknown, and checks that need it do not run.

    Increments are raw integers at scale 1e-16, times are UNIX nanoseconds.
    """

    data_type: str
    now_ns: int
    price_precision: int | None = None
    size_precision: int | None = None
    price_increment: int | None = None
    size_increment: int | None = None
    negative_prices_allowed: bool | None = None
    interval_ns: int | None = None


def no_params(context: CheckContext) -> dict[str, Any]:
    """Parameters of a check that has none."""
    return {}


def always_runs(context: CheckContext) -> str | None:
    """Reason not to run: none."""
    return None


Rule = Callable[[pl.DataFrame, CheckContext], pl.Expr | pl.Series]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. `rule` marks violating rows of a canonical frame; None means a service measures it on files.

    `limit` is the share of violating rows at which data is worthless for its purpose; None is not scored.
    """

    id: str
    version: int
    data_types: tuple[str, ...]
    dimension: Dimension
    severity: Severity
    limit: Fraction | None
    citation: str
    explanation: str
    example: str
    rule: Rule | None
    params: Callable[[CheckContext], dict[str, Any]] = no_params
    obstacle: Callable[[CheckContext], str | None] = always_runs
    looks_ahead: bool = False


@dataclass(frozen=True, slots=True)
class NotRun:
    """A check, or the part of one, that could not run, and why."""

    check_id: str
    reason: str


@dataclass(slots=True)
class CheckOutcome:
    """What one check found: exact counts, and the first violating rows as exact text."""

    check_id: str
    version: int
    params: dict[str, Any]
    rows: int = 0
    violations: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""
