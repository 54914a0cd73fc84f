"""Learns how a dataset usually behaves from a sample of it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import polars as pl

from catalog_app.store.schema import SCALE, SIZE_COLUMNS
from quality_app.checks.bar_facts import bar_facts
from quality_app.checks.check import PRICE, WEEK, CheckContext
from quality_app.checks.message_facts import message_facts
from quality_app.checks.prepare import TYPES_WITH_PRICE, prepare
from quality_app.checks.price_step import price_step_fact
from quality_app.checks.profile import HOURS_PER_WEEK, Profile, Seasonal
from quality_app.checks.trading_time import TradingTime

# An hour of the week with fewer rows is judged by the whole week; a week with fewer is not judged.
HOUR_ROWS: Final = 100
WEEK_ROWS: Final = 100
# A 99.9 % quantile needs more of them.
HOUR_WAITS: Final = 1_000
NORMAL: Final = 1.4826
COMMON_WAIT, SELDOM_WAIT, LONG_WAIT = 0.9, 0.99, 0.999
TAIL: Final = 1.5
_VALUE: Final = "_value"


def learn_profile(sample: pl.DataFrame, context: CheckContext) -> Profile:
    """Return what a sample teaches: canonical columns with `file` and `row`, in the order of the dataset.

    Rows that follow each other in one file are neighbours; steps between others say nothing. Seasonal quantities,
    each by the hour of the week of ts_event:

    - `return`: log return from the row before; 0 where more than half of a week's prices repeat, then of moves alone.
    - `spread`: ask - bid as a share of the mid, quotes that are not crossed.
    - `volume`: log of a bar's volume or a trade's size, positive ones.
    - `wait`: seconds of trading time for which a quote stands unchanged; `median` as it says, and `scale` is the
      99.9 % quantile, not a deviation.

    Facts: see bar_facts, message_facts and price_step_fact.
    """
    priced = {PRICE} if context.data_type in TYPES_WITH_PRICE else set()
    frame = prepare(sample, {WEEK, *priced}, context)
    follows = ((pl.col("file") == pl.col("file").shift(1)) & (pl.col("row") == pl.col("row").shift(1) + 1)).fill_null(
        value=False
    )
    frame = frame.with_columns(follows.alias("_follows"))
    seasonal = {
        name: learn(frame, context)
        for name, types, learn in (
            ("return", TYPES_WITH_PRICE, _returns),
            ("spread", ("quote",), _spreads),
            ("volume", ("bar", "trade"), _volumes),
            ("wait", ("quote",), _waits),
        )
        if context.data_type in types
    }
    body = {
        "rows": len(sample),
        "zone": context.zone,
        "seasonal": {name: _seasonal_json(value) for name, value in seasonal.items() if value is not None},
        "facts": {
            name: value
            for learn, types in (
                (bar_facts, ("bar",)),
                (message_facts, ("trade", "delta")),
                (price_step_fact, ("quote", "trade")),
            )
            if context.data_type in types
            for name, value in learn(frame, context).items()
        },
    }
    return profile_from_json(body)


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """Return a profile as JSON; `profile_from_json` gives an equal one back."""
    return {
        "rows": profile.rows,
        "zone": profile.zone,
        "digest": profile.digest,
        "seasonal": {name: _seasonal_json(value) for name, value in profile.seasonal.items()},
        "facts": dict(profile.facts),
    }


def profile_from_json(value: Mapping[str, Any]) -> Profile:
    """Return the profile; its digest is computed from the content: SHA-256 of canonical JSON."""
    body = {name: value[name] for name in ("rows", "zone", "seasonal", "facts")}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    seasonal = {
        name: Seasonal(tuple(item["median"]), tuple(item["scale"]), tuple(item["rows"]))
        for name, item in body["seasonal"].items()
    }
    return Profile(body["rows"], body["zone"], sha256(text.encode()).hexdigest(), seasonal, dict(body["facts"]))


def _seasonal_json(value: Seasonal) -> dict[str, Any]:
    return {"median": list(value.median), "scale": list(value.scale), "rows": list(value.rows)}


def _returns(frame: pl.DataFrame, context: CheckContext) -> Seasonal | None:
    price = pl.when(pl.col(PRICE) > 0).then(pl.col(PRICE))
    step = frame.select(pl.when("_follows").then(price.log() - price.shift(1).log()).alias(_VALUE), WEEK)
    found = _deviations(step)
    if found is None:
        return None
    # In most steps nothing moves: then moves are measured by themselves.
    moved, moves = step.filter(pl.col(_VALUE) != 0).select(pl.col(_VALUE).abs().median() * NORMAL, pl.len()).row(0)
    usual = moved if moves >= WEEK_ROWS else None
    # Where prices only bounce, the median is one of two moves, and half of all deviations from it are none.
    scales = (max(scale or 0.0, abs(median or 0.0)) for scale, median in zip(found.scale, found.median, strict=True))
    return Seasonal(found.median, tuple(scale or usual for scale in scales), found.rows)


def _spreads(frame: pl.DataFrame, context: CheckContext) -> Seasonal | None:
    width = (pl.col("ask_price") - pl.col("bid_price")).cast(pl.Float64) / SCALE / pl.col(PRICE)
    sound = (pl.col("ask_price") > pl.col("bid_price")) & (pl.col(PRICE) > 0)
    return _deviations(frame.filter(sound).select(width.alias(_VALUE), WEEK))


def _volumes(frame: pl.DataFrame, context: CheckContext) -> Seasonal | None:
    size = pl.col(SIZE_COLUMNS[context.data_type][0])
    return _deviations(frame.filter(size > 0).select((size.cast(pl.Float64) / SCALE).log().alias(_VALUE), WEEK))


def _waits(frame: pl.DataFrame, context: CheckContext) -> Seasonal | None:
    """How long quotes stood, in the hour in which they came."""
    if context.sessions is None:
        return None
    waits = _stood(frame, context.sessions)
    if len(waits) < HOUR_WAITS:
        return None
    value = pl.col(_VALUE)
    median, scale = value.median().alias("_median"), _long_wait(value).alias("_scale")
    whole = waits.select(median, scale).row(0)
    hours = _by_hour(waits, 1, median, scale, value.quantile(COMMON_WAIT, "lower").alias("_common"))
    # Few waits have no such quantile: it is as many of their common waits as in other hours.
    shares = waits.join(hours, on=WEEK).filter(pl.col("_rows") >= HOUR_ROWS, pl.col("_common") > 0)
    share = shares.select(_long_wait(value / pl.col("_common"))).item() or 0.0
    few, scant = pl.col("_rows") < HOUR_WAITS, pl.col("_rows") < HOUR_ROWS
    least = pl.when(scant).then(whole[1]).otherwise(0.0)
    own = pl.when(few).then(pl.max_horizontal(pl.col("_common") * share, least)).otherwise("_scale")
    return _seasonal(hours.with_columns(own.alias("_scale")), whole)


def _stood(frame: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return for how many seconds of trading time each quote stood, and the hour of the week in which it came."""
    names = ("bid_price", "ask_price", "bid_size", "ask_size")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in names) & pl.col("_follows")
    kept = frame.select("ts_event", WEEK, (~pl.col("_follows")).cum_sum().alias("_run"), same.alias("_same"))
    kept = kept.filter(~pl.col("_same"))
    seconds = TradingTime(sessions).between(kept["ts_event"].shift(1), kept["ts_event"])
    own_run = kept["_run"].eq_missing(kept["_run"].shift(1))
    waits = pl.DataFrame({_VALUE: seconds.shift(-1), WEEK: kept[WEEK], "_own": own_run.shift(-1)})
    return waits.filter(pl.col("_own") & pl.col(_VALUE).is_not_null())


