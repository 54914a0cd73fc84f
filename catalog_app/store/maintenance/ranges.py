"""Plans what takes the rows of a range out: deleting, and moving to another store."""

from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance.copies import find_copy
from catalog_app.store.maintenance.draft import Draft
from catalog_app.store.maintenance.plans import PlannedFile, Step
from catalog_app.store.maintenance.requests import Archive, DeleteRange
from catalog_app.store.maintenance.sources import Interval, Source
from catalog_app.store.maintenance.tally import Cell, tally
from catalog_app.store.schema import INT64_MAX
from catalog_app.store.writing.disjoint import require_disjoint


def plan_delete(draft: Draft, request: DeleteRange) -> None:
    """Add a step for each file with rows in the range."""
    rows = sum(
        _take_out(draft, source, request.start_ns, request.end_ns)[1].rows for source in _touched(draft, request)
    )
    if rows:
        draft.notes.append(f"Rows to delete: {rows:,}. They can be brought back until the trash is purged.")


def plan_archive(draft: Draft, request: Archive) -> None:
    """Add steps that put the range's rows into the other store, and steps that take them out here.

    Raises Overlap where the other store has files in their intervals, unless an interrupted run put them there.
    """
    source, target = StoreRoot.at(draft.root), StoreRoot.at(request.target_root)
    _require_other(source, target)
    moved: list[Step] = []
    for one in _touched(draft, request):
        whole, cell = _take_out(draft, one, request.start_ns, request.end_ns)
        moved.append(_into_target(draft, one, whole=whole, cell=cell))
    draft.steps[:0] = moved
    if not moved:
        return
    before = [one.planned for one in draft.contents.sources]
    if find_copy(source, target, draft.directory, moved, before).committed is not None:
        draft.notes.append(f"An interrupted run put these rows into {target} already; they only leave this store now.")
        return
    for output in (step.outputs[0] for step in moved):
        require_disjoint(target, draft.directory, output.start_ns or 0, output.end_ns or 0, frozenset())
    draft.notes.append(
        f"{sum(step.outputs[0].rows for step in moved):,} rows go to {target}, and leave this store then."
    )


def _touched(draft: Draft, request: DeleteRange | Archive) -> list[Source]:
    """Files with a row in the range; of those that it only overlaps, the rows are counted."""
    start_ns, end_ns = _bounds(request.start_ns, request.end_ns)
    return [
        source for source in draft.within(start_ns, end_ns) if 1 in tally(draft.root, [source], [start_ns, end_ns + 1])
    ]


def _bounds(start_ns: int | None, end_ns: int | None) -> Interval:
    return (0 if start_ns is None else start_ns), (INT64_MAX if end_ns is None else end_ns)


def _take_out(draft: Draft, source: Source, start_ns: int | None, end_ns: int | None) -> tuple[bool, Cell]:
    """Add the step that leaves a file without its rows of the range; (whether all are, those rows)."""
    low, high = _bounds(start_ns, end_ns)
    cells = tally(draft.root, [source], [low, high + 1])
    taken = cells.pop(1)
    if cells:
        draft.rewrite("stream", [source], cells.values())
    else:
        draft.steps.append(Step("remove", (source.path,)))
    return not cells, taken


def _into_target(draft: Draft, source: Source, *, whole: bool, cell: Cell) -> Step:
    output = draft.output(cell)
    if whole:
        output = PlannedFile(output.path, source.rows, source.size_bytes, source.start_ns, source.end_ns)
    return Step("move" if whole else "stream", (source.path,), (output,), in_target=True)


def _require_other(source: StoreRoot, target: StoreRoot) -> None:
    if f"{target.uri}/".startswith(f"{source.uri}/") or f"{source.uri}/".startswith(f"{target.uri}/"):
        raise StoreError(f"{target}: lies in this store; name another store's root to move rows to")
    if target.is_local and not target.path.is_dir():
        raise StoreError(f"{target}: no such directory; create it, or name another store")
