"""Finding gaps: from files to holes with causes, and through the desk's services; peers read the times alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import numpy as np
import polars as pl

from benchmarks import desk
from benchmarks.inputs.frames import MINUTE_NS
from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader
from quality_app.calendars import calendar_for
from quality_app.gaps.bar_scan import scan_bars
from quality_app.gaps.bar_step import BarStep
from quality_app.gaps.bar_times import BarTimes
from quality_app.gaps.grid import Int64s
from quality_app.gaps.tick_times import TickTimes
from quality_app.gaps.ticks import scan_ticks

# What the services read at a time.
_BATCH_ROWS: Final = 1_000_000


def bars(workspace: Workspace, store: str) -> Work:
    """Gaps of one-minute bars around the clock, with their causes."""
    stored, calendar = Stored.at(workspace.path(store)), calendar_for("BINANCE")

    def run(_: Path) -> Done:
        times = [BarTimes.of(_times(stored, path), MINUTE_NS) for path in stored.paths]
        found = scan_bars(times, BarStep(1, "MINUTE"), calendar)
        return Done(sum(one.rows for one in times), figures={"gaps": len(found.gaps)})

    return Work(run)


def ticks(workspace: Workspace, store: str) -> Work:
    """Gaps of quotes around the clock."""
    stored, calendar = Stored.at(workspace.path(store)), calendar_for("BINANCE")

    def run(_: Path) -> Done:
        times = [TickTimes.of(_times(stored, path)) for path in stored.paths]
        found = scan_ticks(times, stored.data_type, calendar)
        return Done(sum(one.rows for one in times), figures={"gaps": len(found.gaps)})

    return Work(run)


def _times(stored: Stored, path: str) -> Iterator[Int64s]:
    frame = reader.scan(stored.root, [path], stored.data_type).select("ts_init")
    for batch in frame.collect_batches(chunk_size=_BATCH_ROWS, lazy=True, engine="streaming"):
        yield np.asarray(batch["ts_init"].to_numpy(), np.int64)


def year(workspace: Workspace, store: str) -> Work:
    """Every dataset of a store in one job, each file read anew."""
    keys = _indexed(workspace, store)

    def run(_: Path) -> Done:
        found = _scanned(keys, force=True)["datasets"]
        unknown = [one["reason"] for one in found if one["completeness"] is None]
        if unknown:
            raise ValueError(f"{len(unknown):,} datasets were not scanned: {unknown[0]}")
        return Done(sum(one["expected"] - one["missing"] for one in found), figures={"datasets": len(found)})

    return Work(run)


def unchanged(workspace: Workspace, store: str) -> Work:
    """Every dataset of a store in one job, after all of them were scanned: nothing is new."""
    keys = _indexed(workspace, store)
    _scanned(keys)

    def run(_: Path) -> Done:
        same: int = _scanned(keys)["unchanged"]
        return Done(same)

    return Work(run)


def polars_files(workspace: Workspace, store: str) -> Work:
    """ts_init of every file of many datasets, one after the other."""
    files = sorted((workspace.path(store) / "data").rglob("*.parquet"))
    return Work(lambda _: Done(sum(pl.scan_parquet(file).select("ts_init").collect().height for file in files)))


def bare_walk(workspace: Workspace, store: str) -> Work:
    """Stat every file, as many datasets as there are directories."""

    def run(_: Path) -> Done:
        directories = set()
        for file in (workspace.path(store) / "data").rglob("*.parquet"):
            if file.stat().st_size and file.parent.parent.name in {"bar", "quote_tick"}:
                directories.add(file.parent)
        return Done(len(directories))

    return Work(run)


def _indexed(workspace: Workspace, store: str) -> list[str]:
    """A store, registered and synced in an index of its own: the ids of its datasets."""
    desk.start(Path(mkdtemp(prefix="home-", dir=workspace.root)))
    from catalog_app.models import Dataset
    from catalog_app.services.stores import register_store
    from catalog_app.services.sync import sync_store

    sync_store(register_store(workspace.path(store), read_only=True))
    return [str(key) for key in Dataset.objects.values_list("pk", flat=True)]


def _scanned(keys: list[str], *, force: bool = False) -> dict[str, Any]:
    """What the job found."""
    from catalog_app.services.jobs import run_inline

    job = run_inline("scan_gaps", {"datasetIds": keys, "force": force})
    if job.state != "succeeded":
        raise ValueError(f"the scan {job.state}: {job.error}")
    found: dict[str, Any] = job.result
    return found
