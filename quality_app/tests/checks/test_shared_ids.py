"""Trades of one id: repeats where ids are unique, fills where a venue shares them."""

from dataclasses import replace

import pytest

from quality_app.checks.learning import learn_profile
from quality_app.checks.run import run_checks
from quality_app.tests.frames import context, frame_of, rows_of


def _found(sizes: list[str]) -> tuple[dict[str, int], dict[str, str]]:
    """What row.duplicate finds, or why it does not run, where the fifth trades' ids stand for these sizes."""
    rows = rows_of("trade", 40)
    for place in range(0, 40, 10):
        for step, size in enumerate(sizes):
            rows[place + step] |= {"trade_id": f"S{place}", "size": size} | {
                name: rows[place][name] for name in ("ts_event", "ts_init")
            }
    frame = frame_of("trade", rows)
    known = context("trade")
    known = replace(known, profile=learn_profile(frame, known))
    outcomes, not_run = run_checks([frame], known, ["row.duplicate"])
    return {one.check_id: one.violations for one in outcomes}, {one.check_id: one.reason for one in not_run}


@pytest.mark.parametrize(("sizes", "repeats"), [(["3", "3"], 4), (["3"], 0)])
def test_equal_trades_of_one_id_are_repeats(sizes: list[str], repeats: int) -> None:
    assert _found(sizes) == ({"row.duplicate": repeats}, {})


def test_different_trades_of_one_id_are_fills() -> None:
    found, reasons = _found(["3", "1", "1"])
    assert found == {}
    assert "cannot be told from a fill" in reasons["row.duplicate"]
