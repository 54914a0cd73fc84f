"""Carries a plan out: every file is written and proven in staging, then one commit changes the dataset."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction, find_operation
from catalog_app.store.commit.moves import Committed
from catalog_app.store.errors import ConcurrentChange, Overlap, UnsupportedFile
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.maintenance.copies import Copy, find_copy
from catalog_app.store.maintenance.draft import OnProgress
from catalog_app.store.maintenance.joining import join
from catalog_app.store.maintenance.plans import Outcome, Plan, PlannedFile, Step
from catalog_app.store.maintenance.repairing import repair
from catalog_app.store.maintenance.requests import Archive, Repair
from catalog_app.store.maintenance.rewriting import rewrite
from catalog_app.store.maintenance.sources import read_source
from catalog_app.store.writing.disjoint import require_disjoint

_WRITING = {"join", "stream", "sort", "unique", "recode", "repair"}


@dataclass
class _Run:
    """One execution: where, what, and how far it is."""

    root: Root
    plan: Plan
    on_progress: OnProgress
    before_commit: Callable[[], None]
    rows_done: int = 0

    def __post_init__(self) -> None:
        rows = {file.path: file.rows for file in self.plan.files_before}
        writing = [step for step in self.plan.steps if step.method in _WRITING]
        self.rows_total = sum(rows[path] for step in writing for path in step.inputs)

    def done(self, rows: int) -> None:
        """Count rows of a step that writes."""
        self.rows_done = min(self.rows_done + rows, self.rows_total)
        self.on_progress(self.rows_done, self.rows_total)


def execute(
    root: Root,
    plan: Plan,
    *,
    operation_id: UUID,
    on_progress: OnProgress,
    before_commit: Callable[[], None],
    target: Root | None = None,
) -> Outcome:
    """Carry a plan out, in one commit of kind `plan.kind` that `recovery.undo` takes back.

    An operation that was committed before (the same id) is not done again: its outcome is returned. A plan with
    nothing to do changes nothing. What `on_progress` (rows done, rows in all) or `before_commit` (called just before a
    commit) raise ends it with nothing changed. `target` is the other store of an archive where its text does not
    suffice: a bucket must be guarded; a copy made there stays when the removal here fails, and a repeated archive
    finishes it.

    Raises ConcurrentChange where a file is not as planned or a new one came into the range, VerificationFailed where
    what was written is not what was announced, Overlap, StoreError; nothing was changed then.
    """
    other = StoreRoot.at(target or plan.request.target_root) if isinstance(plan.request, Archive) else None
    if (done := find_operation(root, operation_id)) is not None:
        return _outcome(done, _find_copy(root, other, plan).committed if other else None)
    if plan.is_noop:
        return Outcome(operation_id, (), (), 0, 0, 0, 0)
    run = _Run(root, plan, on_progress, before_commit)
    _require_unchanged(root, plan.files_before)
    copied = _copy(run, other) if other else None
    steps = [step for step in plan.steps if not step.in_target]
    with Transaction(root, plan.kind, plan.directory, operation_id=operation_id) as tx:
        _guard(tx, root, plan, steps)
        for file in plan.files_before:
            tx.remove(file.path)
        _stage(run, tx, steps)
        before_commit()
        return _outcome(tx.commit(), copied)


def _find_copy(root: Root, target: StoreRoot, plan: Plan) -> Copy:
    steps = [step for step in plan.steps if step.in_target]
    return find_copy(StoreRoot.at(root), target, plan.directory, steps, plan.files_before)


def _copy(run: _Run, target: StoreRoot) -> Committed:
    """Put an archive's files into the other store, unless an earlier run did."""
    plan, steps = run.plan, [step for step in run.plan.steps if step.in_target]
    copy = _find_copy(run.root, target, plan)
    if copy.committed is not None:
        return copy.committed
    with Transaction(target, plan.kind, plan.directory, operation_id=copy.operation_id) as tx:
        outputs = [output for step in steps for output in step.outputs]
        tx.require(lambda removed: _require_free(target, plan.directory, outputs, removed))
        _stage(run, tx, steps)
        run.before_commit()
        return tx.commit()


