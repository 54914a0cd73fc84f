"""Results as a table for people and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measurement import Target
from benchmarks.rounds import Result, SideResult
from benchmarks.work import MIB, Sizes

_LIBRARIES = ("nautilus-trader", "polars", "pyarrow", "pandas", "django")
_HEADINGS = ("", "median s", "min–max s", "CPU s", "per s", "desk / it", "target", "peak MiB", "file MiB", "further")


def table(results: Sequence[Result]) -> str:
    """One block per measurement: a line for each side, and how the desk's time compares with each peer's."""
    lines = []
    for result in results:
        measurement = result.measurement
        rows = [_HEADINGS, *(_row(result, side) for side in result.sides)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
        lines += ["", f"{measurement.title} ({result.sides[0].units:,} {measurement.unit})"]
        lines += [
            "  "
            + "  ".join(
                text.ljust(width) if at in {0, len(widths) - 1} else text.rjust(width)
                for at, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        if not measurement.peers:
            lines.append("  No peer: a figure of its own.")
    return "\n".join(lines).strip("\n")


def document(results: Sequence[Result], sizes: Sizes, rounds: int) -> dict[str, Any]:
    """Everything that was measured, with what it was measured on."""
    return {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "sizes": asdict(sizes),
        "rounds": rounds,
        "measurements": [_json(result) for result in results],
    }


def machine() -> dict[str, Any]:
    """What the run had, and how busy it was."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "processor": _processor(),
        "loadAverage": [round(load, 2) for load in os.getloadavg()],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _row(result: Result, side: SideResult) -> tuple[str, ...]:
    ratios = result.ratios(side)
    is_desk = side is result.sides[0]
    return (
        side.side.name,
        f"{side.median:.3f}",
        f"{min(side.seconds):.3f}–{max(side.seconds):.3f}",
        f"{median(side.cpu_seconds):.3f}",
        _rate(side.rate),
        "" if is_desk else f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
        ", ".join(_target(result, target) for target in _targets_of(result, side)),
        f"{side.peak_bytes / MIB:,.0f}",
        "" if side.size_bytes is None else f"{side.size_bytes / MIB:,.1f}",
        ", ".join(f"{name} {median(values):,.1f}" for name, values in side.figures.items()),
    )


def _targets_of(result: Result, side: SideResult) -> list[Target]:
    """Ratios stand beside the peer that they are to, other targets beside the desk."""
    name = "" if side is result.sides[0] else side.side.name
    return [target for target in result.measurement.targets if target.peer == name]


def _target(result: Result, target: Target) -> str:
    """`≤ 0.13 met`, `listed s ≤ 3 missed`, `peak MiB ≤ 1,024 for 100,000,000 rows`."""
    figure = "" if target.figure in {"time ratio", "seconds"} else f"{target.figure} "
    unit = " s" if target.figure == "seconds" else ""
    met = result.meets(target)
    verdict = f"for {target.units:,} {result.measurement.unit}" if met is None else "met" if met else "missed"
    return f"{figure}≤ {target.limit:,.4g}{unit} {verdict}"


def _rate(rate: float) -> str:
    return f"{rate / 1e6:.2f} M" if rate >= 100_000 else f"{rate:,.0f}"


def _json(result: Result) -> dict[str, Any]:
    measurement = result.measurement
    return {
        "name": measurement.name,
        "title": measurement.title,
        "unit": measurement.unit,
        "units": result.sides[0].units,
        "desk": _side_json(result.sides[0]),
        "peers": [_side_json(side) | {"deskTimeRatio": _spread(result.ratios(side))} for side in result.sides[1:]],
        "targets": [
            asdict(target) | {"value": result.value(target), "met": result.meets(target)}
            for target in measurement.targets
        ],
        "leftOut": [side.name for side in measurement.peers if side not in [done.side for done in result.sides]],
    }


def _side_json(side: SideResult) -> dict[str, Any]:
    return {
        "name": side.side.name,
        "does": side.side.does,
        "rounds": side.seconds,
        "seconds": _spread(side.seconds),
        "cpuSeconds": _spread(side.cpu_seconds),
        "perSecond": side.rate,
        "idleBytes": side.idle_bytes,
        "peakBytes": side.peak_bytes,
        "sizeBytes": side.size_bytes,
        "figures": {name: _spread(values) for name, values in side.figures.items()},
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}
