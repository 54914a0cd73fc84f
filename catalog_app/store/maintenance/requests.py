"""What can be asked of a dataset's files: frozen values that go through JSON unchanged.

Times are ts_init in ns, UTC, and ranges are inclusive at both ends; None leaves an end open.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, get_args

Period = Literal["hour", "day", "week", "month", "year"]
Compression = Literal["zstd", "snappy", "none"]

PERIODS: Final[tuple[str, ...]] = get_args(Period)
COMPRESSIONS: Final[tuple[str, ...]] = get_args(Compression)


@dataclass(frozen=True, slots=True)
class Request:
    """Base of all requests; `kind` names the operation in JSON, in journals and in jobs."""

    kind: ClassVar[str] = ""

    def to_json(self) -> dict[str, Any]:
        """The request as JSON values; `request_from_json` gives it back equal."""
        return {"kind": self.kind} | {camel(field.name): getattr(self, field.name) for field in fields(self)}


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


REQUESTS: Final[dict[str, type[Request]]] = {
    kind.kind: kind
    for kind in (Consolidate, Deduplicate, SortRows, SplitOverlaps, Recompress, RenameFiles, DeleteRange, Archive)
}


def request_from_json(values: dict[str, Any]) -> Request:
    """The request that `to_json` gave; ValueError for an unknown kind, key or value."""
    kind = REQUESTS.get(str(values.get("kind")))
    if kind is None:
        raise ValueError(f"unknown operation {values.get('kind')!r}: use one of {', '.join(REQUESTS)}")
    known = {camel(field.name): field for field in fields(kind)}
    given = {key: value for key, value in values.items() if key != "kind"}
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"{kind.kind} takes no {', '.join(unknown)}")
    for key, value in given.items():
        wants_text = "str" in str(known[key].type) or "Literal" in str(known[key].type)
        if value is not None and type(value) is not (str if wants_text else int):
            raise ValueError(f"{kind.kind}: {key} must be {'text' if wants_text else 'a whole number'}, not {value!r}")
    try:
        return kind(**{known[key].name: value for key, value in given.items()})
    except TypeError as error:
        raise ValueError(f"{kind.kind}: {error}") from error


def _require_range(start_ns: int | None, end_ns: int | None) -> None:
    if start_ns is not None and end_ns is not None and start_ns > end_ns:
        raise ValueError("the range ends before it starts")


def camel(name: str) -> str:
    """The JSON key of a field."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
