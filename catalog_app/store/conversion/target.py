"""What a conversion finds in its target: files of earlier runs, and nothing else."""

from collections.abc import Collection
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from catalog_app.store.commit.journal import operations
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.listing import ListedFile, list_files

KIND: Final = "convert"


class Target:
    """The target store at the start of a run. StoreError when it holds files that no conversion wrote."""

    def __init__(self, store: StoreRoot) -> None:
        self.store = store
        self._states: dict[str, str] = {}
        self._made: dict[str, tuple[str, int, int]] = {}
        self._files: dict[str, ListedFile] = {}
        if store.is_local and not store.path.exists():
            return
        for record in operations(store):
            self._states[record.operation_id] = record.state
            if record.kind == KIND and record.state == "committed":
                for file in record.files_after:
                    self._made[file.path] = (record.operation_id, file.size_bytes, file.mtime_ns)
        self._files = {file.path: file for file in list_files(store)}
        foreign = next((path for path in self._files if path not in self._made), None)
        if foreign is not None:
            raise StoreError(f"{store}: holds {foreign}, which no conversion wrote; give an empty directory as target")

    def has(self, path: str, operation_ids: Collection[UUID] | None = None) -> bool:
        """Whether a file is there as a conversion (one of those given) wrote it."""
        made, file = self._made.get(path), self._files.get(path)
        if made is None or file is None or (file.size_bytes, file.mtime_ns) != made[1:]:
            return False
        return operation_ids is None or UUID(made[0]) in operation_ids

    def operation_ids(self, base: UUID) -> tuple[list[UUID], UUID]:
        """Operations of a unit that are closed, and the id for the next one."""
        used: list[UUID] = []
        for attempt in count():
            operation_id = uuid5(base, str(attempt))
            if self._states.get(str(operation_id)) in {None, "rolled_back"}:
                return used, operation_id
            used.append(operation_id)
        raise AssertionError("count() has no end")
