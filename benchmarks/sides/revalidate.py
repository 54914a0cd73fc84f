"""Validation through the desk's services: a whole dataset, and one to which a file was added."""

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks import desk
from benchmarks.copies import copy_path, renew_copy
from benchmarks.subjects import Stored
from benchmarks.work import Done, Work, Workspace


def whole(workspace: Workspace, store: str) -> Work:
    """Read every file anew."""
    dataset = _indexed(workspace, store, "whole")
    return Work(lambda _: _validated(dataset, force=True))


def appended(workspace: Workspace, store: str) -> Work:
    """The last file comes after all others were validated."""
    dataset = _indexed(workspace, store, "appended")
    last = Stored.at(copy_path(workspace, store, "appended")).files[-1]
    aside = last.rename(workspace.root / f"{store}-last")
    from catalog_app.services.sync import sync_store

    def before() -> None:
        if last.exists():
            last.rename(aside)
        sync_store(dataset.store)
        _validated(dataset)
        aside.rename(last)
        sync_store(dataset.store)

    return Work(lambda _: _validated(dataset), before)


def _indexed(workspace: Workspace, store: str, side: str) -> Any:
    """A copy of the store, of links, registered and synced in an index of its own: its dataset."""
    desk.start(Path(mkdtemp(prefix="home-", dir=workspace.root)))
    from catalog_app.models import Dataset
    from catalog_app.services.stores import register_store
    from catalog_app.services.sync import sync_store

    renew_copy(workspace, store, side)
    record = register_store(copy_path(workspace, store, side), read_only=True)
    sync_store(record)
    return Dataset.objects.select_related("store", "definition").get(store=record)


def _validated(dataset: Any, *, force: bool = False) -> Done:
    from quality_app.services.validation.run import validate

    dataset.refresh_from_db()
    run = validate(dataset, force=force)
    results = list(run.results.all())
    rows = max(result.rows for result in results)
    if rows != dataset.record_count:
        raise ValueError(f"{rows:,} of {dataset.record_count:,} rows were checked")
    return Done(rows, figures={"checks": len(results)})
