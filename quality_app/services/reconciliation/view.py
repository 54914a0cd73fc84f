"""What the pages show of a reconciliation's run: grains and raw integers become text here, at the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from string import ascii_uppercase
from typing import Any, Final

from django.db.models import OuterRef, Subquery

from catalog_app.store.decimals import format_raw
from quality_app.models import Reconciliation, ReconciliationRun
from quality_app.services.context import data_files, identities
from quality_app.services.reconciliation.figure import drawn_parts

WIDTH: Final = 1000
TABLE_PARTS: Final = 30
_UNITS: Final = (("h", 3600 * 10**9), ("min", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("µs", 1000), ("ns", 1))


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source as its run saw it; `cover` are (left, width) of WIDTH that hold rows."""

    letter: str
    found: dict[str, Any]
    first_ns: int | None
    last_ns: int | None
    shift: str
    cover: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PairLine:
    """A pair in the table; differences in ticks, right beside left."""

    number: int
    name: str
    left: SourceLine
    right: SourceLine
    found: dict[str, Any]
    figures: dict[str, str]
    lag: str

    @property
    def share_beyond(self) -> float | None:
        """Share of matched rows beyond the limit."""
        return self.found["beyond"] / self.found["matched"] if self.found["matched"] else None


@dataclass(frozen=True, slots=True)
class VoteLine:
    """How a source fared in the votes; `outliers` and `excluded` are (left, width) of WIDTH."""

    source: SourceLine
    found: dict[str, Any]
    largest: str
    rate: float | None
    outliers: list[tuple[float, float]]
    excluded: list[tuple[float, float]]
    exclusions: list[dict[str, Any]]


