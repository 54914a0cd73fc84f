"""What came out, as a table for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.report import machine
from benchmarks.truth.defects import DEFECTS
from benchmarks.truth.files import CHECKS as OF_FILES
from benchmarks.truth.judging import OUTLIERS, Tallies, Tally
from benchmarks.truth.tables import lines, number
from benchmarks.truth.verdicts import Verdict, verdict_on
from quality_app.checks.registry import CHECKS

# Least recall and precision of checks by rule, and of those by what is usual; most false flags of the latter.
RULE: Final = (0.99, 0.99)
OUTLIER: Final = (0.95, 0.99)
MOST_FALSE_PER_100_000: Final = 1.0
# Checks that nothing is injected for, and why.
LEFT_OUT: Final[dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Flag:
    """A flagged row of an untouched real file, and what was found out about it."""

    material: str
    check: str
    row: int
    verdict: Verdict | None


@dataclass(slots=True)
class Untouched:
    """Real files as they are: how many rows each check judged, and what it flagged. Peers by name have counts only."""

    rows: dict[str, int] = field(default_factory=dict)
    flags: list[Flag] = field(default_factory=list)
    peers: dict[str, int] = field(default_factory=dict)
    peer_rows: int = 0

    def add(self, material: str, height: int, flags: dict[str, Iterable[int]]) -> None:
        """Take the flags of one file, by check; a check without flags has an empty entry."""
        for check, rows in flags.items():
            self.rows[check] = self.rows.get(check, 0) + height
            self.flags += [Flag(material, check, int(row), verdict_on(material, check, int(row))) for row in rows]

    def false(self, check: str) -> list[Flag]:
        """Flags that are wrong, or that nobody has looked at."""
        return [flag for flag in self.flags if flag.check == check and not (flag.verdict and flag.verdict.is_right)]

    def per_100_000(self, check: str) -> float | None:
        """False flags per 100,000 rows; None where no row was judged."""
        rows = self.rows.get(check, 0)
        return len(self.false(check)) * 100_000 / rows if rows else None


@dataclass(slots=True)
class Truth:
    """All that was counted; `peers` by the tool's name."""

    tallies: Tallies = field(default_factory=dict)
    untouched: Untouched = field(default_factory=Untouched)
    peers: dict[str, Tallies] = field(default_factory=dict)
    seeds: Sequence[int] = ()

    def add(self, tallies: Tallies) -> None:
        """Take the counts of a material."""
        merge(self.tallies, tallies)

    def add_peers(self, found: dict[str, Tallies]) -> None:
        """Take the counts of other tools for a material."""
        for name, tallies in found.items():
            merge(self.peers.setdefault(name, {}), tallies)

    def of(self, check: str) -> Tally:
        """All counts of a check: what it found of its own defects, what it flagged wrongly anywhere."""
        return total(self.tallies, check)

    @property
    def missed_targets(self) -> list[str]:
        """What falls short, as sentences."""
        return [text for check in CHECKS for text in self._short(check)]

    def _short(self, check: str) -> list[str]:
        tally = self.of(check)
        recall, precision = OUTLIER if check in OUTLIERS else RULE
        short = []
        if tally.recall is not None and tally.recall < recall:
            short.append(f"{check}: recall {tally.recall:.4f} is below {recall}.")
        if tally.precision is not None and tally.precision < precision:
            short.append(f"{check}: precision {tally.precision:.4f} is below {precision}.")
        rate = self.untouched.per_100_000(check)
        if rate is not None and rate > MOST_FALSE_PER_100_000:
            short.append(f"{check}: {rate:.2f} false flags per 100,000 rows of untouched real files.")
        return short


def merge(into: Tallies, other: Tallies) -> None:
    """Add counts to counts."""
    for key, tally in other.items():
        into.setdefault(key, Tally()).add(tally)


def total(tallies: Tallies, check: str) -> Tally:
    """Add up what a check made of all defects."""
    whole = Tally()
    for (name, _), tally in tallies.items():
        if name == check:
            whole.add(tally)
    return whole


def without_defect() -> list[str]:
    """Checks that no defect is injected for, as sentences; LEFT_OUT is what may be."""
    covered = {check for defect in DEFECTS for check in defect.finds} | OF_FILES | LEFT_OUT.keys()
    return [f"No defect is injected for {check}." for check in CHECKS if check not in covered]


