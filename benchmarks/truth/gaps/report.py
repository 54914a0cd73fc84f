"""What came out, as tables for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.truth.gaps.judging import DESK, Case, Count, Verdicts
from benchmarks.truth.gaps.series import HOUR_NS
from benchmarks.truth.tables import lines, number

# Least recall and precision: of all holes, and of bars that nothing can excuse.
ALL: Final = 0.99
MUST: Final = 0.999
_KINDS: Final = 8

_HEADINGS: Final = (
    "series", "detector", "holes", "recall", "precision", "each round", "that must be found", "recall", "precision",
    "closed hours", "quiet runs", "unexplained per 100,000 rows",
)  # fmt: skip


def table(verdicts: Sequence[Verdicts]) -> str:
    """Each series with every detector, and what the desk missed or claimed wrongly most."""
    blocks = [lines(_HEADINGS, [_row(one) for one in verdicts])]
    if named := [text for one in verdicts if one.detector == DESK for text in _named(one)]:
        blocks.append("Misses and false claims of the desk\n" + "\n".join(named))
    if short := missed_targets(verdicts):
        blocks.append("\n".join(short))
    return "\n\n".join(blocks)


def missed_targets(verdicts: Sequence[Verdicts]) -> list[str]:
    """What of the desk falls short, as sentences."""
    return [f"{one.series.name}: {text}" for one in verdicts if one.detector == DESK for text in _short(one)]


def _short(one: Verdicts) -> list[str]:
    if one.series.times[-1] - one.series.times[0] < HOUR_NS:
        # Too short for anybody to know what is usual there.
        return []
    if one.series.clock is None:
        limits = [(name, rate, MUST, "of what must be found") for name, rate in _rates(one.must).items()]
        limits += [(name, rate, ALL, "of all holes") for name, rate in _rates(one.all).items()]
    else:
        # Below ten times the expected wait nobody can tell a hole from chance.
        limits = [("recall", one.must.recall, ALL, "of what must be found")]
        limits += [("precision", one.all.precision, ALL, "of all claims")]
    short = [
        f"{name} {what} {rate:.4f} is below {limit}."
        for name, rate, limit, what in limits
        if rate is not None and rate < limit
    ]
    if one.closed:
        short.append(f"{one.closed:,} gaps reach into closed hours of the untouched file.")
    if one.quiet and one.series.real:
        # In generated data, chance may leave out any run: it counts in precision.
        short.append(f"{one.quiet:,} quiet runs of the untouched file are called unexplained.")
    return short


def _rates(count: Count) -> dict[str, float | None]:
    return {"recall": count.recall, "precision": count.precision}


def _row(one: Verdicts) -> tuple[str, ...]:
    return (
        one.series.name,
        one.detector,
        f"{one.all.holes:,}",
        number(one.all.recall, 4),
        number(one.all.precision, 4),
        number(one.all.precision_each, 4),
        f"{one.must.holes:,}",
        number(one.must.recall, 4),
        number(one.must.precision, 4),
        f"{one.closed:,}",
        f"{one.quiet:,}",
        number(one.per_100_000, 1),
    )


def _named(one: Verdicts) -> list[str]:
    """The most common kinds of a series with an example of each."""
    kinds = Counter((case.what, case.kind, case.must) for case in one.cases)
    examples = {(case.what, case.kind, case.must): case for case in reversed(one.cases)}
    return [f"  {one.series.name}: {_told(examples[kind], times)}" for kind, times in kinds.most_common(_KINDS)]


def _told(case: Case, times: int) -> str:
    must = ", must be found" if case.must else ""
    start, end = (_moment(ns) for ns in (case.start_ns, case.end_ns))
    return f"{times} × {case.what} {case.kind}{must}; such as {start} to {end} ({case.missing:,})"


def _moment(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def document(verdicts: Sequence[Verdicts]) -> list[dict[str, Any]]:
    """Everything that was counted."""
    return [
        {
            "series": one.series.name,
            "real": one.series.real,
            "dataType": one.series.data_type,
            "rows": len(one.series.times),
            "detector": one.detector,
            "holes": _count(one.all),
            "thatMustBeFound": _count(one.must),
            "untouched": {
                "closed": one.closed,
                "quiet": one.quiet,
                "unexplained": one.unexplained,
                "per100000": one.per_100_000,
            },
        }
        for one in verdicts
    ]


def _count(count: Count) -> dict[str, Any]:
    return {
        "injected": count.holes,
        "found": count.found,
        "unexplained": count.claimed,
        "wrong": count.wrong,
        "wrongInEachRound": count.repeated,
        "recall": count.recall,
        "precision": count.precision,
        "precisionInEachRound": count.precision_each,
    }
