"""The desk's conversion of a store into a new one of another version."""

from pathlib import Path

from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store.conversion.convert import convert
from catalog_app.store.layout import Version


def v1(workspace: Workspace, store: str) -> Work:
    """Into the form of NautilusTrader 1.x, 16 bytes."""
    return _convert(workspace, store, "v1")


def v2(workspace: Workspace, store: str) -> Work:
    """Into the form of NautilusTrader 2."""
    return _convert(workspace, store, "v2")


def _convert(workspace: Workspace, store: str, to: Version) -> Work:
    source = workspace.path(store)

    def run(scratch: Path) -> Done:
        target = scratch / "converted"
        report = convert(source, target, to)
        if report.skipped or not report.verified:
            raise ValueError(f"not everything was converted: {report.skipped}")
        made = Stored.at(target)
        return Done(report.rows, made.size_bytes, {"files": len(made.paths)})

    return Work(run)
