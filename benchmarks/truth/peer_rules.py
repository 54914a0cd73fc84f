"""Simple rules in pandera and Great Expectations: the process that runs them, in an environment of its own.

Reads lines of JSON from stdin, {"tool", "path", "check"}; answers with the positions of the rows that fail. The file
holds one table with prices and sizes as floats and times as integers. Only what that environment brings is imported.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

import polars as pl

_SECOND_NS: Final = 1_000_000_000

Kind = Literal["above", "at most", "pair", "rising", "unique"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`above`: column > limit; `at most`: column <= limit; `pair`: column >= other; `rising`; `unique` over columns."""

    kind: Kind
    columns: tuple[str, ...]
    limit: float = 0


def rules_of(check: str, columns: Sequence[str], now_ns: int) -> list[Rule]:
    """Return a check's rules in these terms; none where there are none for such data."""
    prices = [name for name in ("bid_price", "ask_price", "price", "open", "high", "low", "close") if name in columns]
    known: dict[str, list[Rule]] = {
        "time.order": [Rule("rising", ("ts_init",))],
        "time.event_after_init": [Rule("at most", ("_lead",), _SECOND_NS)],
        "time.future": [Rule("at most", ("ts_init",), now_ns + 60 * _SECOND_NS)],
        "time.latency": [Rule("at most", ("_latency",), 60 * _SECOND_NS)],
        "price.positive": [Rule("above", (name,)) for name in prices],
    }
    if "bid_price" in columns:
        known["quote.crossed"] = [Rule("pair", ("ask_price", "bid_price"))]
        known["size.positive"] = [Rule("above", ("_sizes",))]
        names = ("bid_price", "ask_price", "bid_size", "ask_size", "ts_event", "ts_init")
        known["row.duplicate"] = [Rule("unique", names)]
    if "trade_id" in columns:
        known["size.positive"] = [Rule("above", ("size",))]
        known["row.duplicate"] = [Rule("unique", ("trade_id",))]
    if "open" in columns:
        known["bar.ohlc"] = [Rule("pair", ("high", name)) for name in ("open", "close", "low")]
        known["bar.ohlc"] += [Rule("pair", (name, "low")) for name in ("open", "close")]
        known["row.duplicate"] = [Rule("unique", ("ts_event",))]
    return known.get(check, [])


def read(path: str) -> pl.DataFrame:
    """Read the table, with the sums and differences that rules over several columns need."""
    frame = pl.read_parquet(path)
    lead = pl.col("ts_event") - pl.col("ts_init")
    frame = frame.with_columns(lead.alias("_lead"), (-lead).alias("_latency"))
    if "bid_size" in frame.columns:
        frame = frame.with_columns((pl.col("bid_size") + pl.col("ask_size")).alias("_sizes"))
    return frame


def _in_pandera(frame: pl.DataFrame, rules: list[Rule]) -> list[int]:
    pa = import_module("pandera.polars")

    schema = pa.DataFrameSchema(checks=[pandera_check(pa, rule) for rule in rules])
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as found:
        return sorted({row for row in found.failure_cases["index"].to_list() if row is not None})
    return []


def pandera_check(pa: Any, rule: Rule) -> Any:
    """Return a rule as a check of pandera's Polars back end (`pa`)."""
    first = pl.col(rule.columns[0])
    holds = {
        "above": lambda: first > rule.limit,
        "at most": lambda: first <= rule.limit,
        "pair": lambda: first >= pl.col(rule.columns[1]),
        "rising": lambda: (first >= first.shift(1)).fill_null(value=True),
        "unique": lambda: pl.struct(rule.columns).is_first_distinct(),
    }[rule.kind]()
    return pa.Check(lambda data: data.lazyframe.select(holds.alias("holds")), name=f"{rule.kind} {rule.columns}")


def _in_great_expectations(frame: pl.DataFrame, rules: list[Rule]) -> list[int]:
    gx = import_module("great_expectations")

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("data").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame.to_pandas()})
    suite = gx.ExpectationSuite("rules", expectations=[expectation(gx.expectations, rule) for rule in rules])
    found: set[int] = set()
    for result in batch.validate(suite, result_format={"result_format": "COMPLETE"}).results:
        found.update(result.result["unexpected_index_list"] or ())
    return sorted(found)


def expectation(gxe: Any, rule: Rule) -> Any:
    """Return a rule as one of Great Expectations' expectations (`gxe`)."""
    first = rule.columns[0]
    return {
        "above": lambda: gxe.ExpectColumnValuesToBeBetween(column=first, min_value=rule.limit, strict_min=True),
        "at most": lambda: gxe.ExpectColumnValuesToBeBetween(column=first, max_value=rule.limit),
        "pair": lambda: gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=first, column_B=rule.columns[1], or_equal=True
        ),
        "rising": lambda: gxe.ExpectColumnValuesToBeIncreasing(column=first),
        "unique": lambda: (
            gxe.ExpectCompoundColumnsToBeUnique(column_list=list(rule.columns))
            if len(rule.columns) > 1
            else gxe.ExpectColumnValuesToBeUnique(column=first)
        ),
    }[rule.kind]()


TOOLS: Final[dict[str, Callable[[pl.DataFrame, list[Rule]], list[int]]]] = {
    "pandera": _in_pandera,
    "Great Expectations": _in_great_expectations,
}


def main() -> None:
    """Answer until stdin ends."""
    warnings.simplefilter("ignore")
    # What the tools print goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        frame = read(order["path"])
        rules = rules_of(order["check"], frame.columns, order["nowNs"])
        rows = TOOLS[order["tool"]](frame, rules) if rules else None
        answers.write(json.dumps(rows) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
