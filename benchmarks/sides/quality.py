"""Checks of quotes; their peers are the bare scans of benchmarks.sides.scan."""

from collections.abc import Collection
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from benchmarks.sides.validators import COMMON
from benchmarks.subjects import QUOTES, Stored
from benchmarks.work import Done, Work, Workspace
from catalog_app.store import reader
from catalog_app.store.footer import read_footer
from catalog_app.store.schema import SCALE_DIGITS
from quality_app.calendars import calendar_for
from quality_app.checks.batches import file_batches
from quality_app.checks.check import CheckContext
from quality_app.checks.learning import learn_profile
from quality_app.checks.run import run_checks
from quality_app.sessions import DAY_NS, sessions, zone_of

# 2100-01-01: no row of any size lies in the future.
_NOW_NS: Final = 4_102_444_800_000_000_000
# A market that never closes has no extended hours.
_CANNOT_RUN: Final = frozenset({"session.extended"})
# What services.profiles takes as a sample.
_SAMPLE_ROWS: Final = 524_288


def every(workspace: Workspace, store: str) -> Work:
    """Every check of quotes, with all that they may know."""
    return _checks(workspace, store, None)


def common(workspace: Workspace, store: str) -> Work:
    """The checks that other tools have too."""
    return _checks(workspace, store, COMMON)


def _checks(workspace: Workspace, store: str, check_ids: Collection[str] | None) -> Work:
    stored = Stored.at(workspace.path(store))
    context = _context(stored)

    def run(_: Path) -> Done:
        rows = chain.from_iterable(file_batches(stored.root, path, "quote") for path in stored.paths)
        outcomes, left_out = run_checks(rows, context, check_ids)
        if {one.check_id for one in left_out} - _CANNOT_RUN:
            raise ValueError(f"checks that did not run: {left_out}")
        return Done(outcomes[0].rows, figures={"checks": len(outcomes)})

    return Work(run)


def _context(stored: Stored) -> CheckContext:
    """Increments are known, the market never closes, and a profile was learned, as the desk learns and keeps one."""
    calendar = calendar_for("BINANCE")
    footers = [read_footer(stored.root, path) for path in stored.paths]
    context = CheckContext(
        data_type="quote",
        now_ns=_NOW_NS,
        price_precision=QUOTES.price_precision,
        size_precision=QUOTES.size_precision,
        price_increment=10 ** (SCALE_DIGITS - QUOTES.price_precision),
        size_increment=10 ** (SCALE_DIGITS - QUOTES.size_precision),
        negative_prices_allowed=False,
        sessions=sessions(calendar, (footers[0].start_ns or 0) - DAY_NS, (footers[-1].end_ns or 0) + DAY_NS),
        calendar=calendar.name,
        zone=zone_of(calendar),
    )
    sample = reader.scan(stored.root, stored.paths, "quote", positions=True).head(_SAMPLE_ROWS).collect()
    return replace(context, profile=learn_profile(sample, context))
