"""How complete each day was: kept by month, so that years are read with a few rows."""

from collections.abc import Collection
from itertools import groupby
from typing import Final

import polars as pl

from catalog_app.models import Dataset
from quality_app.gaps.found import GapScan
from quality_app.models import MonthCompleteness

MEASURED_DAYS: Final = pl.Schema({"day": pl.Date, **dict.fromkeys(("expected", "missing", "explained"), pl.Int64)})


def days_of(scan: GapScan, explained: Collection[int]) -> pl.DataFrame:
    """Return by session day (MEASURED_DAYS) the units that are expected, of these missing, and of these explained.

    `explained` are rows of the scan's gaps for which there was nothing to have.
    """
    rows = scan.by_day.with_columns(
        pl.when(pl.col("gap").is_in(list(explained))).then("missing").otherwise(0).alias("explained")
    )
    lost = rows.group_by("day").agg(pl.col("missing").sum(), pl.col("explained").sum())
    return scan.days.join(lost, on="day", how="left").fill_null(0).sort("day")


def record_months(dataset: Dataset, days: pl.DataFrame) -> None:
    """Keep days (day, expected, missing, explained) as the months of a dataset; call it inside a transaction."""
    rows = days.with_columns(pl.col("day").dt.month_start().alias("month")).iter_rows(named=True)
    months = []
    for month, found in groupby(rows, key=lambda row: row["month"]):
        each = {row["day"].day: [row["expected"], row["missing"], row["explained"]] for row in found}
        sums = [sum(column) for column in zip(*each.values(), strict=True)]
        months.append(
            MonthCompleteness(
                dataset=dataset, month=month, expected=sums[0], missing=sums[1], explained=sums[2], days=each
            )
        )
    MonthCompleteness.objects.filter(dataset=dataset).exclude(month__in=[one.month for one in months]).delete()
    MonthCompleteness.objects.bulk_create(
        months,
        batch_size=200,
        update_conflicts=True,
        unique_fields=["dataset", "month"],
        update_fields=["expected", "missing", "explained", "days"],
    )
