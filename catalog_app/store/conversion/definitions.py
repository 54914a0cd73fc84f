"""Definition files of one class from a source into the target."""

from collections import defaultdict
from collections.abc import Iterator

import pyarrow.parquet as pq

from catalog_app.store import layout
from catalog_app.store.commit import durable
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.conversion.pieces import Advance, CopyPiece, Piece
from catalog_app.store.conversion.plans import Skipped, SourceFile, Unit
from catalog_app.store.errors import FileProblem, VerificationFailed
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.instruments.building import DEFINITION_COMPRESSION
from catalog_app.store.instruments.conversion import FieldNote, convert_rows, unlike, written_by
from catalog_app.store.instruments.rows import DefinitionFile, Row, read_definition_file
from catalog_app.store.layout import Version

type _Span = tuple[int, int, SourceFile, list[Row]]


class DefinitionPiece(Piece):
    """Definitions of one instrument over time, built anew for the other version."""

    def __init__(
        self, path: str, sources: tuple[SourceFile, ...], instrument_class: str, rows: list[Row], to: Version
    ) -> None:
        super().__init__(path, sources)
        self._instrument_class = instrument_class
        self._rows = rows
        self._to: Version = to
        self._notes: list[FieldNote] | None = None

    @property
    def rows(self) -> int:
        """The definitions."""
        return len(self._rows)

    def stage(self, tx: Transaction, advance: Advance) -> None:
        """Build and write the definitions."""
        table, self._notes = convert_rows(self._instrument_class, self._rows, self._to)
        with durable.explained(f"cannot write {self.path}"):
            pq.write_table(table, tx.stage(self.path), compression=DEFINITION_COMPRESSION[self._to])
        advance(self.rows)

    def losses(self) -> list[str]:
        """Fields that the other version has no column for; ValueError where it cannot hold the definition at all."""
        return [str(note) for note in self._told()]

    def verify(self, target: StoreRoot) -> None:
        """Every field of every definition, but for the losses."""
        found = read_definition_file(target, self.path)
        if len(found.rows) != len(self._rows):
            raise VerificationFailed(f"{self.path}: {len(found.rows)} definitions, the source has {len(self._rows)}")
        told = {(note.instrument_id, note.field) for note in self._told()}
        for before, after in zip(self._rows, found.rows, strict=True):
            wrong = [name for name in unlike(self._instrument_class, before, after) if (before["id"], name) not in told]
            if wrong:
                raise VerificationFailed(f"{self.path}: {', '.join(wrong)} of {before['id']} is not as in the source")

    def _told(self) -> list[FieldNote]:
        if self._notes is None:
            _, self._notes = convert_rows(self._instrument_class, self._rows, self._to)
        return self._notes


def definition_pieces(source: StoreRoot, unit: Unit, to: Version) -> tuple[list[Piece], list[Skipped]]:
    """The files that a class's definitions become, and the source files that cannot be read.

    Files whose times touch or overlap become one, since NautilusTrader wants disjoint ones; files that the target's
    version wrote are copied.
    """
    found: dict[str, list[tuple[SourceFile, list[Row]]]] = defaultdict(list)
    pieces: list[Piece] = []
    skipped: list[Skipped] = []
    for file in unit.files:
        try:
            definitions = read_definition_file(source, file.path)
            by_id = _by_instrument(definitions)
        except FileProblem as problem:
            skipped.append(Skipped(file.path, problem.reason))
            continue
        if written_by(definitions) == to:
            pieces.append(CopyPiece(source, file))
            continue
        for instrument_id, rows in by_id.items():
            found[instrument_id].append((file, rows))
    for instrument_id, own in found.items():
        try:
            pieces += _disjoint(unit.directory.rpartition("/")[2], instrument_id, own, to)
        except ValueError as error:
            skipped += [Skipped(file.path, str(error)) for file, _ in own]
    return pieces, skipped


def _by_instrument(file: DefinitionFile) -> dict[str, list[Row]]:
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in file.rows:
        moment = row.get("ts_init")
        if not row["id"] or not isinstance(moment, int) or moment < 0:
            raise FileProblem(file.path, "a definition has no id or no ts_init")
        by_id[row["id"]].append(row)
    if not by_id:
        raise FileProblem(file.path, "it holds no rows")
    return by_id


def _disjoint(
    instrument_class: str, instrument_id: str, found: list[tuple[SourceFile, list[Row]]], to: Version
) -> Iterator[Piece]:
    """One piece for all files whose times touch; rows ascend by ts_init, as 2.x demands."""
    directory = layout.definition_path(instrument_class, instrument_id)
    spans = sorted((_span(file, rows) for file, rows in found), key=lambda span: (span[0], span[1], span[2].path))
    groups: list[list[_Span]] = []
    for span in spans:
        if groups and span[0] <= max(one[1] for one in groups[-1]):
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        rows = sorted((row for span in group for row in span[3]), key=lambda row: int(row["ts_init"]))
        path = f"{directory}/{layout.format_file_name(rows[0]['ts_init'], rows[-1]['ts_init'])}"
        yield DefinitionPiece(path, tuple(span[2] for span in group), instrument_class, rows, to)


def _span(file: SourceFile, rows: list[Row]) -> _Span:
    times = [row["ts_init"] for row in rows]
    return min(times), max(times), file, rows
