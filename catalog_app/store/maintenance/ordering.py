"""Plans what concerns rows of overlapping or unordered files: sorting, splitting overlaps, dropping identical rows.

Files that overlap are written anew together, cut where the files started: so their number does not grow, and each
keeps its start.
"""

from collections.abc import Iterable, Sequence

from catalog_app.store.maintenance.consolidating import note_unlike
from catalog_app.store.maintenance.draft import Draft
from catalog_app.store.maintenance.grouping import Cluster, clusters
from catalog_app.store.maintenance.reading import times_of
from catalog_app.store.maintenance.requests import Deduplicate
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.maintenance.tally import Cell, cells_of, tally
from catalog_app.store.maintenance.windows import first_of_identical, sorted_rows


def plan_sort(draft: Draft) -> None:
    """Add a step for each file out of order, and for files that are out of order with each other."""
    _plan_order(draft, [cluster for cluster in _all_clusters(draft) if not cluster.in_order])


def plan_split_overlaps(draft: Draft) -> None:
    """Add a step for all files that share a nanosecond."""
    _plan_order(draft, [cluster for cluster in _all_clusters(draft) if len(cluster.members) > 1])


def _all_clusters(draft: Draft) -> list[Cluster]:
    files = draft.look_at(draft.contents.sources[:])
    draft.require_one_identity([one.source for one in files])
    return clusters(files)


def _plan_order(draft: Draft, found: Iterable[Cluster]) -> None:
    for cluster in found:
        if cluster.is_alike:
            cells = tally(draft.root, cluster.sources, _starts(cluster.sources))
            draft.rewrite("stream" if cluster.in_order else "sort", cluster.sources, cells.values())
        else:
            note_unlike(draft, cluster)


def plan_deduplicate(draft: Draft, request: Deduplicate) -> None:
    """Add a step for each file, or group of overlapping files, that holds identical rows."""
    files = draft.look_at(draft.within(request.start_ns, request.end_ns), passes=2)
    draft.require_one_identity([one.source for one in files])
    dropped = 0
    for cluster in clusters(files):
        # Rows that are stored in different ways are never identical: each file is looked at alone then.
        groups = [cluster] if cluster.is_alike else [Cluster((member,)) for member in cluster.members]
        for group in groups:
            dropped += _plan_unique(draft, group)
    if dropped:
        draft.notes.append(f"Rows that are left out, identical in every column to an earlier one: {dropped:,}.")
    if any(len(step.inputs) > 1 for step in draft.steps):
        draft.notes.append("Files that overlap are made disjoint on the way.")


def _plan_unique(draft: Draft, cluster: Cluster) -> int:
    if len(cluster.members) == 1 and not cluster.members[0].has_repeats:
        draft.seen(cluster.rows)
        return 0
    cuts = _starts(cluster.sources)
    cells: dict[int, Cell] = {}
    for table in sorted_rows(draft.root, cluster.sources, lambda read: draft.seen(read.rows)):
        kept, _ = first_of_identical(table)
        for at, cell in cells_of(times_of(kept), cuts):
            cells[at] = cells[at] + cell if at in cells else cell
    dropped = cluster.rows - sum(cell.rows for cell in cells.values())
    if dropped:
        draft.rewrite("unique", cluster.sources, cells.values())
    return dropped


def _starts(sources: Sequence[Source]) -> list[int]:
    return sorted({source.start_ns for source in sources})[1:]
