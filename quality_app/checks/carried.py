"""One streaming pass of checks that follow state over the whole dataset, such as an order book."""

from collections.abc import Collection, Mapping

import polars as pl

from quality_app.checks.check import Carry, Check, CheckContext
from quality_app.checks.judging import judge
from quality_app.checks.partial import SAMPLE_LIMIT, Finding
from quality_app.checks.prepare import prepare


class CarriedRunner:
    """Feeds batches, in order and from the first row on, to checks with `carry`; state is put before each batch.

    `states` begins with what another runner had after the row before, by name of the carry function.
    """

    def __init__(
        self,
        context: CheckContext,
        checks: Collection[Check],
        states: Mapping[str, pl.DataFrame] | None = None,
        sample_limit: int = SAMPLE_LIMIT,
    ) -> None:
        self._context, self._sample_limit = context, sample_limit
        self._checks: dict[Carry, list[Check]] = {}
        for check in checks:
            if check.rule is not None and check.carry is not None:
                self._checks.setdefault(check.carry, []).append(check)
        self._states = dict(states or {})
        self.findings = {check.id: Finding() for group in self._checks.values() for check in group}

    @property
    def states(self) -> dict[str, pl.DataFrame]:
        """What the rows so far leave behind, by name of the carry function: canonical columns."""
        return self._states

    def feed(self, batch: pl.DataFrame) -> None:
        """Judge every row of the batch."""
        if batch.is_empty() or not self._checks:
            return
        needs = frozenset(name for group in self._checks.values() for check in group for name in check.needs)
        batch = prepare(batch, needs, self._context)
        for carry, checks in self._checks.items():
            before = self._states.get(carry.__name__)
            frame = batch if before is None else pl.concat([before.select(batch.columns), batch])
            for check in checks:
                rows = (len(frame) - len(batch), len(frame))
                judge(check, frame, self._context, rows, self.findings[check.id], self._sample_limit)
            self._states[carry.__name__] = carry(frame, self._context)
