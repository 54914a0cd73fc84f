"""Writes a file anew without some rows, or with others in their place, and proves that nothing else changed."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from catalog_app.store import layout
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.errors import InvalidRows, UnreadableFile, VerificationFailed
from catalog_app.store.filesystem import Root
from catalog_app.store.fingerprint import Fingerprint
from catalog_app.store.maintenance.comparing import fingerprint
from catalog_app.store.maintenance.plans import Step
from catalog_app.store.maintenance.reading import batches
from catalog_app.store.maintenance.repair import require_pinned
from catalog_app.store.maintenance.requests import Repair, RowRepair
from catalog_app.store.maintenance.rewriting import Done
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.writing import Output
from catalog_app.store.reader import ROW_ERRORS, scan
from catalog_app.store.schema import CANONICAL
from catalog_app.store.writing.encoding import to_arrow
from catalog_app.store.writing.rows import check_rows


def repair(root: Root, tx: Transaction, step: Step, source: Source, request: Repair, done: Done) -> None:
    """Write a step's output into a transaction.

    Raises VerificationFailed unless the rows written are those read, without the dropped and with the replacing ones;
    ConcurrentChange, InvalidRows where the other store's rows are not to be had or cannot be stored here.
    """
    repairs = sorted((one for one in request.rows if one.file == source.path), key=lambda one: one.row)
    fresh = replacing_rows(source, request, [one for one in repairs if one.source_file is not None])
    output = Output(tx, step.outputs[0], source.schema, in_order=False)
    read, gone, at, used = Fingerprint(), Fingerprint(), 0, 0
    for table in batches(root, source):
        here = [one for one in repairs if at <= one.row < at + table.num_rows]
        replaced = sum(one.source_file is not None for one in here)
        piece, left = _repaired(table, at, here, fresh.slice(used, replaced))
        at, used = at + table.num_rows, used + replaced
        read, gone = read + fingerprint(table), gone + fingerprint(left)
        if piece.num_rows:
            output.write(piece)
        done(table.num_rows)
    if gone.rows != len(repairs) or used != fresh.num_rows or not output.is_whole:
        raise VerificationFailed(f"{source.path}: other rows came than were announced; nothing was changed")
    if output.finish() != read - gone + fingerprint(fresh):
        raise VerificationFailed(f"{source.path}: more than the announced rows differs; nothing was changed")


def replacing_rows(source: Source, request: Repair, repairs: Sequence[RowRepair]) -> pa.Table:
    """The rows of the other store in the order of the repairs, as this file stores them, each at the present ts_init.

    Raises ConcurrentChange where their files changed, InvalidRows where a value cannot be stored here.
    """
    if not repairs or request.source_root is None:
        return source.schema.empty_table()
    data_type = layout.locate(source.path).data_type
    require_pinned(request.source_root, request.source_files)
    frame = rows_at(request.source_root, data_type, [(one.source_file or "", one.source_row or 0) for one in repairs])
    frame = frame.with_columns(pl.Series("ts_init", [one.ts_init_ns for one in repairs], pl.Int64))
    price, size = (_digits(source, key) for key in ("price_precision", "size_precision"))
    try:
        check_rows(frame, data_type, price, size, version="v2" if _has_decimals(source) else "v1")
    except InvalidRows as wrong:
        raise InvalidRows(f"{source.path}: a row of {request.source_root} cannot stand here: {wrong}") from wrong
    table = to_arrow(frame, source.schema, instrument_id=source.metadata("instrument_id") or "", price_precision=price)
    require_pinned(request.source_root, request.source_files)
    return table


def rows_at(root: Root, data_type: str, places: Sequence[tuple[str, int]]) -> pl.DataFrame:
    """Canonical rows at (file, row from 0), in that order; UnreadableFile where one is not there."""
    wanted = pl.DataFrame(places, schema={"file": pl.String, "row": pl.Int64}, orient="row")
    found = []
    for (path,), group in wanted.group_by("file", maintain_order=True):
        lazy = scan(root, [str(path)], data_type, positions=True).filter(pl.col("row").is_in(group["row"].implode()))
        try:
            found.append(lazy.collect(engine="streaming"))
        except ROW_ERRORS as error:
            raise UnreadableFile(str(path), f"its rows cannot be read ({error})") from error
    frame = wanted.join(pl.concat(found), on=["file", "row"], how="left", maintain_order="left")
    missing = frame.filter(pl.col("ts_init").is_null())
    if missing.height:
        raise UnreadableFile(str(missing["file"][0]), f"it has no row {missing['row'][0]}")
    return frame.select(CANONICAL[data_type].names())


def _repaired(table: pa.Table, at: int, repairs: Sequence[RowRepair], fresh: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(the batch that begins at row `at` as it shall be, the rows that left it)."""
    if not repairs:
        return table, table.slice(0, 0)
    places = np.array([one.row - at for one in repairs])
    is_replaced = np.array([one.source_file is not None for one in repairs])
    taken = np.arange(table.num_rows)
    taken[places[is_replaced]] = table.num_rows + np.arange(fresh.num_rows)
    taken = np.delete(taken, places[~is_replaced])
    joined = pa.concat_tables([table, fresh]).unify_dictionaries()
    return joined.take(pa.array(taken)), table.take(pa.array(places))


def _digits(source: Source, key: str) -> int | None:
    text = source.metadata(key)
    return int(text) if text is not None and text.isdecimal() else None


def _has_decimals(source: Source) -> bool:
    return any(pa.types.is_timestamp(kind) for kind in source.schema.types)
