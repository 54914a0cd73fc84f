"""What a measurement is: the desk's side, its peers, and what the desk should reach."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
# What cannot or shall not be installed beside the desk has an environment of its own: NautilusTrader 2, which the test
# suite makes, and other tools that validate data, which `make peers` does.
PYTHONS: Final = {
    "v2": PROJECT / ".venv-v2" / "env" / "bin" / "python",
    "peers": PROJECT / ".venv-peers" / "bin" / "python",
}


@dataclass(frozen=True, slots=True)
class Side:
    """Who does the work, what it does, and the function that makes it ready.

    `entry` is "module:function" or "module:function:argument" of benchmarks.sides. `package` names a library that is no
    requirement of the project: without it the side is left out. `environment`: the one of PYTHONS that it runs in, if
    not the desk's.
    """

    name: str
    does: str
    entry: str
    package: str = ""
    environment: str = ""

    @property
    def python(self) -> str:
        """The interpreter that it runs under."""
        return str(PYTHONS[self.environment]) if self.environment else sys.executable

    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        if self.environment:
            return PYTHONS[self.environment].exists()
        return not self.package or find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure of the desk should stay under.

    figure: "time ratio" (desk's time over the peer's), "seconds", "ns per unit", "peak MiB", or one that the side
    gives. units: the amount of work that the limit is meant for; with less of it nothing is judged.
    """

    figure: str
    limit: float
    peer: str = ""
    units: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One comparison; no peers makes it a figure of its own. `rounds`: how many, where the run's number is too many."""

    name: str
    title: str
    unit: str
    inputs: tuple[str, ...]
    desk: Side
    peers: tuple[Side, ...] = ()
    targets: tuple[Target, ...] = ()
    rounds: int | None = None


def side(name: str, does: str, entry: str, package: str = "", *, environment: str = "") -> Side:
    """A side by its entry below benchmarks.sides."""
    return Side(name, does, f"benchmarks.sides.{entry}", package, environment)


def faster(times: float, peer: str, units: int) -> Target:
    """At least so many times as fast as a peer, with so much work or more."""
    return Target("time ratio", 1 / times, peer, units)
