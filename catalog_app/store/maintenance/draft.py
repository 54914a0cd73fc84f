"""What the planners of all operations share: the directory, the steps so far, and the plan they add up to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from catalog_app.store.errors import StoreError, UnreadableFile
from catalog_app.store.filesystem import Root
from catalog_app.store.layout import format_file_name
from catalog_app.store.maintenance.plans import Method, Plan, PlannedFile, Step
from catalog_app.store.maintenance.requests import Request
from catalog_app.store.maintenance.sources import Contents, Interval, LeftAlone, Source
from catalog_app.store.maintenance.tally import Cell, Timed, look_at_times

# Called with (rows done, rows in all or None); may raise to stop.
type OnProgress = Callable[[int, int | None], None]

_NOTED: Final = 10


@dataclass
class Draft:
    """A plan in the making."""

    root: Root
    contents: Contents
    request: Request
    on_progress: OnProgress
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bytes_exact: bool = True
    _looked_at: int = 0
    _total: int = 0

    @property
    def directory(self) -> str:
        return self.contents.directory

    def within(self, start_ns: int | None, end_ns: int | None) -> list[Source]:
        """Files with a row in the range, as far as their first and last one tell."""
        return [
            source
            for source in self.contents.sources
            if (start_ns is None or source.end_ns >= start_ns) and (end_ns is None or source.start_ns <= end_ns)
        ]

    def look_at(self, sources: Sequence[Source], passes: int = 1) -> list[Timed]:
        """Read the files' ts_init; what cannot be read is left alone from here on. Sets the progress' total."""
        self._total = passes * sum(source.rows for source in sources)
        found = []
        for source, looked_at in zip(sources, look_at_times(self.root, sources, self.seen), strict=True):
            if isinstance(looked_at, UnreadableFile):
                self.contents.sources.remove(source)
                self.contents.left_alone.append(LeftAlone(source.path, looked_at.reason, source.named))
            else:
                found.append(looked_at)
        return found

    def seen(self, rows: int) -> None:
        """Count rows that were looked at."""
        self._looked_at += rows
        self.on_progress(self._looked_at, max(self._total, self._looked_at))

    def require_one_identity(self, sources: Sequence[Source]) -> None:
        """StoreError where files say that they belong to different instruments or bar types."""
        for key in ("instrument_id", "bar_type"):
            found = {value for source in sources if (value := source.metadata(key)) is not None}
            if len(found) > 1:
                names = ", ".join(sorted(found))
                raise StoreError(
                    f"{self.directory}: its files name different {key.replace('_', ' ')}s ({names}); "
                    "move them into directories of their own first"
                )

    def obstacles(self, taken: Iterable[Source]) -> list[Interval]:
        """Intervals, by rows or by name, of the files that stay when `taken` are joined."""
        paths = {source.path for source in taken}
        staying = [(one.start_ns, one.end_ns) for one in self.contents.sources if one.path not in paths]
        return staying + [one.interval for one in self.contents.left_alone if one.interval is not None]

    def output(self, cell: Cell) -> PlannedFile:
        """The file that a cell's rows will be in."""
        name = format_file_name(cell.start_ns, cell.end_ns)
        return PlannedFile(f"{self.directory}/{name}", cell.rows, None, cell.start_ns, cell.end_ns)

    def rewrite(self, method: Method, sources: Sequence[Source], cells: Iterable[Cell]) -> None:
        """Add a step that writes the rows of files anew, one file per cell."""
        self.bytes_exact = False
        outputs = tuple(self.output(cell) for cell in cells)
        self.steps.append(Step(method, tuple(source.path for source in sources), outputs))

    def finish(self) -> Plan:
        """The plan; StoreError where an output would take the name of a file that stays."""
        leaving = dict.fromkeys(path for step in self.steps if not step.in_target for path in step.inputs)
        known = {source.path: source for source in self.contents.sources}
        before = tuple(known[path].planned for path in leaving)
        after = tuple(output for step in self.steps for output in step.outputs)
        self._require_free_names(frozenset(leaving))
        self._note_files([known[path] for path in leaving])
        return Plan(
            kind=self.request.kind,
            directory=self.directory,
            request=self.request,
            files_before=before,
            files_after=after,
            rows_before=sum(file.rows for file in before),
            rows_after=sum(file.rows for file in after),
            bytes_before=sum(file.size_bytes or 0 for file in before),
            bytes_after=sum(_bytes_after(step, known) for step in self.steps),
            bytes_exact=self.bytes_exact,
            untouched_files=len(self.contents.present) - len(before),
            notes=tuple(self.notes),
            steps=tuple(self.steps),
            present=self.contents.present,
        )

    def _require_free_names(self, leaving: frozenset[str]) -> None:
        taken = {False: set(self.contents.present) - leaving, True: set[str]()}
        for step in self.steps:
            for output in step.outputs:
                if output.path in taken[step.in_target]:
                    raise StoreError(f"{output.path}: two files would have this name; split overlapping files first")
                taken[step.in_target].add(output.path)

    def _note_files(self, leaving: Sequence[Source]) -> None:
        misnamed = [source.name for source in leaving if not source.has_true_name]
        if misnamed:
            self.notes.append(
                f"{listed(misnamed)}: the name is not the interval of the rows; new names are the rows' true intervals."
            )
        if any(pa.binary(8) in source.schema.types for source in leaving):
            self.notes.append(
                "Values stay in 8 bytes, at which NautilusTrader aborts unless built for them: convert the store."
            )
        for one in self.contents.left_alone[:_NOTED]:
            self.notes.append(f"{one.path.rpartition('/')[2]} is left alone: {one.reason}.")
        if (more := len(self.contents.left_alone) - _NOTED) > 0:
            self.notes.append(f"{more} more files are left alone, since they cannot be read.")


def listed(names: Sequence[str]) -> str:
    """File names for a note, not too many of them."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _bytes_after(step: Step, known: dict[str, Source]) -> int:
    """Bytes of a step's outputs: as given, else in proportion to the rows."""
    if all(output.size_bytes is not None for output in step.outputs):
        return sum(output.size_bytes or 0 for output in step.outputs)
    rows, size = (sum(getattr(known[path], name) for path in step.inputs) for name in ("rows", "size_bytes"))
    return size * sum(output.rows for output in step.outputs) // rows if rows else 0
