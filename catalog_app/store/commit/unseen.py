"""What a journal has that its reader has not seen yet: the cost follows what is new, not the journal's length."""

from collections.abc import Collection, Iterator
from uuid import UUID

import pyarrow.fs as pafs

from catalog_app.store.commit.area import JOURNAL
from catalog_app.store.commit.records import Record, decode
from catalog_app.store.filesystem import Root, StoreRoot


def unseen_operations(root: Root, seen: Collection[UUID]) -> list[Record]:
    """Closed operations that are not among the seen ones, and those that they took back, did again or purged.

    In the order in which they happened. One listing, and a read for each record given. StoreError for a damaged one.
    """
    store = StoreRoot.at(root)
    known = {str(one) for one in seen}
    records: dict[str, Record] = {}
    wanted = [one for one in _names(store) if one not in known]
    while wanted:
        name = wanted.pop()
        if name in records or (record := _read(store, name)) is None:
            continue
        records[name] = record
        # What an operation means for others is in their records: who was undone, done again, purged.
        wanted += [*record.purges, *([record.undoes] if record.undoes else [])]
    return sorted(records.values(), key=lambda record: record.sequence)


def _names(store: StoreRoot) -> Iterator[str]:
    for info in store.fs.get_file_info(pafs.FileSelector(store.full(JOURNAL), allow_not_found=True)):
        if info.is_file and info.extension == "json":
            yield info.base_name.removesuffix(".json")


def _read(store: StoreRoot, name: str) -> Record | None:
    path = f"{JOURNAL}/{name}.json"
    try:
        with store.open_input(path) as file:
            return decode(file.read(), f"{store}/{path}")
    except FileNotFoundError:
        return None
