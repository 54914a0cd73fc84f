"""The desk's maintenance of a dataset; each round works on its own copy, whose files are links to the input's."""

from functools import partial
from pathlib import Path
from uuid import uuid4

from benchmarks.copies import copy_path, renew_copy
from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store.maintenance import Consolidate, Deduplicate, Recompress, Request, execute, plan


def consolidate(workspace: Workspace, store: str) -> Work:
    """All files into one."""
    return _maintain(workspace, store, Consolidate(target_rows=2**62))


def deduplicate(workspace: Workspace, store: str) -> Work:
    """Every file loses some rows."""
    return _maintain(workspace, store, Deduplicate())


def recompress(workspace: Workspace, store: str) -> Work:
    """Every file gets larger row groups."""
    return _maintain(workspace, store, Recompress())


def _maintain(workspace: Workspace, store: str, request: Request) -> Work:
    stored = Stored.at(workspace.path(store))
    side = f"desk-{request.kind}"

    def run(_: Path) -> Done:
        root = copy_path(workspace, store, side)
        found = plan(root, stored.directory, request)
        outcome = execute(
            root, found, operation_id=uuid4(), on_progress=lambda _done, _total: None, before_commit=lambda: None
        )
        if outcome.rows_before == 0:
            raise ValueError(f"{request.kind} found nothing to do: {found.notes}")
        figures: dict[str, float] = {"files": len(outcome.files_after), "rows": outcome.rows_after}
        return Done(outcome.rows_before, outcome.bytes_after, figures)

    return Work(run, partial(renew_copy, workspace, store, side))
