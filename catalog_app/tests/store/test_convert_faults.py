"""Converting with a writer that errs, a disk that lies, and a process that is killed."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from catalog_app.store.commit import durable
from catalog_app.store.conversion.convert import convert
from catalog_app.store.errors import VerificationFailed
from catalog_app.store.writer import DatasetWriter
from catalog_app.tests.store.conversions import assert_same, contents, source, write_dataset
from catalog_app.tests.store.frames import UNIT, frame
from catalog_app.tests.store.trees import leftovers, tree
from catalog_app.tests.store.upstream import run_python

__all__ = ["source"]


class FaultyWriter(DatasetWriter):
    """Loses the prices of what it writes."""

    def write(self, rows: pl.DataFrame) -> None:
        super().write(rows.with_columns(bid_price=pl.lit(UNIT, pl.Int128)))


def test_what_was_written_wrong_is_taken_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path / "v1", "quote", frame("quote", [1, 2], price=2 * UNIT))
    with monkeypatch.context() as patch:
        patch.setattr("catalog_app.store.conversion.rows.DatasetWriter", FaultyWriter)
        with pytest.raises(VerificationFailed, match="taken out again"):
            convert(tmp_path / "v1", tmp_path / "v2", "v2")
    assert not tree(tmp_path / "v2")
    assert convert(tmp_path / "v1", tmp_path / "v2", "v2").rows == 2
    assert_same(contents(tmp_path / "v1"), contents(tmp_path / "v2"))


def test_rows_in_another_order_are_not_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reversing(DatasetWriter):
        def write(self, rows: pl.DataFrame) -> None:
            super().write(rows.reverse())

    rows = frame("quote", [1, 1]).with_columns(bid_price=pl.Series([UNIT, 2 * UNIT], dtype=pl.Int128))
    write_dataset(tmp_path / "v1", "quote", rows)
    monkeypatch.setattr("catalog_app.store.conversion.rows.DatasetWriter", Reversing)
    with pytest.raises(VerificationFailed, match="not those of the source"):
        convert(tmp_path / "v1", tmp_path / "v2", "v2")


def test_a_disk_that_gives_back_other_rows_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = write_dataset(tmp_path / "v1", "quote", frame("quote", [1, 2]))
    target = tmp_path / "v2" / path.replace("quote_tick", "quotes")
    journal = tmp_path / "v2" / ".datacatalog" / "journal"

    def spoil(step: str) -> None:
        if target.exists() and any(journal.glob("*.json")) and not any((journal / "pending").glob("*.json")):
            pq.write_table(pq.read_table(target).take([0, 0]), target)

    monkeypatch.setattr(durable, "on_step", spoil)
    with pytest.raises(VerificationFailed, match="could not be taken out again"):
        convert(tmp_path / "v1", tmp_path / "v2", "v2")


_CONVERT = """
import os, sys
from catalog_app.store.commit import durable
from catalog_app.store.conversion.convert import convert

left = [int(sys.argv[3])]
def crash(name):
    left[0] -= 1
    if left[0] == 0:
        os._exit(9)
durable.on_step = crash
convert(sys.argv[1], sys.argv[2], "v2")
"""


@pytest.mark.parametrize("step", [1, 9, 17, 25, 33, 41, 55, 70])
def test_killed_at_a_step_it_ends_whole_when_it_is_repeated(step: int, source: Path, tmp_path: Path) -> None:
    run_python(_CONVERT, str(source), str(tmp_path / "v2"), str(step))
    report = convert(source, tmp_path / "v2", "v2")
    assert (report.files, report.rows, report.skipped) == (6, 11, ())
    assert_same(contents(source), contents(tmp_path / "v2"))
    assert not leftovers(tmp_path / "v2")
