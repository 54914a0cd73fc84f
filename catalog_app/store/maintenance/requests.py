"""What can be asked of a dataset's files: frozen values that go through JSON unchanged.

Times are ts_init in ns, UTC, and ranges are inclusive at both ends; None leaves an end open.
"""

from dataclasses import astuple, dataclass, fields
from typing import Any, ClassVar, Final, Literal, Self, get_args

Period = Literal["hour", "day", "week", "month", "year"]
Compression = Literal["zstd", "snappy", "none"]

PERIODS: Final[tuple[str, ...]] = get_args(Period)
COMPRESSIONS: Final[tuple[str, ...]] = get_args(Compression)
# Rows that one repair names, each.
MAX_REPAIRS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """Base of all requests; `kind` names the operation in JSON, in journals and in jobs."""

    kind: ClassVar[str] = ""

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values; `request_from_json` gives it back equal."""
        return {"kind": self.kind} | {camel(field.name): getattr(self, field.name) for field in fields(self)}

    def facts(self) -> dict[str, Any]:
        """What the history keeps of it."""
        return {key: value for key, value in self.to_json().items() if key != "kind"}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """The request of JSON values without their kind; ValueError for an unknown key or a wrong value."""
        known = {camel(field.name): field for field in fields(cls)}
        if unknown := sorted(given.keys() - known.keys()):
            raise ValueError(f"{cls.kind} takes no {', '.join(unknown)}")
        for key, value in given.items():
            wants_text = "str" in str(known[key].type) or "Literal" in str(known[key].type)
            if value is not None and type(value) is not (str if wants_text else int):
                raise ValueError(
                    f"{cls.kind}: {key} must be {'text' if wants_text else 'a whole number'}, not {value!r}"
                )
        try:
            return cls(**{known[key].name: value for key, value in given.items()})
        except TypeError as error:
            raise ValueError(f"{cls.kind}: {error}") from error


@dataclass(frozen=True, slots=True)
class Consolidate(Request):
    """Fewer files: join neighbours while that brings them nearer to a size, or one file per calendar period (UTC).

    Exactly one of `target_rows`, `target_bytes` (of a file on the disk) and `period` is given; weeks are ISO weeks.
    Files wholly outside the range stay as they are; a file that reaches into it is taken whole.
    """

    kind: ClassVar[str] = "consolidate"
    target_rows: int | None = None
    target_bytes: int | None = None
    period: Period | None = None
    start_ns: int | None = None
    end_ns: int | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.target_rows, self.target_bytes, self.period)) != 1:
            raise ValueError("give one of target rows, target bytes and period")
        for name, value in (("target rows", self.target_rows), ("target bytes", self.target_bytes)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if self.period is not None and self.period not in PERIODS:
            raise ValueError(f"period must be one of {', '.join(PERIODS)}, not {self.period!r}")
        _require_range(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True)
class Deduplicate(Request):
    """Drop rows that are identical in every column to an earlier row; files without such rows stay as they are."""

    kind: ClassVar[str] = "deduplicate"
    start_ns: int | None = None
    end_ns: int | None = None

    def __post_init__(self) -> None:
        _require_range(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True)
class SortRows(Request):
    """Put rows in the order of ts_init, within files and between them; rows of one ts_init keep their order."""

    kind: ClassVar[str] = "sort_rows"


@dataclass(frozen=True, slots=True)
class SplitOverlaps(Request):
    """Rewrite files whose closed intervals share a nanosecond into disjoint files of the same rows."""

    kind: ClassVar[str] = "split_overlaps"


@dataclass(frozen=True, slots=True)
class Recompress(Request):
    """Write each file anew with a compression and row groups of a size; same rows, same order, same name."""

    kind: ClassVar[str] = "recompress"
    compression: Compression = "zstd"
    row_group_rows: int = 131_072

    def __post_init__(self) -> None:
        if self.compression not in COMPRESSIONS:
            raise ValueError(f"compression must be one of {', '.join(COMPRESSIONS)}, not {self.compression!r}")
        if not 1_000 <= self.row_group_rows <= 1_048_576:
            raise ValueError(f"row groups must be of 1,000 to 1,048,576 rows, not {self.row_group_rows:,}")


@dataclass(frozen=True, slots=True)
class RenameFiles(Request):
    """Give files the names of their rows' true intervals, without writing any row anew."""

    kind: ClassVar[str] = "rename_files"


