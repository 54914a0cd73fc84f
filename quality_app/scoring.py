"""Scores from what checks and the gap scan found. Pure: no Django.

The rule and a worked example stand in docs/scoring.md. Arithmetic is in fractions, and shown values are rounded
down, so that 1.0000 means that nothing at all was found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

CRITICAL_CAP: Final = Fraction(49, 100)
WEIGHTS: Final[Mapping[str, Fraction]] = {
    "completeness": Fraction(35, 100),
    "accuracy": Fraction(30, 100),
    "consistency": Fraction(20, 100),
    "timeliness": Fraction(15, 100),
}
# What is measured beside the checks of a dimension, by its name in the sum.
_BESIDE: Final = {"completeness": "gap scan", "timeliness": "freshness"}
_BANDS: Final = ((Decimal("0.95"), "excellent"), (Decimal("0.85"), "good"), (Decimal("0.70"), "fair"))


@dataclass(frozen=True, slots=True)
class ScoredCheck:
    """What scoring needs of a check that ran."""

    check_id: str
    dimension: str
    severity: str
    rows: int
    violations: int
    limit: Fraction | None


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a dimension or of the whole: what, its value, its share in the mean."""

    name: str
    value: Decimal
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Score:
    """A score, how it came about, and what is unknown. Values have four decimals, rounded down."""

    overall: Decimal | None
    dimensions: dict[str, Decimal | None]
    terms: list[Term]
    check_terms: dict[str, list[Term]]
    unknown: list[str]
    capped: bool
    uncapped: Decimal | None

    def to_json(self) -> dict[str, Any]:
        """Return the sum that led to the score, values as text."""
        return {
            "overall": _text(self.overall),
            "uncapped": _text(self.uncapped),
            "capped": self.capped,
            "dimensions": {name: _text(value) for name, value in self.dimensions.items()},
            "terms": [_term(term) for term in self.terms],
            "checkTerms": {name: [_term(term) for term in terms] for name, terms in self.check_terms.items()},
            "unknown": self.unknown,
        }


def score_check(violations: int, rows: int, limit: Fraction | None) -> Decimal | None:
    """Return max(0, 1 - rate / limit); None when there was nothing to look at or the check is information."""
    score = _check_fraction(violations, rows, limit)
    return None if score is None else _round(score)


def score_dataset(
    checks: Sequence[ScoredCheck], completeness: Fraction | None = None, timeliness: Fraction | None = None
) -> Score:
    """Combine what is known; unknown stays None and counts nowhere.

    Args:
        checks: The checks that ran. Those of a dimension are averaged; a violation of a critical one caps the
            whole at 0.49, whatever its dimension.
        completeness: From the gap scan, 0 to 1; None when it did not run or cannot tell. Without it completeness is
            unknown: that no file is broken says nothing about what is missing.
        timeliness: Distance from the last expected session, 0 to 1; None where no update is expected.

    """
    known: dict[str, Fraction | None] = {}
    check_terms: dict[str, list[Term]] = {}
    for dimension, beside in (
        ("completeness", completeness),
        ("accuracy", None),
        ("consistency", None),
        ("timeliness", timeliness),
    ):
        known[dimension], check_terms[dimension] = _mean_of_checks(checks, dimension, beside)
    dimensions = {name: known[name] for name in WEIGHTS}
    present = {name: value for name, value in dimensions.items() if value is not None}
    critical = any(check.severity == "critical" and check.violations for check in checks)
    # Sound names and ranges of files do not make data good: rows must have been looked at.
    overall = None if known["accuracy"] is None else _weighted(present)
    capped = critical and overall is not None and overall > CRITICAL_CAP
    total = sum((WEIGHTS[name] for name in present), Fraction(0))
    return Score(
        overall=None if overall is None else _round(CRITICAL_CAP if capped else overall),
        dimensions={name: None if value is None else _round(value) for name, value in dimensions.items()},
        terms=[Term(name, _round(value), _round(WEIGHTS[name] / total)) for name, value in present.items()],
        check_terms=check_terms,
        unknown=[name for name, value in dimensions.items() if value is None],
        capped=capped,
        uncapped=None if overall is None else _round(overall),
    )


def band(score: Decimal | None) -> str:
    """Return excellent, good, fair, poor, or unknown."""
    if score is None:
        return "unknown"
    return next((name for least, name in _BANDS if score >= least), "poor")


def _mean_of_checks(
    checks: Sequence[ScoredCheck], dimension: str, beside: Fraction | None
) -> tuple[Fraction | None, list[Term]]:
    """The mean of a dimension's checks and of what is measured beside them."""
    scores = {
        check.check_id: score
        for check in checks
        if check.dimension == dimension
        and (score := _check_fraction(check.violations, check.rows, check.limit)) is not None
    }
    if dimension == "completeness" and beside is None:
        return None, []
    if beside is not None:
        scores[_BESIDE[dimension]] = beside
    if not scores:
        return None, []
    share = Fraction(1, len(scores))
    terms = [Term(name, _round(score), _round(share)) for name, score in sorted(scores.items())]
    return sum(scores.values(), Fraction(0)) * share, terms


def _check_fraction(violations: int, rows: int, limit: Fraction | None) -> Fraction | None:
    if limit is None or rows <= 0:
        return None
    return max(Fraction(0), 1 - Fraction(violations, rows) / limit)


def _weighted(present: Mapping[str, Fraction]) -> Fraction:
    total = sum((WEIGHTS[name] for name in present), Fraction(0))
    return sum((WEIGHTS[name] * value for name, value in present.items()), Fraction(0)) / total


def _round(value: Fraction) -> Decimal:
    return Decimal(value.numerator * 10_000 // value.denominator).scaleb(-4)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _term(term: Term) -> dict[str, str]:
    return {"name": term.name, "value": str(term.value), "weight": str(term.weight)}
