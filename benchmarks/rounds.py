"""Running a measurement: its sides take turns, A B A B, each in its own process."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.measurement import Measurement, Side, Target
from benchmarks.processes import Failed, Process
from benchmarks.work import MIB, Workspace


@dataclass(slots=True)
class SideResult:
    """What one side needed: seconds of each round, on the clock and of all its threads on processors; peak and idle
    memory (before the first round), further figures.
    """

    side: Side
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
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
        self.cpu_seconds.append(answer["cpu_seconds"])
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

    def value(self, target: Target) -> float | None:
        """The figure that a target is for, by the median; None where its peer was left out."""
        desk = self.sides[0]
        match target.figure:
            case "time ratio":
                peer = next((side for side in self.sides[1:] if side.side.name == target.peer), None)
                return median(self.ratios(peer)) if peer else None
            case "seconds":
                return desk.median
            case "ns per unit":
                return desk.median / desk.units * 1e9
            case "peak MiB":
                return desk.peak_bytes / MIB
            case figure:
                return median(desk.figures[figure])

    def meets(self, target: Target) -> bool | None:
        """Whether the figure stays under its limit; None where the run was too small to tell, or there is none."""
        value = self.value(target)
        if value is None or self.sides[0].units < target.units:
            return None
        return value <= target.limit


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
        processes = [stack.enter_context(Process("side", side.entry, workspace, side.python)) for side in sides]
        for process, result in zip(processes, results, strict=True):
            result.idle_bytes = process.answer()["idle_bytes"]
        for _ in range(min(rounds, measurement.rounds or rounds)):
            for process, result in zip(processes, results, strict=True):
                result.add(process.round())
    units = {result.side.name: result.units for result in results}
    if len(set(units.values())) > 1 or not results[0].units:
        raise Failed(f"{measurement.name}: the sides did not do the same work, or none: {units}")
    return Result(measurement, results)
