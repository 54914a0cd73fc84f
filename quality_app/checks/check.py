"""What a check is, what it may know about its dataset, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, Literal

import polars as pl

from catalog_app.store.schema import PRICE_COLUMNS, SIZE_COLUMNS
from quality_app.checks.param import Param, Value
from quality_app.checks.profile import Profile

Dimension = Literal["completeness", "accuracy", "consistency", "timeliness", ""]
Severity = Literal["critical", "major", "info"]

EVERY_TYPE: Final = (
    "quote",
    "trade",
    "bar",
    "delta",
    "depth10",
    "mark_price",
    "index_price",
    "funding_rate",
    "status",
    "close",
    "greeks",
)

PRICED_TYPES: Final = tuple(name for name in EVERY_TYPE if PRICE_COLUMNS[name])
SIZED_TYPES: Final = tuple(name for name in EVERY_TYPE if SIZE_COLUMNS[name])

# Columns that the runner adds for checks that ask for them (`needs`).
PRICE: Final = "_price"
WEEK: Final = "_week"
# Asks for every price column as Int64 too, under this prefix: null where it is undefined or does not fit.
NARROW: Final = "_narrow_"
# Needed where a rule reads context.quotes: its marks also depend on the files of the quotes.
QUOTES: Final = "quotes"

# Reads the quotes of the same instrument with start_ns <= ts_init <= end_ns: canonical columns, in order.
QuotesBetween = Callable[[int, int], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is known about the dataset; None is unknown, and checks that need it do not run.

    Increments are raw integers at scale 1e-16, times are UNIX nanoseconds. `values` holds parameters by check id
    and name where a rule sets them; `sessions` has open_ns and close_ns (half-open, in order) over all of the data;
    `calendar` is their name, `hours` a digest that changes with them and `zone` their IANA time zone; `profile` is
    what a sample of the dataset taught.
    """

    data_type: str
    now_ns: int
    price_precision: int | None = None
    size_precision: int | None = None
    price_increment: int | None = None
    size_increment: int | None = None
    negative_prices_allowed: bool | None = None
    interval_ns: int | None = None
    values: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    sessions: pl.DataFrame | None = None
    calendar: str = ""
    hours: str = ""
    zone: str = "UTC"
    profile: Profile | None = None
    quotes: QuotesBetween | None = None


def no_facts(context: CheckContext) -> dict[str, Any]:
    """Facts that a check depends on beside its parameters: none."""
    return {}


def session_facts(context: CheckContext) -> dict[str, Any]:
    """Facts of a check that depends on the sessions: their calendar, and which hours it had."""
    return {"calendar": context.calendar, "hours": context.hours}


def always_runs(context: CheckContext) -> str | None:
    """Reason not to run: none."""
    return None


Values = Mapping[str, Value]
# Marks of all rows; None marks none of them.
Rule = Callable[[pl.DataFrame, CheckContext], pl.Expr | pl.Series | None]
# What stands for the state after a frame, which begins with what stood for the state before it.
Carry = Callable[[pl.DataFrame, CheckContext], pl.DataFrame]
# Rows before and after that the mark of a row may depend on, by the check's parameters.
Reach = Callable[[Values], tuple[int, int]]
# The frame that the rule saw, positions of marked rows in it -> `value`, `expected` (Float64, null when unknown).
Evidence = Callable[[pl.DataFrame, pl.Series, CheckContext], pl.DataFrame]


def own_row(values: Values) -> tuple[int, int]:
    """Reach of a rule that looks at nothing but the row itself."""
    return 0, 0


def row_before(values: Values) -> tuple[int, int]:
    """Reach of a rule that compares a row with the one before."""
    return 1, 0


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. `rule` marks violating rows of a canonical frame; None means that a service measures it.

    The mark of a row is a function of the rows within `reach` alone, down to the last bit: sums that run on from
    further back would make the result depend on where a batch begins. `limit` is the share of violating rows at
    which data is worthless for its purpose; None is not scored. `facts` are what else the marks depend on, shown
    with the result. A rule that follows state over the whole dataset (an order book) has `carry`: it gets the frame
    before (its own carry included), returns rows of the same columns that stand for the state after it, and these
    are put before the next frame.
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
    params: tuple[Param, ...] = ()
    facts: Callable[[CheckContext], dict[str, Any]] = no_facts
    obstacle: Callable[[CheckContext], str | None] = always_runs
    needs: frozenset[str] = frozenset()
    reach: Reach = own_row
    carry: Carry | None = None
    evidence: Evidence | None = None
    looks_ahead: bool = False
    unit: Literal["rows", "files"] = "rows"

    def values(self, context: CheckContext) -> dict[str, Value]:
        """Return the check's parameters: defaults, and what rules set."""
        return {**{param.name: param.default for param in self.params}, **context.values.get(self.id, {})}

    def basis(self, context: CheckContext) -> dict[str, Any]:
        """Return parameters and facts as JSON: with the version they determine the marks of given rows."""
        values = {param.name: param.to_json(self.values(context)[param.name]) for param in self.params}
        return {**values, **self.facts(context)}

    def in_order(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by name as the check declares its parameters, the others after them: JSON keeps no order."""
        names = [param.name for param in self.params if param.name in values]
        return {name: values[name] for name in (*names, *sorted(values.keys() - set(names)))}


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
