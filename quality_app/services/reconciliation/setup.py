"""Set up a reconciliation: which sources by which measures, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from catalog_app.models import Dataset
from catalog_app.services.errors import ServiceError
from quality_app.models import Reconciliation, ReconciliationSource
from quality_app.reconcile.series import PRICE_KINDS
from quality_app.services.context import interval_of

MOST_SOURCES: Final = 6
SECOND: Final = 1_000_000_000
# What is compared as it is may be ticks, of which a longer tolerance would take in thousands.
MOST_TOLERANCE: Final = 60 * SECOND
MOST_SHIFT: Final = 7 * 86_400 * SECOND


class SetupRefused(ServiceError):
    """The sources cannot be compared in this way; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """A dataset, the price of it that is compared, and what is added to its times (ns)."""

    dataset: Dataset
    price: str
    label: str
    shift_ns: int = 0


@dataclass(frozen=True, slots=True)
class Setup:
    """All of a reconciliation that users choose; times in ns, `interval_ns` None compares rows as they are."""

    name: str
    sources: Sequence[SourceChoice]
    interval_ns: int | None
    tolerance_ns: int
    limit_ticks: Decimal
    limit_bp: Decimal
    vote_scale: Decimal
    vote_ticks: Decimal
    counts_in_score: bool = True
    on_change: bool = False
    enabled: bool = True

    def check(self) -> None:
        """Raise SetupRefused when these sources cannot be compared so."""
        if not 2 <= len(self.sources) <= MOST_SOURCES:
            raise SetupRefused(f"Choose 2 to {MOST_SOURCES} sources; {len(self.sources)} are chosen.")
        if len({(source.dataset.pk, source.price) for source in self.sources}) < len(self.sources):
            raise SetupRefused("A source is chosen twice with the same price. Take one of them out.")
        for source in self.sources:
            _check_source(source, self.interval_ns)
        most = self._most_tolerance()
        if not 0 <= self.tolerance_ns <= most:
            raise SetupRefused(f"The tolerance may be 0 to {most / SECOND:g} seconds here: half a bar, or a minute.")

    def _most_tolerance(self) -> int:
        intervals = {interval_of(source.dataset) for source in self.sources}
        own = intervals.pop() if len(intervals) == 1 else None
        interval = self.interval_ns or own
        return MOST_TOLERANCE if interval is None else interval // 2


@transaction.atomic
def save_reconciliation(setup: Setup, user: User | None, present: Reconciliation | None = None) -> Reconciliation:
    """Keep a new reconciliation, or change a present one; its earlier runs stay as they are.

    Raises:
        SetupRefused: the sources cannot be compared so, or another one has this name.

    """
    setup.check()
    others = Reconciliation.objects.filter(name=setup.name)
    if (others.exclude(pk=present.pk) if present else others).exists():
        raise SetupRefused(f"There is a reconciliation named {setup.name}. Choose another name.")
    row = present or Reconciliation(created_by=user)
    row.name, row.instrument_id = setup.name, setup.sources[0].dataset.instrument_id
    row.interval_ns, row.tolerance_ns = setup.interval_ns, setup.tolerance_ns
    row.limit_ticks, row.limit_bp = setup.limit_ticks, setup.limit_bp
    row.vote_scale, row.vote_ticks = setup.vote_scale, setup.vote_ticks
    row.counts_in_score, row.on_change, row.enabled = setup.counts_in_score, setup.on_change, setup.enabled
    row.save()
    row.sources.all().delete()
    ReconciliationSource.objects.bulk_create(
        ReconciliationSource(
            reconciliation=row,
            position=position,
            dataset=source.dataset,
            label=source.label,
            price=source.price,
            shift_ns=source.shift_ns,
        )
        for position, source in enumerate(setup.sources)
    )
    return row


def _check_source(source: SourceChoice, interval_ns: int | None) -> None:
    dataset = source.dataset
    offered = PRICE_KINDS.get(dataset.data_type, ())
    if source.price not in offered:
        raise SetupRefused(f"{source.label} has no price “{source.price}”, but {', '.join(offered) or 'none'}.")
    if abs(source.shift_ns) > MOST_SHIFT:
        raise SetupRefused(f"{source.label}: a shift may be up to seven days.")
    own = interval_of(dataset)
    if interval_ns is None or dataset.data_type != "bar":
        return
    if own is None or interval_ns % own:
        raise SetupRefused(
            f"{source.label}: its bars cannot be joined to this length. Choose one that all bars divide, "
            "or compare rows as they are."
        )
