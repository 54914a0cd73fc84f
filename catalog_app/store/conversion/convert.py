"""Converts a store, or some of its datasets, into a new store of another version of NautilusTrader.

8-byte files become 16-byte ones, v1 becomes v2 and v2 v1; definitions are built anew. Each dataset (all definitions of
a class, a directory of custom data) is one operation of the target, whose id follows from the source's files: a
repeated conversion does only what is missing. The source is never changed.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

import pyarrow.fs as pafs

from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.commit.recovery import recover, undo
from catalog_app.store.conversion.definitions import definition_pieces
from catalog_app.store.conversion.pieces import CopyPiece, Piece
from catalog_app.store.conversion.plans import ConversionPlan, ConversionReport, Skipped, Unit
from catalog_app.store.conversion.rows import RowsPiece
from catalog_app.store.conversion.survey import survey
from catalog_app.store.conversion.target import KIND, Target
from catalog_app.store.errors import ConcurrentChange, FileProblem, InvalidRows, Overlap, StoreError, VerificationFailed
from catalog_app.store.filesystem import Root, StoreRoot
from catalog_app.store.layout import Version

__all__ = ["ConversionPlan", "ConversionReport", "convert", "plan_conversion"]

_NAMESPACE: Final = UUID("6e4bb5f5-0d9c-4f0e-9b39-5a5f3f3f0a11")

# Called with the rows done so far and the rows to do; may raise to stop.
type Progress = Callable[[int, int], None]


def plan_conversion(
    source_root: Root, target_root: Root, to: Version, directories: Sequence[str] | None = None
) -> ConversionPlan:
    """What `convert` would do, without writing anything: arguments and errors are those of `convert`."""
    source, target = _roots(source_root, target_root)
    Target(target)
    units, skipped, losses = survey(source, to, _chosen(directories))
    for unit in units:
        if unit.kind == "definitions":
            pieces, unread = definition_pieces(source, unit, to)
            skipped += unread
            for piece in pieces:
                try:
                    losses += piece.losses()
                except ValueError as error:
                    skipped += _skip(piece, str(error))
    gone = {one.path for one in skipped}
    return ConversionPlan(
        source=source.uri,
        target=target.uri,
        to=to,
        files=tuple(file for unit in units for file in unit.files if file.path not in gone),
        skipped=tuple(skipped),
        losses=tuple(losses),
    )


def convert(
    source_root: Root,
    target_root: Root,
    to: Version,
    directories: Sequence[str] | None = None,
    *,
    on_progress: Progress | None = None,
    verify: bool = True,
) -> ConversionReport:
    """Convert a store into a new one; `directories` (below the source's root) restrict it to some datasets.

    With directories the definitions of their instruments come along. `verify` reads all back and compares it with the
    source: count, content and order of rows, every field of definitions. Files that cannot be converted, or that
    change meanwhile, are skipped with the reason. Raises StoreError for a target that is the source or holds other
    data, or that cannot be written; VerificationFailed when what was read back differs (it is taken out again).
    """
    source, target = _roots(source_root, target_root)
    units, skipped, losses = survey(source, to, _chosen(directories))
    if target.is_local:
        with durable.explained(f"cannot make the store {target}"):
            durable.make_directories(target.path)
    recover(target)
    run = _Run(source, Target(target), to, verify, on_progress, sum(unit.rows for unit in units))
    run.skipped += skipped
    run.losses += losses
    for unit in units:
        run.convert(unit)
    return run.report()


@dataclass
class _Run:
    """One conversion under way."""

    source: StoreRoot
    target: Target
    to: Version
    verify: bool
    on_progress: Progress | None
    total: int
    done: int = 0
    told: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    rows: int = 0
    resumed: int = 0

    def convert(self, unit: Unit) -> None:
        """Bring one unit into the target, as far as it is not there."""
        before = self.done
        pieces, unread = self._pieces(unit)
        self.skipped += unread
        used, operation_id = self.target.operation_ids(_base_id(self.source, unit, self.to))
        missing: list[Piece] = []
        for piece in pieces:
            if self.target.has(piece.path, used):
                self._keep(piece)
            elif not self._is_same(piece):
                missing.append(piece)
        if missing:
            try:
                self._write(unit, missing, operation_id)
            except (ConcurrentChange, Overlap) as error:
                for piece in missing:
                    self.skipped += _skip(piece, f"{error}; run the conversion again")
        self.done = before
        self._advance(unit.rows)

    def report(self) -> ConversionReport:
        """What became of all units."""
        return ConversionReport(
            files=len(self.files),
            rows=self.rows,
            skipped=tuple(self.skipped),
            verified=self.verify,
            resumed=self.resumed,
            losses=tuple(self.losses),
        )

    def _pieces(self, unit: Unit) -> tuple[list[Piece], list[Skipped]]:
        if unit.kind == "definitions":
            return definition_pieces(self.source, unit, self.to)
        if unit.kind == "custom":
            return [CopyPiece(self.source, file) for file in unit.files], []
        return [RowsPiece(self.source, unit, part, self.to) for part in unit.parts], []

    def _keep(self, piece: Piece) -> None:
        """A file of an earlier run of this very conversion."""
        if self.verify:
            piece.verify(self.target.store)
        self._count(piece)
        self.resumed += len(piece.sources)

    def _is_same(self, piece: Piece) -> bool:
        """Whether another conversion (of fewer files) wrote the same; only reading it all can tell."""
        if not self.verify or not self.target.has(piece.path):
            return False
        try:
            self._keep(piece)
        except VerificationFailed:
            return False
        return True

    def _write(self, unit: Unit, pieces: list[Piece], operation_id: UUID) -> None:
        staged: list[Piece] = []
        with Transaction(self.target.store, KIND, pieces[0].path.rpartition("/")[0], operation_id=operation_id) as tx:
            tx.require(lambda _: _require_unchanged(self.source, unit))
            for piece in pieces:
                try:
                    piece.stage(tx, self._advance)
                    staged.append(piece)
                except FileProblem as problem:
                    self.skipped += _skip(piece, problem.reason)
                except (InvalidRows, Overlap, ValueError) as error:
                    self.skipped += _skip(piece, str(error))
            if staged:
                tx.commit()
        for piece in staged:
            if self.verify:
                self._verify_or_undo(piece, operation_id)
            self._count(piece)

    def _verify_or_undo(self, piece: Piece, operation_id: UUID) -> None:
        try:
            piece.verify(self.target.store)
        except StoreError as error:
            try:
                undo(self.target.store, operation_id)
            except StoreError as second:
                raise VerificationFailed(f"{error}; it could not be taken out again: {second}") from error
            raise VerificationFailed(f"{error}; what this dataset wrote was taken out again") from error

    def _count(self, piece: Piece) -> None:
        self.losses += piece.losses()
        self.files |= {file.path for file in piece.sources}
        self.rows += piece.rows

    def _advance(self, rows: int) -> None:
        """Progress never goes back, although rows that are sorted are read twice."""
        self.done += rows
        self.told = max(self.told, min(self.done, self.total))
        if self.on_progress is not None:
            self.on_progress(self.told, self.total)


def _roots(source_root: Root, target_root: Root) -> tuple[StoreRoot, StoreRoot]:
    source, target = StoreRoot.at(source_root), StoreRoot.at(target_root)
    one, other = _real(source), _real(target)
    if one == other:
        raise StoreError(f"{target}: is the source; a conversion needs a store of its own")
    if f"{other}/".startswith(f"{one}/") or f"{one}/".startswith(f"{other}/"):
        raise StoreError(
            f"{target}: the source and the target lie within each other; give a directory beside the source"
        )
    return source, target


def _real(root: StoreRoot) -> str:
    return str(root.path.resolve()) if root.is_local else root.uri


def _chosen(directories: Sequence[str] | None) -> frozenset[str] | None:
    return None if directories is None else frozenset(directory.strip("/") for directory in directories)


def _skip(piece: Piece, reason: str) -> list[Skipped]:
    return [Skipped(file.path, reason) for file in piece.sources]


def _base_id(source: StoreRoot, unit: Unit, to: Version) -> UUID:
    """The same for the same files, target version and owner."""
    files = sorted((file.path, file.size_bytes, file.mtime_ns) for file in unit.files)
    owner = unit.bar_type or unit.instrument_id
    return uuid5(_NAMESPACE, json.dumps([source.uri, unit.kind, unit.directory, owner, to, files]))


def _require_unchanged(source: StoreRoot, unit: Unit) -> None:
    found = source.fs.get_file_info([source.full(file.path) for file in unit.files])
    for file, info in zip(unit.files, found, strict=True):
        if info.type != pafs.FileType.File or (info.size, info.mtime_ns) != (file.size_bytes, file.mtime_ns):
            raise ConcurrentChange(f"{file.path}: the file changed while it was converted")
