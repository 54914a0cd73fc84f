"""Files that belong together: by touching intervals, and by rows that may stand in one file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from catalog_app.store.maintenance.sources import Interval, Source
from catalog_app.store.maintenance.tally import Timed

_PRECISIONS: Final = ("price_precision", "size_precision")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Files whose closed intervals touch, directly or through each other, in the order of time; often just one."""

    members: tuple[Timed, ...]

    @property
    def sources(self) -> list[Source]:
        return [member.source for member in self.members]

    @property
    def start_ns(self) -> int:
        return self.members[0].source.start_ns

    @property
    def end_ns(self) -> int:
        return max(member.source.end_ns for member in self.members)

    @property
    def rows(self) -> int:
        return sum(member.source.rows for member in self.members)

    @property
    def size_bytes(self) -> int:
        return sum(member.source.size_bytes for member in self.members)

    @property
    def is_alike(self) -> bool:
        """Whether all rows may stand in one file."""
        return len({member.source.likeness for member in self.members}) == 1

    @property
    def in_order(self) -> bool:
        """Whether the files' rows, one file after the other, are in order of ts_init."""
        return all(member.in_order for member in self.members) and all(
            before.source.end_ns <= after.source.start_ns for before, after in pairwise(self.members)
        )


def clusters(files: Sequence[Timed]) -> list[Cluster]:
    """Files in the order of time, grouped by touching intervals."""
    found: list[list[Timed]] = []
    end = -1
    for one in sorted(files, key=lambda timed: (timed.source.start_ns, timed.source.end_ns, timed.source.path)):
        if found and one.source.start_ns <= end:
            found[-1].append(one)
        else:
            found.append([one])
        end = max(end, one.source.end_ns)
    return [Cluster(tuple(members)) for members in found]


def runs(ordered: Sequence[Cluster], obstacles: Sequence[Interval]) -> Iterator[list[Cluster]]:
    """Neighbours whose rows may stand in one file; a join over a file that stays would make it overlap."""
    run: list[Cluster] = []
    for cluster in ordered:
        if run and not _joinable(run[-1], cluster, obstacles):
            yield run
            run = []
        run.append(cluster)
    if run:
        yield run


def _joinable(before: Cluster, after: Cluster, obstacles: Sequence[Interval]) -> bool:
    if before.members[-1].source.likeness != after.members[0].source.likeness:
        return False
    return not any(low < after.start_ns and high > before.end_ns for low, high in obstacles)


def differences(sources: Sequence[Source]) -> str:
    """Why rows of these files may not stand in one file; "" where they may."""
    if len({source.likeness for source in sources}) < 2:
        return ""
    for key in _PRECISIONS:
        found = sorted({source.metadata(key) or "none" for source in sources})
        if len(found) > 1:
            # The precision is part of each price and size that NautilusTrader builds; its matching engine refuses
            # those of another precision than the instrument's. Writing all at the larger one would change records.
            return f"their {key.replace('_', ' ')} differs ({', '.join(found)}), and NautilusTrader keeps it per file"
    if len({str(source.schema.remove_metadata()) for source in sources}) > 1:
        return "their columns are stored in different ways; convert the dataset to one dialect first"
    return "their metadata differs"