@dataclass
class RunView:
    """A run's result in the terms of the page."""

    run: ReconciliationRun
    letters: str = field(default=ascii_uppercase)

    @cached_property
    def sources(self) -> list[SourceLine]:
        """The sources, by letter."""
        strip = self.run.measures["strip"]
        return [
            SourceLine(
                letter=self.letters[at],
                found=found,
                first_ns=_int(found["firstNs"]),
                last_ns=_int(found["lastNs"]),
                shift=span_text(int(found["shiftNs"])) if found["shiftNs"] != "0" else "",
                cover=[(left * WIDTH / strip, max(width * WIDTH / strip, 1)) for left, width in found["cover"]],
            )
            for at, found in enumerate(self.run.sources)
        ]

    @cached_property
    def pairs(self) -> list[PairLine]:
        """The pairs in the order of the sources."""
        return [self._pair(number, found) for number, found in enumerate(self.run.pairs)]

    @cached_property
    def votes(self) -> list[VoteLine]:
        """The sources as the votes judged them; empty where none was held."""
        found = self.run.votes
        if not found or not found["decided"]:
            return []
        return [self._vote(at, voter) for at, voter in enumerate(found["sources"])]

    @property
    def lowest_share(self) -> float | None:
        """The lowest matched share of the pairs; None where one never meets."""
        shares = [pair["share"] for pair in self.run.pairs]
        return None if None in shares else min(shares)

    @property
    def beyond(self) -> int:
        """Matched rows beyond the limit, over all pairs."""
        return sum(pair["beyond"] for pair in self.run.pairs)

    @property
    def has_excluded(self) -> bool:
        """Whether a source was excluded at the end."""
        return any(line.found["isExcluded"] for line in self.votes)

    @property
    def tick_text(self) -> str:
        """The tick as a decimal."""
        return format_raw(int(self.run.measures["tickRaw"]), 0)

    def ticks(self, grains: float | None) -> str:
        """Return grains as ticks, to a hundredth."""
        if grains is None:
            return "–"
        return f"{grains * self.run.measures['ticksPerGrain']:.2f}".rstrip("0").rstrip(".")

    def largest(self, number: int) -> list[dict[str, Any]]:
        """Return the largest differences of a pair, each with both rows."""
        pair = self.run.pairs[number]
        return [
            {
                "difference": self.ticks(row["difference"]),
                "bp": f"{row['bp']:.2f}",
                "sides": [
                    {
                        "source": self.sources[pair[side]],
                        "ts": int(row[f"{side}_ts"]),
                        "stored": int(row[f"{side}_ts"]) - int(self.run.sources[pair[side]]["shiftNs"]),
                        "price": self._price(row[f"{side}_price"], pair[side]),
                        "file": row[f"{side}_file"],
                        "row": row[f"{side}_row"],
                    }
                    for side in ("left", "right")
                ],
            }
            for row in pair["largest"]
        ]

    def stretches(self, kept: list[dict[str, Any]], most: int = 20) -> list[dict[str, Any]]:
        """Return the largest stretches, largest first, with times as numbers."""
        ranked = sorted(kept, key=lambda stretch: -stretch["rows"])[:most]
        return [
            {**one, "startNs": int(one["startNs"]), "endNs": int(one["endNs"]), "peak": self.ticks(one["peak"])}
            for one in ranked
        ]

    def table(self, number: int) -> list[dict[str, Any]]:
        """Return the chart of a pair as at most TABLE_PARTS rows; differences in ticks."""
        series = self.run.series[number]
        per = -(-self.run.measures["buckets"] // TABLE_PARTS)
        after, width = drawn_parts(self.run, number)
        until = int(self.run.pairs[number]["drawn"][1])
        rows = list(zip(*(series[name] for name in ("bucket", "low", "mean", "high", "rows", "beyond")), strict=True))
        found = []
        for part, members in groupby(rows, key=lambda row: row[0] // per):
            some = list(members)
            count = sum(row[4] for row in some)
            found.append(
                {
                    "from_ns": after + part * per * width,
                    "until_ns": min(after + (part + 1) * per * width, until),
                    "low": self.ticks(min(row[1] for row in some)),
                    "mean": self.ticks(sum(row[2] * row[4] for row in some) / count),
                    "high": self.ticks(max(row[3] for row in some)),
                    "rows": count,
                    "beyond": sum(row[5] for row in some),
                }
            )
        return found

    def fields(self, number: int) -> list[dict[str, Any]]:
        """Return how open, high and low of bars differ; empty for other data."""
        return [
            {"name": name, **found, "largest": self.ticks(found["largest"]), "atNs": _int(found["atNs"])}
            for name, found in self.run.pairs[number]["fields"].items()
        ]

    def curve(self, number: int) -> list[dict[str, Any]]:
        """Return the correlation at each lag that was tried, those with changes."""
        lag = self.run.pairs[number]["lag"]
        step = int(lag["stepNs"])
        return [
            {"lag": span_text(point["step"] * step), "changes": point["changes"], "correlation": point["correlation"]}
            for point in lag["curve"]
            if point["changes"]
        ]

    def is_stale(self) -> bool:
        """Whether a source's files have changed since."""
        rows = self.run.reconciliation.sources.select_related("dataset")
        now = {str(row.dataset_id): identities([f for f in data_files(row.dataset) if f.rows]) for row in rows}
        return any(now.get(key) != files for key, files in self.run.files.items())

    def _pair(self, number: int, found: dict[str, Any]) -> PairLine:
        left, right = self.sources[found["left"]], self.sources[found["right"]]
        figures = {
            "median": self.ticks(found["median"]),
            "mean": self.ticks(found["mean"]),
            **{name: self.ticks(value) for name, value in found["ticks"].items()},
            **{f"bp_{name}": _points(value) for name, value in found["points"].items()},
        }
        return PairLine(
            number, f"{left.letter} – {right.letter}", left, right, found, figures, _lag_text(left, right, found)
        )

    def _vote(self, at: int, voter: dict[str, Any]) -> VoteLine:
        _, outliers, excluded = voter["timeline"]
        return VoteLine(
            source=self.sources[at],
            found=voter,
            largest=self.ticks(voter["largest"]),
            rate=voter["outliers"] / voter["voted"] if voter["voted"] else None,
            outliers=_marked(outliers),
            excluded=_marked(excluded),
            exclusions=self.stretches(voter["kept"]),
        )

    def _price(self, grains: int, source: int) -> str:
        return format_raw(grains * int(self.run.measures["grainRaw"]), self.run.sources[source]["decimals"] or 0)


def latest_runs(rows: list[Reconciliation]) -> dict[int, ReconciliationRun]:
    """Return the latest run of each reconciliation, without what only its own page needs."""
    newest = ReconciliationRun.objects.filter(reconciliation=OuterRef("pk")).values("pk")[:1]
    keys = Reconciliation.objects.filter(pk__in=[row.pk for row in rows]).values_list(Subquery(newest), flat=True)
    runs = ReconciliationRun.objects.filter(pk__in=[key for key in keys if key]).defer("series", "files")
    return {run.reconciliation_id: run for run in runs}


def span_text(ns: int) -> str:
    """Return a signed span in its largest unit that leaves no long fraction: −1 min, 250 ms."""
    if not ns:
        return "0"
    unit, length = next((name, length) for name, length in _UNITS if abs(ns) >= length)
    return f"{'−' if ns < 0 else '+'}{abs(ns) / length:.4g} {unit}"


def _lag_text(left: SourceLine, right: SourceLine, found: dict[str, Any]) -> str:
    """Who is later: by the changes of the price, and within a step of that by the times of matched rows."""
    if found["lag"]["lagNs"] is None:
        return "Cannot be told"
    lag = int(found["lag"]["lagNs"]) or found["offset"]["median"]
    if not lag:
        return "Together"
    later, earlier = (right, left) if lag > 0 else (left, right)
    return f"{later.letter} {span_text(abs(lag)).lstrip('+')} after {earlier.letter}"


def _points(thousandths: int | None) -> str:
    return "–" if thousandths is None else f"{thousandths / 1000:.2f}"


def _marked(counts: list[int]) -> list[tuple[float, float]]:
    """Parts in a row that hold something, as (left, width) of WIDTH."""
    width = WIDTH / len(counts)
    found: list[list[float]] = []
    for at, count in enumerate(counts):
        if count and found and found[-1][0] + found[-1][1] >= at * width - 1e-6:
            found[-1][1] += width
        elif count:
            found.append([at * width, width])
    return [(round(left, 2), round(max(wide, 1.5), 2)) for left, wide in found]


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)
