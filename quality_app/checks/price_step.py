"""The usual smallest step of prices, where no definition tells the increment."""

from typing import Any, Final

import polars as pl

from catalog_app.store.schema import PRICE_COLUMNS, SCALE
from quality_app.checks.check import CheckContext

_FACT: Final = "price_step_raw"
# Of 20 moves one may be smaller: prices that are finer than they can be are no measure.
_SMALLER: Final = 20


def price_step_fact(frame: pl.DataFrame, context: CheckContext) -> dict[str, Any]:
    """Return, of a sample, the move (raw, as text) that all but a twentieth of the moves reach; None without any.

    `_follows` tells which rows are neighbours of the row before. Nothing where the increment is known.
    """
    if context.price_increment:
        return {}
    steps = [
        frame.select(pl.when("_follows").then((pl.col(name) - pl.col(name).shift(1)).abs()).alias("step"))["step"]
        for name in PRICE_COLUMNS[context.data_type]
    ]
    moves = pl.concat(steps).sort(nulls_last=True)
    moves = moves.filter(moves > 0)
    return {_FACT: str(moves[len(moves) // _SMALLER]) if len(moves) else None}


def learned_step_raw(context: CheckContext) -> str | None:
    """Return what the profile tells of it, raw, as text; None where the increment is known or no sample tells."""
    if context.price_increment or context.profile is None:
        return None
    raw = context.profile.facts.get(_FACT)
    return raw if isinstance(raw, str) else None


def learned_step(context: CheckContext) -> float | None:
    """Return the same in price units."""
    raw = learned_step_raw(context)
    return None if raw is None else int(raw) / SCALE
