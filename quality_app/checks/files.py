"""Checks of whole files, measured on the index: names, ranges, dialects and sizes."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

import polars as pl

from quality_app.checks.check import EVERY_TYPE, Check, CheckContext
from quality_app.checks.param import Param

DAY_NS: Final = 86_400 * 1_000_000_000
MIB: Final = 1 << 20
# One row per file, in the order in which they are read. Times are ts_init in ns, null when unknown; `problem` tells
# why the rows of the file cannot be used, null when they can.
FILES: Final = pl.Schema(
    {
        "path": pl.String,
        "size": pl.Int64,
        "rows": pl.Int64,
        "row_groups": pl.Int64,
        "dialect": pl.String,
        "price_precision": pl.Int64,
        "size_precision": pl.Int64,
        "start": pl.Int64,
        "end": pl.Int64,
        "name_start": pl.Int64,
        "name_end": pl.Int64,
        "problem": pl.String,
        "unsupported": pl.String,
    }
)
# Marks files by giving the reason, null where there is nothing to say.
FileRule = Callable[[pl.DataFrame, CheckContext], pl.Series]

_MOST_SMALL: Final = Param("mostFiles", "Small files that are too many", 50, "files", 1)
_SMALL_MIB: Final = Param("smallMiB", "A file is small below", 1, "MiB", 1)
_GROUP_ROWS: Final = Param("groupRows", "A row group is small below", 20_000, "rows", 1)

UNREADABLE: Final = Check(
    id="file.unreadable",
    version=1,
    data_types=EVERY_TYPE,
    dimension="completeness",
    severity="critical",
    limit=Fraction(1),
    citation="Apache Parquet format: magic bytes, footer and pages must be whole",
    explanation="A file, or a row group of it, cannot be read. NautilusTrader fails on the whole dataset, and what "
    "the file held is missing here.",
    example="A copy broke off, so the file ends without a footer.",
    rule=None,
    unit="files",
)
SCHEMA: Final = Check(
    id="file.schema",
    version=1,
    data_types=EVERY_TYPE,
    dimension="consistency",
    severity="critical",
    limit=Fraction(1, 10),
    citation="NautilusTrader decodes a dataset by one schema: of the files that it reads, the first's",
    explanation="The file's columns, their types or the precision in its metadata differ from those of most rows of "
    "the dataset, or are not such data's at all. NautilusTrader gives wrong prices, no rows or an error.",
    example="One file of 8-byte prices among files of 16-byte ones, after an update of NautilusTrader.",
    rule=None,
    unit="files",
)
INTERVAL: Final = Check(
    id="file.interval",
    version=1,
    data_types=EVERY_TYPE,
    dimension="consistency",
    severity="major",
    limit=Fraction(1, 10),
    citation="NautilusTrader's catalog asks file names, not rows, what a file covers",
    explanation="Rows lie outside the interval that the file's name promises, so that queries miss them; or the name "
    "promises a session or more at an end where the file has no rows, so that nobody sees that they are missing.",
    example="2024-01-01 to 2024-01-31 in the name, and the last row is of 2024-01-12.",
    rule=None,
    unit="files",
)
OVERLAP: Final = Check(
    id="file.overlap",
    version=1,
    data_types=EVERY_TYPE,
    dimension="consistency",
    severity="critical",
    limit=Fraction(1, 10),
    citation="NautilusTrader ParquetDataCatalog: intervals of a dataset's files must be disjoint",
    explanation="The file begins before an earlier one ends. NautilusTrader refuses to write to such a dataset, and "
    "a query may give rows twice or out of order.",
    example="A download of 1 to 15 January beside one of 10 to 31 January.",
    rule=None,
    unit="files",
)
SMALL: Final = Check(
    id="file.small",
    version=1,
    data_types=EVERY_TYPE,
    dimension="",
    severity="info",
    limit=None,
    citation="Data desk rule: each file and row group costs a look-up, whatever it holds",
    explanation="There are many small files, or files of small row groups: queries take longer than they need to. "
    "Consolidate or regroup the dataset.",
    example="A file a minute, from a live recording.",
    rule=None,
    params=(_MOST_SMALL, _SMALL_MIB, _GROUP_ROWS),
    unit="files",
)
CHECKS: Final = (UNREADABLE, SCHEMA, INTERVAL, OVERLAP, SMALL)


def _unreadable(files: pl.DataFrame, context: CheckContext) -> pl.Series:
    return files["problem"]


def _other_schema(files: pl.DataFrame, context: CheckContext) -> pl.Series:
    """Differs from what most rows have; the earlier file's wins where rows are equal."""
    shape = pl.struct("dialect", "price_precision", "size_precision")
    sound = files.filter(pl.col("problem").is_null() & pl.col("unsupported").is_null())
    usual = sound.group_by(shape.alias("shape"), maintain_order=True).agg(pl.col("rows").sum())
    if usual.is_empty():
        return files["unsupported"]
    common = usual.sort("rows", descending=True, maintain_order=True)["shape"][0]
    told = pl.format(
        "{} with precisions {} and {}; most rows have " + _shape_text(common),
        pl.col("dialect"),
        pl.col("price_precision").cast(pl.String).fill_null("none"),
        pl.col("size_precision").cast(pl.String).fill_null("none"),
    )
    differs = pl.col("problem").is_null() & pl.any_horizontal(
        pl.col(name).ne_missing(pl.lit(value)) for name, value in common.items()
    )
    return files.select(pl.coalesce("unsupported", pl.when(differs).then(told)))["unsupported"]


