"""Stores of one dataset each: large ones as the desk writes them, small ones as the desk and as NautilusTrader do."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from benchmarks.inputs.frames import bars, quotes
from benchmarks.sides import import_csv
from benchmarks.subjects import BARS, QUOTES, Subject
from benchmarks.work import Workspace
from catalog_app.store.commit.journal import Transaction


def large_quotes(workspace: Workspace) -> None:
    """`rows` quotes in one file."""
    _write(workspace.path("large-quotes"), QUOTES, quotes(workspace.sizes.rows, workspace.sizes.seed))


def large_bars(workspace: Workspace) -> None:
    """`rows` bars in one file."""
    _write(workspace.path("large-bars"), BARS, bars(workspace.sizes.rows, workspace.sizes.seed))


def desk_quotes(workspace: Workspace) -> None:
    """The quotes of the CSV, imported by the desk."""
    import_csv.desk_quotes(workspace).run(workspace.path("desk-quotes"))


def desk_bars(workspace: Workspace) -> None:
    """The bars of the CSV, imported by the desk."""
    import_csv.desk_bars(workspace).run(workspace.path("desk-bars"))


def nautilus_quotes(workspace: Workspace) -> None:
    """The quotes of the CSV, written by NautilusTrader."""
    import_csv.nautilus_quotes(workspace).run(workspace.path("nautilus-quotes"))


def nautilus_bars(workspace: Workspace) -> None:
    """The bars of the CSV, written by NautilusTrader."""
    import_csv.nautilus_bars(workspace).run(workspace.path("nautilus-bars"))


def _write(root: Path, subject: Subject, frames: Iterable[pl.DataFrame]) -> None:
    with Transaction(root, "import", subject.directory) as tx:
        writer = subject.writer(tx)
        for frame in frames:
            writer.write(frame)
        writer.finish()
        tx.commit()
