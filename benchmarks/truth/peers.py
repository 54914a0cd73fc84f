"""The same broken data for other tools: pandera and Great Expectations for simple rules, plain recipes for outliers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import polars as pl

from benchmarks.measurement import PROJECT, PYTHONS
from benchmarks.truth.injection import ORIGIN, Defect, Rows
from benchmarks.truth.judging import OUTLIERS, Tallies, broken_frames, count, old_flags
from benchmarks.truth.materials import NOW_NS, Material
from benchmarks.truth.peer_rules import TOOLS
from benchmarks.truth.plain import PLAIN, plain_flags
from catalog_app.store.schema import PRICE_COLUMNS, SCALE, SIZE_COLUMNS

# The checks that they have rules for.
SIMPLE: Final = (
    "time.order",
    "time.event_after_init",
    "time.future",
    "time.latency",
    "row.duplicate",
    "price.positive",
    "size.positive",
    "quote.crossed",
    "bar.ohlc",
)


def are_installed() -> bool:
    """Whether their environment is there."""
    return PYTHONS["peers"].exists()


class Tools:
    """The process with the tools; raises RuntimeError when it ends."""

    def __init__(self, process: subprocess.Popen[str], scratch: Path) -> None:
        self._process, self._path = process, scratch / "rows.parquet"

    def give(self, frame: pl.DataFrame, data_type: str) -> None:
        """Hand over a frame as these tools take it: prices and sizes as floats."""
        numbers = (*PRICE_COLUMNS[data_type], *SIZE_COLUMNS[data_type])
        frame.select(
            *(pl.col(name).cast(pl.Float64) / SCALE for name in numbers),
            *(["trade_id"] if data_type == "trade" else []),
            "ts_event",
            "ts_init",
        ).write_parquet(self._path)

    def flags(self, tool: str, check: str) -> Rows | None:
        """Return the rows that a tool flags by the rules of a check; None where there are no such rules."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"tool": tool, "check": check, "path": str(self._path), "nowNs": NOW_NS}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{tool} ended while it looked at {check}.")
        rows = json.loads(line)
        return None if rows is None else np.array(rows, np.int64)


@contextmanager
def tools() -> Iterator[Tools]:
    """Start the process with the tools; it ends with the context."""
    command = [str(PYTHONS["peers"]), "-m", "benchmarks.truth.peer_rules"]
    with (
        TemporaryDirectory(prefix="truth-") as scratch,
        subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        yield Tools(process, Path(scratch))
        process.communicate()


def judge_tools(
    given: Tools, material: Material, defects: Iterable[Defect], seeds: Sequence[int]
) -> dict[str, Tallies]:
    """Count what each tool finds of the defects that it has rules for."""
    tallies: dict[str, Tallies] = {name: {} for name in TOOLS}
    chosen = [defect for defect in defects if set(defect.finds) & set(SIMPLE)]
    before = _sound(given, material, chosen)
    for defect, broken in broken_frames(material, chosen, seeds):
        (check,) = set(defect.finds) & set(SIMPLE)
        given.give(broken.frame, material.data_type)
        for name, found in tallies.items():
            flagged = given.flags(name, check)
            if flagged is not None:
                old = old_flags(broken.frame, before.get((name, check)))
                count(found, material.name, defect, check, broken, np.setdiff1d(flagged, old), old)
    return tallies


def _sound(given: Tools, material: Material, defects: Iterable[Defect]) -> dict[tuple[str, str], Rows | None]:
    """Rows of the sound frame that each tool flags by each check."""
    checks = {check for defect in defects if material.data_type in defect.data_types for check in defect.finds}
    if not checks & set(SIMPLE):
        return {}
    given.give(material.frame, material.data_type)
    return {(name, check): given.flags(name, check) for name in TOOLS for check in checks & set(SIMPLE)}


def judge_plain(material: Material, defects: Iterable[Defect], seeds: Sequence[int]) -> dict[str, Tallies]:
    """Count what the plain recipes find of outliers; what they flag in sound rows is wrong."""
    tallies: dict[str, Tallies] = {name: {} for name in PLAIN}
    chosen = [defect for defect in defects if set(defect.finds) & OUTLIERS]
    for defect, broken in broken_frames(material, chosen, seeds):
        frame = broken.frame.drop(ORIGIN)
        for name, found in tallies.items():
            flagged = plain_flags(name, frame, material.data_type)
            for check in sorted(set(defect.finds) & OUTLIERS):
                if _applies(check, material.data_type):
                    count(found, material.name, defect, check, broken, flagged, np.empty(0, np.int64))
    return tallies


def _applies(check: str, data_type: str) -> bool:
    prefix = check.partition(".")[0]
    return prefix in {"return", data_type}
