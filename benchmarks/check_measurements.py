"""Validation: every check, the checks that other tools have too, and a dataset to which a file was added."""

from typing import Final

from benchmarks.measurement import Measurement, Side, Target, faster, side
from benchmarks.store_measurements import NAUTILUS

# Layout of the files -> its form: as 1.x writes them, in row groups of 5,000 rows, and as the desk does.
CHECKED_FORMS: Final = {"v1": "v1-16", "desk": "v1-16-desk"}
_MANY: Final = 1_000_000
_ALL: Final = 20_000_000


def _checked(layout: str) -> str:
    return f"checked-{CHECKED_FORMS[layout]}"


def _every(layout: str) -> Measurement:
    store = _checked(layout)
    return Measurement(
        f"checks-quotes-{layout}",
        f"Run every check over quotes, files of {layout}",
        "rows",
        (store,),
        side(
            "desk", "run_checks: every check of quotes, with profile, sessions and increments", f"quality:every:{store}"
        ),
        (
            side("Polars", "scan_parquet of the same columns, nothing checked", f"scan:polars:{store}"),
            side(NAUTILUS, "quote_ticks() file by file, nothing checked", f"upstream_read:quotes_by_file:{store}"),
        ),
        (
            Target("ns per unit", 100, units=_MANY),
            Target("peak MiB", 1024, units=_ALL),
            Target("time ratio", 2.5, "Polars", _MANY),
            faster(5, NAUTILUS, _MANY),
        ),
    )


def _tool(name: str, does: str, entry: str) -> Side:
    return side(name, f"Polars decodes to floats, {does}", entry, environment="peers")


def _common(layout: str) -> Measurement:
    store = _checked(layout)
    return Measurement(
        f"checks-common-{layout}",
        f"Run the checks of quotes that all tools have, files of {layout}",
        "rows",
        (store,),
        side("desk", "run_checks of these checks", f"quality:common:{store}"),
        (
            _tool("pandera", "DataFrameSchema of its Polars back end", f"validators:pandera:{store}"),
            _tool("Pointblank", "Validate of a Polars frame", f"validators:pointblank:{store}"),
            _tool("Great Expectations", "a suite on a pandas frame", f"validators:great_expectations:{store}"),
        ),
        (
            Target("peak MiB", 1024, units=_ALL),
            faster(1, "pandera", _MANY),
            faster(1, "Pointblank", _MANY),
            faster(5, "Great Expectations", _MANY),
        ),
    )


CHECKS: Final = (
    *(_every(layout) for layout in CHECKED_FORMS),
    *(_common(layout) for layout in CHECKED_FORMS),
    Measurement(
        "revalidate-appended",
        "Validate a dataset of 20 files again, after one of them was added",
        "rows",
        (_checked("v1"),),
        side("desk", "validate() through the services, SQLite", f"revalidate:appended:{_checked('v1')}"),
        (side("desk, whole", "the same with every file read anew", f"revalidate:whole:{_checked('v1')}"),),
        # One file of 20, and the rows where it meets the one before.
        (Target("time ratio", 0.1, "desk, whole", _MANY),),
    ),
)
