"""Indexing a store of many small files: the desk's sync against looking at the files and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pyarrow.parquet as pq

from benchmarks import desk
from benchmarks.work import Done, Work, Workspace
from catalog_app.store.listing import list_files

# PyArrow lets go of the interpreter while it reads: more than one helps it.
_THREADS: Final = 8


def desk_first(workspace: Workspace) -> Work:
    """Sync a store that the index does not know."""
    return _desk(workspace, forget=True)


def desk_again(workspace: Workspace) -> Work:
    """Sync a store in which nothing changed."""
    return _desk(workspace, forget=False)


def bare_footers(workspace: Workspace) -> Work:
    """Stat every file and read its footer, in several threads."""

    def run(_: Path) -> Done:
        files = _walk(workspace.path("many-files"))
        with ThreadPoolExecutor(_THREADS) as pool:
            rows = list(pool.map(lambda file: pq.read_metadata(file).num_rows, files))
        return Done(len(rows))

    return Work(run)


def bare_walk(workspace: Workspace) -> Work:
    """Stat every file."""
    return Work(lambda _: Done(len(_walk(workspace.path("many-files")))))


def _walk(root: Path) -> list[Path]:
    files = []
    for directory, _, names in (root / "data").walk():
        for name in names:
            file = directory / name
            file.stat()
            files.append(file)
    return files


def _desk(workspace: Workspace, *, forget: bool) -> Work:
    desk.start(Path(mkdtemp(prefix="home-", dir=workspace.root)))
    from catalog_app.models import DataFile, Dataset, Instrument, Store
    from catalog_app.services.stores import register_store
    from catalog_app.services.sync import sync_store

    root = workspace.path("many-files")
    if len(list(list_files(root))) != len(_walk(root)):
        raise ValueError("the store holds files that are no data")
    store = register_store(root, read_only=True)
    if not forget:
        sync_store(store)

    def before() -> None:
        for model in (DataFile, Dataset, Instrument) if forget else ():
            model.objects.all().delete()
        Store.objects.update(synced_at=None)

    def run(_: Path) -> Done:
        report = sync_store(store)
        if report.unreadable or report.unsupported:
            raise ValueError(f"files that could not be read: {report.unreadable or report.unsupported}")
        return Done(report.files, figures={"listed s": report.listed_seconds})

    return Work(run, before)