@dataclass(frozen=True, slots=True)
class DeleteRange(Request):
    """Take the rows of a range out: whole files go to the trash untouched, others are cut exactly."""

    kind: ClassVar[str] = "delete_range"
    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        _require_range(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True)
class Archive(Request):
    """Move the rows of a range into another store (the same directory there)."""

    kind: ClassVar[str] = "archive"
    target_root: str
    start_ns: int | None = None
    end_ns: int | None = None

    def __post_init__(self) -> None:
        if not self.target_root.strip():
            raise ValueError("name the store to move to")
        _require_range(self.start_ns, self.end_ns)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A file as somebody saw it: an operation refuses it when it is not so any more."""

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class RowRepair:
    """A row that leaves: by its file, its place there from 0 and its ts_init (ns, UTC).

    Where `source_file` is given, the row at `source_row` of that file of the other store takes its place: with its
    values and its ts_event, but at the present ts_init, so that order and intervals stay.
    """

    file: str
    row: int
    ts_init_ns: int
    source_file: str | None = None
    source_row: int | None = None


@dataclass(frozen=True, slots=True)
class Repair(Request):
    """Drop single rows, or put rows of another store in their place; all other rows stay, in their order."""

    kind: ClassVar[str] = "repair"
    rows: tuple[RowRepair, ...]
    files: tuple[Pinned, ...]
    source_root: str | None = None
    source_files: tuple[Pinned, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.rows) <= MAX_REPAIRS:
            raise ValueError(f"give 1 to {MAX_REPAIRS:,} rows to repair, not {len(self.rows):,}")
        if len({(one.file, one.row) for one in self.rows}) < len(self.rows):
            raise ValueError("a row is named twice")
        if {one.file for one in self.rows} != {file.path for file in self.files}:
            raise ValueError("the files must be just those of the rows")
        replaced = [one for one in self.rows if one.source_file is not None]
        if any(one.source_row is None for one in replaced) or bool(replaced) != (self.source_root is not None):
            raise ValueError("a row from another store needs its root, its file and its place there")
        if {one.source_file for one in replaced} != {file.path for file in self.source_files}:
            raise ValueError("the source's files must be just those of the rows")

    @property
    def replaced(self) -> int:
        """How many rows are replaced; the others are dropped."""
        return sum(one.source_file is not None for one in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values, rows and files as lists."""
        return {
            "kind": self.kind,
            "rows": [list(astuple(one)) for one in self.rows],
            "files": [list(astuple(one)) for one in self.files],
            "sourceRoot": self.source_root,
            "sourceFiles": [list(astuple(one)) for one in self.source_files],
        }

    def facts(self) -> dict[str, Any]:
        """How many rows, and from where; the files of the operation say which."""
        return {
            "rowsDropped": len(self.rows) - self.replaced,
            "rowsReplaced": self.replaced,
            "rowsFrom": self.source_root,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Self:
        """The request of JSON values without their kind; ValueError where they are none."""
        try:
            return cls(
                rows=tuple(RowRepair(*one) for one in given["rows"]),
                files=tuple(Pinned(*one) for one in given["files"]),
                source_root=given["sourceRoot"],
                source_files=tuple(Pinned(*one) for one in given["sourceFiles"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{cls.kind}: these are no rows to repair ({error})") from error


REQUESTS: Final[dict[str, type[Request]]] = {
    kind.kind: kind
    for kind in (
        Consolidate,
        Deduplicate,
        SortRows,
        SplitOverlaps,
        Recompress,
        RenameFiles,
        DeleteRange,
        Archive,
        Repair,
    )
}


def request_from_json(values: dict[str, Any]) -> Request:
    """The request that `to_json` gave; ValueError for an unknown kind, key or value."""
    kind = REQUESTS.get(str(values.get("kind")))
    if kind is None:
        raise ValueError(f"unknown operation {values.get('kind')!r}: use one of {', '.join(REQUESTS)}")
    return kind.from_json({key: value for key, value in values.items() if key != "kind"})


def _require_range(start_ns: int | None, end_ns: int | None) -> None:
    if start_ns is not None and end_ns is not None and start_ns > end_ns:
        raise ValueError("the range ends before it starts")


def camel(name: str) -> str:
    """The JSON key of a field."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
