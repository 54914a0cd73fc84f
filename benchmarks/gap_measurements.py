"""Finding gaps: from files, through the services, and again when nothing changed."""

from typing import Final

from benchmarks.measurement import Measurement, Side, Target, side

_MANY: Final = 1_000_000
_DATASETS: Final = 10_000
# A year of one-minute bars around the clock, of 1,000 instruments.
_YEARS: Final = 525_600_000


def _peers(store: str) -> tuple[Side, ...]:
    return (
        side("Polars", "scan_parquet of ts_init, nothing found", f"scan:polars_times:{store}"),
        side("PyArrow", "dataset scanner of ts_init, nothing found", f"scan:arrow_times:{store}"),
    )


def _from_files(name: str, title: str, store: str, does: str) -> Measurement:
    return Measurement(
        f"gaps-{name}",
        title,
        "rows",
        (store,),
        side("desk", does, f"gaps:{name}:{store}"),
        _peers(store),
        # 60 M rows a second.
        (Target("ns per unit", 1000 / 60, units=_MANY), Target("time ratio", 1.5, "Polars", _MANY)),
    )


GAPS: Final = (
    _from_files("bars", "Find the gaps of bars", "large-bars", "BarTimes of the file, scan_bars with causes"),
    _from_files("ticks", "Find the gaps of quotes", "large-quotes", "TickTimes of the file, scan_ticks with causes"),
    Measurement(
        "gaps-year",
        "Find the gaps of a year of one-minute bars of many instruments",
        "rows",
        ("year-bars",),
        side("desk", "one job through the services, SQLite, every file read anew", "gaps:year:year-bars"),
        (side("Polars", "scan_parquet of ts_init, file by file, nothing found", "gaps:polars_files:year-bars"),),
        (Target("seconds", 30, units=_YEARS),),
    ),
    Measurement(
        "gaps-unchanged",
        "Find the gaps of many datasets again, nothing changed",
        "datasets",
        ("many-files",),
        side("desk", "one job through the services, SQLite", "gaps:unchanged:many-files"),
        (side("bare", "stat of every file", "gaps:bare_walk:many-files"),),
        (Target("seconds", 2, units=_DATASETS),),
    ),
)