def table(truth: Truth) -> str:
    """Checks, peers, and what was flagged in untouched files."""
    blocks = [lines(_CHECK_HEADINGS, [_check_row(truth, check) for check in CHECKS])]
    if truth.peers:
        rows = [_peer_row(truth, name, check) for name, tallies in truth.peers.items() for check in _checks_of(tallies)]
        blocks.append("Other tools on the same rows\n" + lines(_PEER_HEADINGS, rows))
    if truth.untouched.peer_rows:
        rates = {name: flags * 100_000 / truth.untouched.peer_rows for name, flags in truth.untouched.peers.items()}
        told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
        blocks.append(f"Flags per 100,000 rows of untouched real prices: {told}")
    if truth.untouched.flags:
        blocks.append("Flagged in untouched real files\n" + lines(_FLAG_HEADINGS, _flag_rows(truth.untouched)))
    if named := _named(truth):
        blocks.append("Misses and false flags, at most five of each kind\n" + "\n".join(named))
    return "\n\n".join([*blocks, *truth.missed_targets])


_CHECK_HEADINGS: Final = ("check", "broken", "recall", "precision", "F1", "false per 100,000 sound rows", "untouched")
_PEER_HEADINGS: Final = ("tool", "check", "broken", "recall", "precision", "F1", "desk's recall", "desk's precision")
_FLAG_HEADINGS: Final = ("check", "material", "rows", "right", "why")


def _check_row(truth: Truth, check: str) -> tuple[str, ...]:
    tally = truth.of(check)
    rate = tally.wrong * 100_000 / tally.rows if tally.rows else None
    untouched = truth.untouched.per_100_000(check)
    return (check, f"{tally.found + tally.missed:,}", *_shares(tally), number(rate, 3), number(untouched, 2))


def _peer_row(truth: Truth, name: str, check: str) -> tuple[str, ...]:
    tally, ours = total(truth.peers[name], check), truth.of(check)
    return (name, check, f"{tally.found + tally.missed:,}", *_shares(tally), *_shares(ours)[:2])


def _checks_of(tallies: Tallies) -> list[str]:
    return sorted({check for check, _ in tallies})


def _flag_rows(untouched: Untouched) -> list[tuple[str, ...]]:
    """Flags of a check in a file that have one explanation, on a line."""
    groups: dict[tuple[str, str, Verdict | None], list[int]] = {}
    for flag in untouched.flags:
        groups.setdefault((flag.check, flag.material, flag.verdict), []).append(flag.row)
    return [
        (
            check,
            material,
            ", ".join(map(str, rows[:5])) + (f" … ({len(rows):,})" if len(rows) > 5 else ""),
            "?" if verdict is None else "yes" if verdict.is_right else "no",
            "not looked at" if verdict is None else verdict.reason,
        )
        for (check, material, verdict), rows in sorted(groups.items(), key=lambda item: item[0][:2])
    ]


def _named(truth: Truth) -> list[str]:
    return [
        f"  {check}, {defect}: {text}"
        for (check, defect), tally in sorted(truth.tallies.items())
        for text in tally.examples[:5]
    ]


def _shares(tally: Tally) -> tuple[str, str, str]:
    return number(tally.recall, 4), number(tally.precision, 4), number(tally.f1, 4)


def document(truth: Truth, materials: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Everything that was counted, with what it was counted on."""
    return {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "seeds": list(truth.seeds),
        "materials": [{"name": name, "rows": rows} for name, rows in materials],
        "checks": {check: _json(truth.of(check), truth.untouched.per_100_000(check)) for check in CHECKS},
        "defects": [
            {"check": check, "defect": defect, **_json(tally, None), "examples": tally.examples}
            for (check, defect), tally in sorted(truth.tallies.items())
        ],
        "peers": {
            name: {check: _json(total(tallies, check), None) for check in _checks_of(tallies)}
            for name, tallies in truth.peers.items()
        },
        "peersUntouched": {"rows": truth.untouched.peer_rows, "flags": truth.untouched.peers},
        "untouched": [
            {
                "check": flag.check,
                "material": flag.material,
                "row": flag.row,
                "right": flag.verdict.is_right if flag.verdict else None,
                "reason": flag.verdict.reason if flag.verdict else "",
            }
            for flag in truth.untouched.flags
        ],
        "missedTargets": truth.missed_targets,
    }


def _json(tally: Tally, untouched: float | None) -> dict[str, Any]:
    return {
        "found": tally.found,
        "missed": tally.missed,
        "wrong": tally.wrong,
        "rows": tally.rows,
        "recall": tally.recall,
        "precision": tally.precision,
        "f1": tally.f1,
        "falsePer100000Untouched": untouched,
    }
