"""The ends of files are kept as long as they fit."""

import polars as pl

from quality_app.checks.ends import Ends, FileEnds
from quality_app.checks.halo import Halo
from quality_app.checks.stretch import StretchRunner
from quality_app.tests.frames import context

ROWS = pl.DataFrame({"row": range(100)})


def _ends() -> FileEnds:
    return FileEnds(ROWS.head(10), 80, ROWS.tail(20))


def test_rows_come_from_whichever_end_has_all_of_them() -> None:
    ends = Ends()
    ends.keep("a", _ends())
    for start, stop in ((0, 10), (3, 5), (80, 100), (95, 97)):
        kept = ends.rows("a", start, stop)
        assert kept is not None
        assert kept["row"].to_list() == list(range(start, stop))
    assert ends.rows("a", 5, 15) is None
    assert ends.rows("a", 70, 90) is None
    assert ends.rows("b", 0, 1) is None


def test_the_oldest_are_forgotten_first() -> None:
    ends = Ends(most_bytes=2 * _ends().size)
    for path in ("a", "b", "a", "c"):
        ends.keep(path, _ends())
    assert ends.rows("b", 0, 1) is None
    assert ends.rows("a", 0, 1) is not None
    assert ends.rows("c", 0, 1) is not None


def test_what_is_kept_does_not_hold_the_batch() -> None:
    times = pl.int_range(200_000, eager=True)
    frame = pl.DataFrame({"ts_event": times, "ts_init": times})
    runner = StretchRunner(context("quote"), [], Halo(128, 128), open_start=True, open_end=True)
    runner.feed(frame)
    ends = runner.ends
    assert ends is not None
    kept = [column.to_arrow().get_total_buffer_size() for column in (ends.head["ts_init"], ends.tail["ts_init"])]
    assert sum(kept) < frame["ts_init"].to_arrow().get_total_buffer_size() / 100
