"""What a measurement is: the desk's side, its peers, and what the desk should reach."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
# NautilusTrader 2 cannot be installed beside 1.231.0: the test suite makes it an environment of its own.
_V2_PYTHON: Final = PROJECT / ".venv-v2" / "env" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Side:
    """Who does the work, what it does, and the function that makes it ready.

    `entry` is "module:function" or "module:function:argument" of benchmarks.sides. `package` names a library that is no
    requirement of the project: without it the side is left out. `needs_v2`: it runs under NautilusTrader 2.
    """

    name: str
    does: str
    entry: str
    package: str = ""
    needs_v2: bool = False

    @property
    def python(self) -> str:
        """The interpreter that it runs under."""
        return str(_V2_PYTHON) if self.needs_v2 else sys.executable

    def is_available(self) -> bool:
        """Whether what it needs is installed."""
        if self.needs_v2:
            return _V2_PYTHON.exists()
        return not self.package or find_spec(self.package) is not None


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure of the desk should stay under.

    figure: "time ratio" (desk's time over the peer's), "seconds", "peak MiB", or one that the side gives. units: the
    amount of work that the limit is meant for; with less of it nothing is judged.
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


def side(name: str, does: str, entry: str, package: str = "", *, needs_v2: bool = False) -> Side:
    """A side by its entry below benchmarks.sides."""
    return Side(name, does, f"benchmarks.sides.{entry}", package, needs_v2)


def faster(times: float, peer: str, units: int) -> Target:
    """At least so many times as fast as a peer, with so much work or more."""
    return Target("time ratio", 1 / times, peer, units)
