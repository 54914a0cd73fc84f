"""Running a measurement: its sides take turns, A B A B, each in its own process."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.processes import Failed, Process
from benchmarks.registry import Measurement, Side
from benchmarks.work import Workspace


@dataclass(slots=True)
class SideResult:
    """What one side needed: seconds of each round, peak and idle memory (before the first round), further figures."""

    side: Side
    seconds: list[float] = field(default_factory=list)
    units: int = 0
    idle_bytes: int = 0
    peak_bytes: int = 0
    size_bytes: int | None = None
    figures: dict[str, list[float]] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median seconds of the rounds."""
        return median(self.seconds)

    @property
    def rate(self) -> float:
        """Units per second, by the median."""
        return self.units / self.median

    def add(self, answer: dict[str, Any]) -> None:
        """Take a round."""
        self.seconds.append(answer["seconds"])
        self.units, self.size_bytes, self.peak_bytes = answer["units"], answer["size_bytes"], answer["peak_bytes"]
        for name, value in answer["figures"].items():
            self.figures.setdefault(name, []).append(value)


@dataclass(slots=True)
class Result:
    """A measurement's sides; the first one is the desk's."""

    measurement: Measurement
    sides: list[SideResult]

    def ratios(self, peer: SideResult) -> list[float]:
        """Desk's time over the peer's, of each round: neighbours in time met the same load."""
        return [ours / theirs for ours, theirs in zip(self.sides[0].seconds, peer.seconds, strict=True)]


def make_inputs(measurements: list[Measurement], workspace: Workspace, entries: dict[str, str]) -> None:
    """Generate every input that some measurement needs, once, in the order of `entries`.

    Raises:
        Failed: a generator ended with an error.

    """
    wanted = {name for measurement in measurements for name in measurement.inputs}
    for name, entry in entries.items():
        if name in wanted:
            workspace.path(name).mkdir()
            with Process("make", entry, workspace) as process:
                process.answer()


def measure(measurement: Measurement, workspace: Workspace, rounds: int) -> Result:
    """Run all rounds of a measurement.

    Raises:
        Failed: a side ended with an error, or the sides did not do the same amount of work.

    """
    sides = [side for side in (measurement.desk, *measurement.peers) if side.is_available()]
    results = [SideResult(side) for side in sides]
    with ExitStack() as stack:
        processes = [stack.enter_context(Process("side", side.entry, workspace)) for side in sides]
        for process, result in zip(processes, results, strict=True):
            result.idle_bytes = process.answer()["idle_bytes"]
        for _ in range(rounds):
            for process, result in zip(processes, results, strict=True):
                result.add(process.round())
    units = {result.side.name: result.units for result in results}
    if len(set(units.values())) > 1 or not results[0].units:
        raise Failed(f"{measurement.name}: the sides did not do the same work, or none: {units}")
    return Result(measurement, results)
