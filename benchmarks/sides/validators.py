"""Other tools that validate data: only what their own environment brings may be imported here.

They cannot read 16-byte prices: Polars decodes these, which is the fastest way that anybody can use.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.truth.peer_rules import Rule, expectation, pandera_check, rules_of
from benchmarks.work import Done, Work, Workspace

# What benchmarks.sides.quality runs too.
COMMON: Final = (
    "time.order",
    "time.event_after_init",
    "time.future",
    "time.latency",
    "price.positive",
    "size.positive",
    "quote.crossed",
)
_NOW_NS: Final = 4_102_444_800_000_000_000
_SCALE: Final = 1e-16
_COLUMNS: Final = ("bid_price", "ask_price", "bid_size", "ask_size", "ts_event", "ts_init")


def pandera(workspace: Workspace, store: str) -> Work:
    """A schema of checks."""
    pa = import_module("pandera.polars")
    schema = pa.DataFrameSchema(checks=[pandera_check(pa, rule) for rule in _rules()])
    return _work(workspace, store, lambda frame: schema.validate(frame, lazy=True))


def pointblank(workspace: Workspace, store: str) -> Work:
    """A plan of steps."""
    pb = import_module("pointblank")

    def validate(frame: pl.DataFrame) -> None:
        plan = pb.Validate(frame)
        for rule in _rules():
            first = rule.columns[0]
            if rule.kind == "above":
                plan = plan.col_vals_gt(first, rule.limit)
            elif rule.kind == "at most":
                plan = plan.col_vals_le(first, rule.limit)
            elif rule.kind == "pair":
                plan = plan.col_vals_ge(first, pb.col(rule.columns[1]))
            else:
                plan = plan.col_vals_increasing(first, allow_stationary=True)
        if not plan.interrogate().all_passed():
            raise ValueError("sound quotes did not pass")

    return _work(workspace, store, validate)


def great_expectations(workspace: Workspace, store: str) -> Work:
    """A suite of expectations."""
    gx = import_module("great_expectations")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("data").add_dataframe_asset("rows")
    definition = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite("rules", expectations=[expectation(gx.expectations, rule) for rule in _rules()])

    def validate(frame: pl.DataFrame) -> None:
        if not definition.get_batch({"dataframe": frame.to_pandas()}).validate(suite).success:
            raise ValueError("sound quotes did not pass")

    return _work(workspace, store, validate)


def _rules() -> list[Rule]:
    return [rule for check in COMMON for rule in rules_of(check, _COLUMNS, _NOW_NS)]


def _work(workspace: Workspace, store: str, validate: Callable[[pl.DataFrame], object]) -> Work:
    files = sorted(workspace.path(store).rglob("*.parquet"))

    def run(_: Path) -> Done:
        frame = _decoded(files)
        validate(frame)
        return Done(frame.height)

    return Work(run)


def _decoded(files: list[Path]) -> pl.DataFrame:
    """Prices and sizes as floats, times as integers, and what rules over several columns need."""
    raw = pl.col("bid_price", "ask_price", "bid_size", "ask_size")
    numbers = raw.bin.reinterpret(dtype=pl.Int128, endianness="little").cast(pl.Float64) * _SCALE
    lead = pl.col("ts_event") - pl.col("ts_init")
    return (
        pl.scan_parquet(files)
        .select(numbers, pl.col("ts_event", "ts_init").cast(pl.Int64))
        .with_columns(
            (pl.col("bid_size") + pl.col("ask_size")).alias("_sizes"), lead.alias("_lead"), (-lead).alias("_latency")
        )
        .collect(engine="streaming")
    )