def _require_unchanged(root: Root, files: Sequence[PlannedFile]) -> None:
    store = StoreRoot.at(root)
    found = store.fs.get_file_info([store.full(file.path) for file in files])
    for file, info in zip(files, found, strict=True):
        if (info.size, info.mtime_ns) != (file.size_bytes, file.mtime_ns):
            raise ConcurrentChange(f"{file.path}: the file changed since it was planned with; plan again")


def _guard(tx: Transaction, root: Root, plan: Plan, steps: Sequence[Step]) -> None:
    """Make the commit refuse where the directory is no longer as planned."""
    rows = {file.path: file for file in plan.files_before}
    for file in plan.files_before:
        tx.expect(file.path, file.size_bytes or 0, file.mtime_ns or 0)
    touched = [_hull([rows[path] for path in step.inputs]) for step in steps]

    def check(removed: frozenset[str]) -> None:
        for start_ns, end_ns in touched:
            try:
                require_disjoint(root, plan.directory, start_ns, end_ns, removed | set(plan.present))
            except Overlap as new:
                raise ConcurrentChange(f"{new.existing} came into {plan.directory} meanwhile; plan again") from new

    check(frozenset())
    tx.require(check)


def _hull(files: Sequence[PlannedFile]) -> tuple[int, int]:
    return min(file.start_ns or 0 for file in files), max(file.end_ns or 0 for file in files)


def _require_free(store: StoreRoot, directory: str, outputs: Sequence[PlannedFile], removed: frozenset[str]) -> None:
    for output in outputs:
        require_disjoint(store, directory, output.start_ns or 0, output.end_ns or 0, removed)


def _stage(run: _Run, tx: Transaction, steps: Sequence[Step]) -> None:
    files = {file.path: file for file in run.plan.files_before}
    for step in steps:
        if step.method == "move":
            _clone(StoreRoot.at(run.root), step.inputs[0], tx.stage(step.outputs[0].path), link=not step.in_target)
            run.done(0)
        elif step.method == "join":
            _join(run, tx, step, [files[path] for path in step.inputs])
        elif step.method != "remove":
            _rewrite(run, tx, step)


def _join(run: _Run, tx: Transaction, step: Step, files: Sequence[PlannedFile]) -> None:
    try:
        join(run.root, tx, step, files)
    except UnsupportedFile:  # alike, yet not stored alike: their rows still go into one file
        _rewrite(run, tx, step)
    else:
        run.done(sum(file.rows for file in files))


def _rewrite(run: _Run, tx: Transaction, step: Step) -> None:
    sources = [read_source(run.root, path) for path in step.inputs]
    if isinstance(run.plan.request, Repair):
        repair(run.root, tx, step, sources[0], run.plan.request, run.done)
    else:
        rewrite(run.root, tx, step, sources, run.plan.request, run.done)


def _clone(store: StoreRoot, path: str, scratch: Path, *, link: bool) -> None:
    """The same file under another name. Stores do not share one: whoever writes into it would change both."""
    with durable.explained(f"cannot copy {path}"):
        if not store.is_local:
            with store.open_input(path) as source, scratch.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 23)
            return
        if link:
            try:
                os.link(store.path / path, scratch)
            except OSError:
                pass
            else:
                return
        shutil.copy2(store.path / path, scratch)


def _outcome(done: Committed, copied: Committed | None) -> Outcome:
    written = [*done.files_after, *(copied.files_after if copied else ())]
    return Outcome(
        operation_id=done.operation_id,
        files_before=tuple(done.files_before),
        files_after=tuple(done.files_after),
        rows_before=sum(file.rows or 0 for file in done.files_before),
        rows_after=sum(file.rows or 0 for file in written),
        bytes_before=sum(file.size_bytes for file in done.files_before),
        bytes_after=sum(file.size_bytes for file in written),
        target_operation_id=copied.operation_id if copied else None,
    )
