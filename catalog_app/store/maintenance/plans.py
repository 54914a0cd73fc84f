"""What an operation will do, worked out before anything is written, and what it did."""

from dataclasses import dataclass, fields
from typing import Any, Literal
from uuid import UUID

from catalog_app.store.commit.records import FileRecord
from catalog_app.store.maintenance.requests import Request, camel, request_from_json

# remove: to the trash. move: the file as it is, under another name or in another store. join: row groups byte for
# byte. stream: rows in the order they come. sort, unique: rows in order of ts_init, without identical ones. recode:
# one file with other row groups or compression. repair: one file but for single rows.
Method = Literal["remove", "move", "join", "stream", "sort", "unique", "recode", "repair"]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of a plan. `path` is below the store's root; start_ns and end_ns are the first and last ts_init (ns, UTC)
    of its rows, None without rows. `size_bytes` of a file to be written is None; `mtime_ns` is that of a present file.
    """

    path: str
    rows: int
    size_bytes: int | None
    start_ns: int | None
    end_ns: int | None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One independent part of a plan: files in, files out.

    Rows of the inputs go to the output that holds their ts_init; rows of no output leave (delete, archive).
    "sort" and "unique" also order them, and "unique" leaves out identical rows. `in_target`: the outputs go to the
    other store of an archive, and the inputs stay as they are.
    """

    method: Method
    inputs: tuple[str, ...]
    outputs: tuple[PlannedFile, ...] = ()
    in_target: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The dry run of a request on one directory.

    `files_before` are the files that will leave, `files_after` those that will come (of an archive: the ones in the
    other store and the ones that stay here); `untouched_files` counts the directory's other files. Rows and bytes are
    sums over them. `bytes_after` is an estimate unless `bytes_exact`. `present` names all files of the directory, to
    notice new ones.
    """

    kind: str
    directory: str
    request: Request
    files_before: tuple[PlannedFile, ...]
    files_after: tuple[PlannedFile, ...]
    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int
    bytes_exact: bool
    untouched_files: int
    notes: tuple[str, ...]
    steps: tuple[Step, ...]
    present: tuple[str, ...]

    @property
    def is_noop(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON values in camel case; `plan_from_json` gives it back equal."""
        values = {camel(field.name): _to_json(getattr(self, field.name)) for field in fields(self)}
        return values | {"request": self.request.to_json(), "isNoop": self.is_noop}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation did: files that left and came here, and their sums; of an archive also the operation there.

    rows_after and bytes_after are those of all files written, the other store's included.
    """

    operation_id: UUID
    files_before: tuple[FileRecord, ...]
    files_after: tuple[FileRecord, ...]
    rows_before: int
    rows_after: int
    bytes_before: int
    bytes_after: int
    target_operation_id: UUID | None = None


def plan_from_json(values: dict[str, Any]) -> Plan:
    """The plan that `to_json` gave; ValueError where the values are no such plan."""
    try:
        given = {field.name: values[camel(field.name)] for field in fields(Plan)}
        given["request"] = request_from_json(given["request"])
        for name in ("files_before", "files_after"):
            given[name] = tuple(_file(item) for item in given[name])
        given["steps"] = tuple(
            Step(item["method"], tuple(item["inputs"]), tuple(map(_file, item["outputs"])), item["inTarget"])
            for item in given["steps"]
        )
        return Plan(**given | {"notes": tuple(given["notes"]), "present": tuple(given["present"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no plan of a maintenance operation ({error})") from error


def _file(values: dict[str, Any]) -> PlannedFile:
    return PlannedFile(**{field.name: values[camel(field.name)] for field in fields(PlannedFile)})


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Step | PlannedFile):
        return {camel(field.name): _to_json(getattr(value, field.name)) for field in fields(value)}
    return value
