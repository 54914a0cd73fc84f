"""Which operation of the other store an archive's copy is: the same for each run, so that a repeated one finishes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from catalog_app.store.commit.area_of import area_of
from catalog_app.store.commit.moves import Committed, committed_of
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance.plans import PlannedFile, Step

_NAMESPACE: Final = UUID("6f2a1d0e-3a53-4d0b-9f0e-52f5a1c4b7aa")


@dataclass(frozen=True, slots=True)
class Copy:
    """The operation that puts an archive's files into the other store; `committed` when it is done."""

    operation_id: UUID
    committed: Committed | None


def find_copy(
    source: StoreRoot, target: StoreRoot, directory: str, steps: Sequence[Step], before: Sequence[PlannedFile]
) -> Copy:
    """The copy of just these files (by path, size and mtime) into just these outputs.

    A copy that was undone since, or whose files were changed, does not count: another one gets the next id.
    """
    inputs = {path for step in steps for path in step.inputs}
    identity = [
        source.uri,
        target.uri,
        directory,
        [[one.path, one.size_bytes, one.mtime_ns] for one in before if one.path in inputs],
        [[one.path, one.rows] for step in steps for one in step.outputs],
    ]
    area = area_of(target)
    for attempt in count():
        operation_id = uuid5(_NAMESPACE, json.dumps([*identity, attempt]))
        record = area.final_record(operation_id)
        if record is None or record.state == "rolled_back":
            return Copy(operation_id, None)
        if record.state == "committed" and all(area.is_unchanged(file) for file in record.files_after):
            return Copy(operation_id, committed_of(record))
    raise AssertionError  # count() does not end