def _shape_text(shape: Mapping[str, object]) -> str:
    named = {name: "none" if value is None else value for name, value in shape.items()}
    return f"{named['dialect']} with {named['price_precision']} and {named['size_precision']}"


def _outside_name(files: pl.DataFrame, context: CheckContext) -> pl.Series:
    outside = (pl.col("start") < pl.col("name_start")) | (pl.col("end") > pl.col("name_end"))
    head = _sessions_between(files["name_start"], files["start"], context)
    tail = _sessions_between(files["end"], files["name_end"], context)
    empty = pl.max_horizontal(head, tail)
    return files.select(
        pl.when(outside)
        .then(pl.lit("Rows lie outside the interval of the name."))
        .when(empty >= 1)
        .then(pl.format("The name promises {} more at an end than the rows hold.", _counted(empty, context)))
        .alias("reason")
    )["reason"]


def _counted(number: pl.Expr, context: CheckContext) -> pl.Expr:
    unit = "days" if context.sessions is None else "sessions"
    return pl.format("{} whole " + unit, number)


def _sessions_between(starts: pl.Series, ends: pl.Series, context: CheckContext) -> pl.Series:
    """Whole sessions in [start, end) of each row; whole days where the sessions are unknown. Null where a bound is."""
    if context.sessions is None:
        return ((ends - starts) // DAY_NS).alias(starts.name)
    opens, closes = context.sessions["open_ns"], context.sessions["close_ns"]
    first, last = opens.search_sorted(starts.fill_null(0), "left"), closes.search_sorted(ends.fill_null(0), "right")
    number = (last.cast(pl.Int64) - first.cast(pl.Int64)).clip(lower_bound=0)
    known = starts.is_not_null() & ends.is_not_null()
    return number.zip_with(known, pl.Series([None], dtype=pl.Int64)).alias(starts.name)


def _overlapping(files: pl.DataFrame, context: CheckContext) -> pl.Series:
    start, end = pl.coalesce("start", "name_start"), pl.coalesce("end", "name_end")
    by_time = files.with_row_index("place").with_columns(start.alias("from"), end.alias("to")).sort("from", "to")
    before = pl.col("to").cum_max().shift(1)
    reason = pl.when(pl.col("from") <= before).then(pl.lit("Begins before an earlier file ends."))
    return by_time.with_columns(reason.alias("reason")).sort("place")["reason"]


def _small(files: pl.DataFrame, context: CheckContext) -> pl.Series:
    values = SMALL.values(context)
    small = pl.col("size") < int(values["smallMiB"]) * MIB
    many = pl.when(small & (small.sum() > int(values["mostFiles"]))).then(pl.lit("One of many small files."))
    groups = (pl.col("row_groups") > 1) & (pl.col("rows") // pl.col("row_groups") < int(values["groupRows"]))
    few = pl.when(groups).then(pl.lit("Its row groups are small."))
    return files.select(pl.coalesce(many, few).alias("reason"))["reason"]


FILE_RULES: Final[Mapping[str, FileRule]] = {
    UNREADABLE.id: _unreadable,
    SCHEMA.id: _other_schema,
    INTERVAL.id: _outside_name,
    OVERLAP.id: _overlapping,
    SMALL.id: _small,
}
