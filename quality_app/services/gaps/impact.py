"""What a gap touches: work that was done over it, work that will be, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from catalog_app.models import Export
from quality_app.models import Gap, Reconciliation, ReconciliationRun, Schedule, WantedData
from quality_app.services.gaps.session_days import span_of
from quality_app.services.schedules import holds
from quality_app.services.wanted import target_of

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """A reconciliation that has the gap's dataset, and its latest run that reached over the gap, if any did."""

    reconciliation: Reconciliation
    run: ReconciliationRun | None


@dataclass(frozen=True, slots=True)
class Impact:
    """What a gap touches, each list with at most SHOWN; `more_exports` says that there are others."""

    exports: list[Export]
    more_exports: bool
    schedules: list[Schedule]
    compared: list[Compared]
    wanted: list[WantedData]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known to depend on it."""
        return not (self.exports or self.schedules or self.compared or self.wanted)


def impact_of(gap: Gap) -> Impact:
    """Find it; the gap's dataset, its store and its definition must be selected with it."""
    start, end = span_of(gap)
    exports = list(_exports(gap, start, end)[: SHOWN + 1])
    schedules = Schedule.objects.filter(enabled=True).order_by("name")
    return Impact(
        exports=exports[:SHOWN],
        more_exports=len(exports) > SHOWN,
        schedules=[one for one in schedules if holds(one, gap.dataset)][:SHOWN],
        compared=_compared(gap, start, end),
        wanted=list(_wanted(gap, start, end)[:SHOWN]),
    )


def _exports(gap: Gap, start: int, end: int) -> QuerySet[Export]:
    """Finished exports of the dataset whose range has the gap: what they hold lacks it, unless it was there then."""
    from_before = Q(parameters__startNs=None) | Q(parameters__startNs__lte=end)
    to_after = Q(parameters__endNs=None) | Q(parameters__endNs__gte=start)
    done = Export.objects.filter(dataset=gap.dataset_id, completed_at__isnull=False, record_count__isnull=False)
    return done.filter(from_before, to_after).select_related("created_by").order_by("-created_at")


def _compared(gap: Gap, start: int, end: int) -> list[Compared]:
    found = Reconciliation.objects.filter(sources__dataset=gap.dataset_id).distinct().order_by("name")[:SHOWN]
    rows = list(found)
    runs = ReconciliationRun.objects.filter(reconciliation__in=[row.pk for row in rows])
    # Times after `start_ns` were compared.
    over = runs.filter(start_ns__lt=end, end_ns__gte=start).defer("series", "files", "pairs", "votes", "sources")
    latest: dict[int, ReconciliationRun] = {}
    for run in over.order_by("-finished_at")[: 10 * SHOWN]:
        latest.setdefault(run.reconciliation_id, run)
    return [Compared(row, latest.get(row.pk)) for row in rows]


def _wanted(gap: Gap, start: int, end: int) -> QuerySet[WantedData]:
    """Declarations in force that ask for data where it is missing."""
    instrument, data_type, timeframe = target_of(gap.dataset)
    declared = WantedData.objects.filter(instrument_id=instrument, data_type=data_type, timeframe=timeframe)
    in_force = declared.filter(Q(store=None) | Q(store=gap.dataset.store_id), is_active=True, start_ns__lte=end)
    return in_force.filter(Q(end_ns=None) | Q(end_ns__gte=start)).select_related("store")
