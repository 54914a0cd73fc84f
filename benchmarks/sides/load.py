"""All rows of a dataset into this process' memory."""

from pathlib import Path

from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader


def desk(workspace: Workspace, store: str) -> Work:
    """One canonical frame."""
    stored = Stored.at(workspace.path(store))

    def run(_: Path) -> Done:
        frame = reader.scan(stored.root, stored.paths, stored.data_type).collect(engine="streaming")
        return Done(frame.height, stored.size_bytes)

    return Work(run)