def _long_wait(waits: pl.Expr) -> pl.Expr:
    """The 99.9 % quantile of waits, which the hangs that it is to tell cannot stretch.

    Were the waits exponential, it would lie as far above the 99 % quantile as that does above the 90 % one: it counts
    up to so many times of that.
    """
    common, seldom = waits.quantile(COMMON_WAIT, "lower"), waits.quantile(SELDOM_WAIT, "lower")
    return pl.min_horizontal(waits.quantile(LONG_WAIT, "lower"), seldom + (seldom - common) * TAIL)


def _deviations(values: pl.DataFrame) -> Seasonal | None:
    """Median and scaled MAD of each hour, of the whole week where an hour has too few rows or never varies."""
    values = values.filter(pl.col(_VALUE).is_finite())
    if len(values) < WEEK_ROWS:
        return None
    deviation = (pl.col(_VALUE) - pl.col(_VALUE).median()).abs().median() * NORMAL
    whole = values.select(pl.col(_VALUE).median(), deviation.alias("_scale")).row(0)
    return _seasonal(
        _by_hour(values, HOUR_ROWS, pl.col(_VALUE).median().alias("_median"), deviation.alias("_scale")), whole
    )


def _by_hour(values: pl.DataFrame, least: int, *measures: pl.Expr) -> pl.DataFrame:
    """One row per hour of the week, with its count; measures only of hours with enough rows."""
    found = values.group_by(WEEK).agg(pl.len().alias("_rows"), *measures)
    hours = pl.DataFrame({WEEK: pl.Series(range(HOURS_PER_WEEK), dtype=pl.Int16)})
    enough = pl.col("_rows") >= least
    return hours.join(found, on=WEEK, how="left", maintain_order="left").with_columns(
        pl.col("_rows").fill_null(0),
        *(pl.when(enough).then(pl.col(name)).alias(name) for name in ("_median", "_scale")),
    )


def _seasonal(hours: pl.DataFrame, whole: tuple[float, float]) -> Seasonal:
    median, scale = whole
    known = hours.with_columns(
        pl.when(pl.col("_scale") > 0).then(pl.col("_median")).otherwise(median).alias("_median"),
        pl.when(pl.col("_scale") > 0).then(pl.col("_scale")).otherwise(scale).alias("_scale"),
    )
    return Seasonal(tuple(known["_median"]), tuple(known["_scale"]), tuple(known["_rows"]))
