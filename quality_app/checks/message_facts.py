"""What a sample of trades or book deltas tells of how the venue numbers them."""

from typing import Any, Final

import polars as pl

from quality_app.checks.book_facts import book_facts
from quality_app.checks.book_state import F_LAST
from quality_app.checks.check import CheckContext

# A few repeats that were damaged do not make a venue's ids shared.
LEAST_FILLS: Final = 2
FILLS_SHARE: Final = 0.2


def message_facts(frame: pl.DataFrame, context: CheckContext) -> dict[str, Any]:
    """Return facts of sampled trades or deltas; `_follows` tells which rows are neighbours of the row before.

    `trade_id_step_share`: of neighbouring trades, the share whose trade_id is one more; None when ids are no
    numbers. `trade_ids_shared`: whether one id stands for several fills. `sequence_step_share`: of consecutive
    messages (rows up to one with F_LAST), the share whose sequence is one more. None without neighbours.
    """
    if context.data_type == "trade":
        ids = frame["trade_id"].cast(pl.Int64, strict=False)
        step_share = None if ids.null_count() else _share(ids, frame["_follows"])
        return {"trade_id_step_share": step_share, "trade_ids_shared": _ids_shared(frame)}
    stretch = (~frame["_follows"]).cum_sum()
    ends = (frame["flags"] & F_LAST) != 0
    own_stretch = stretch.filter(ends)
    share = _share(frame["sequence"].filter(ends), own_stretch == own_stretch.shift(1))
    return {"sequence_step_share": share, **book_facts(frame)}


def _ids_shared(frame: pl.DataFrame) -> bool:
    """Whether neighbours of one id and moment often differ in price or size: repeats would be equal."""
    before = frame.select(pl.all().shift(1))
    same = frame["_follows"] & (frame["trade_id"] == before["trade_id"]) & (frame["ts_event"] == before["ts_event"])
    differs = same & ((frame["price"] != before["price"]) | (frame["size"] != before["size"]))
    repeats, fills = int(same.sum() or 0), int(differs.sum() or 0)
    return fills >= LEAST_FILLS and fills >= FILLS_SHARE * repeats


def _share(numbers: pl.Series, follows: pl.Series) -> float | None:
    """Share of neighbours that count up by one."""
    steps = (numbers == numbers.shift(1) + 1).filter(follows.fill_null(value=False))
    return float(steps.mean()) if len(steps) else None  # type: ignore[arg-type]
