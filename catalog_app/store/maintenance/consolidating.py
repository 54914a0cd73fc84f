"""Plans fewer files: whole neighbours are joined, files are only cut where a period or the target size asks for it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from catalog_app.store.maintenance.draft import Draft, listed
from catalog_app.store.maintenance.grouping import Cluster, clusters, differences, runs
from catalog_app.store.maintenance.periods import period_starts
from catalog_app.store.maintenance.requests import Consolidate
from catalog_app.store.maintenance.tally import quantile_cuts, tally

# NautilusTrader's own row groups hold 5,000 rows: a join keeps those, and writes anew what would stay smaller.
_JOINED_GROUP_ROWS: Final = 4_096


def plan_consolidate(draft: Draft, request: Consolidate) -> None:
    """Add the steps of a consolidation."""
    files = draft.look_at(draft.within(request.start_ns, request.end_ns))
    draft.require_one_identity([one.source for one in files])
    found = clusters(files)
    for cluster in found:
        if not cluster.is_alike:
            note_unlike(draft, cluster)
    alike = [cluster for cluster in found if cluster.is_alike]
    obstacles = draft.obstacles(source for cluster in alike for source in cluster.sources)
    if why := differences([source for cluster in alike for source in cluster.sources]):
        draft.notes.append(f"Files that differ are not joined with each other: {why}.")
    for run in runs(alike, obstacles):
        cuts = _cuts(draft, request, run)
        for part in _parts(run, cuts):
            _add(draft, part, cuts)
    if any(step.method == "join" for step in draft.steps):
        draft.notes.append(
            "Whole files are joined byte for byte: row groups and compression stay; recompress to change them."
        )


def note_unlike(draft: Draft, cluster: Cluster) -> None:
    """Say that overlapping files stay as they are."""
    names = listed([source.name for source in cluster.sources])
    draft.notes.append(f"{names} overlap but are left alone: {differences(cluster.sources)}.")


def _cuts(draft: Draft, request: Consolidate, run: Sequence[Cluster]) -> list[int]:
    if request.period is not None:
        return period_starts(request.period, run[0].start_ns, run[-1].end_ns)
    by_rows = request.target_rows is not None
    target = request.target_rows or request.target_bytes or 1
    cuts: list[int] = []
    filled = 0.0
    for cluster in run:
        for start_ns, weight in _pieces(draft, cluster, cluster.rows if by_rows else cluster.size_bytes, target):
            if filled and abs(filled + weight - target) > abs(filled - target):
                cuts.append(start_ns)
                filled = 0.0
            filled += weight
    return cuts


def _pieces(draft: Draft, cluster: Cluster, weight: int, target: int) -> Iterator[tuple[int, float]]:
    """(first ts_init, size) of the parts of a cluster: several where it is twice the target or more."""
    parts = round(weight / target) if weight >= 2 * target else 1
    starts = [cluster.start_ns, *quantile_cuts(draft.root, cluster.sources, parts)]
    for start_ns in starts:
        yield start_ns, weight / len(starts)


def _parts(run: Sequence[Cluster], cuts: Sequence[int]) -> Iterator[list[Cluster]]:
    """Clusters that share an output, directly or through each other."""
    part: list[Cluster] = []
    for cluster in run:
        if part and bisect_right(cuts, part[-1].end_ns) != bisect_right(cuts, cluster.start_ns):
            yield part
            part = []
        part.append(cluster)
    if part:
        yield part


def _add(draft: Draft, part: Sequence[Cluster], cuts: Sequence[int]) -> None:
    sources = [source for cluster in part for source in cluster.sources]
    cells = list(tally(draft.root, sources, cuts).values())
    if len(sources) == len(cells) == 1:
        return
    groups = sum(len(source.groups) for source in sources)
    if not all(cluster.in_order for cluster in part):
        draft.rewrite("sort", sources, cells)
    elif len(cells) == 1 and cells[0].rows >= groups * _JOINED_GROUP_ROWS:
        draft.rewrite("join", sources, cells)
    else:
        draft.rewrite("stream", sources, cells)
