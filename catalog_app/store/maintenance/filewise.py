"""Plans what is done to each file on its own: names of true intervals, other compression and row groups."""

from collections import Counter
from typing import Final

from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.layout import format_file_name
from catalog_app.store.maintenance.draft import Draft, listed
from catalog_app.store.maintenance.plans import PlannedFile, Step
from catalog_app.store.maintenance.requests import Recompress
from catalog_app.store.maintenance.sources import Source
from catalog_app.store.reading.metadata import read_metadata
from catalog_app.store.writing.row_groups import group_rows

# Parquet's names of the codecs.
_CODECS: Final = {"zstd": "ZSTD", "snappy": "SNAPPY", "none": "UNCOMPRESSED"}


def plan_rename(draft: Draft) -> None:
    """Add a step for each file whose name is not its rows' interval; names that are taken are not given twice."""
    wanted = {
        source.path: f"{draft.directory}/{format_file_name(source.start_ns, source.end_ns)}"
        for source in draft.contents.sources
        if not source.has_true_name
    }
    known = {source.path: source for source in draft.contents.sources}
    refused: list[str] = []
    while taken := _taken(draft, wanted):
        refused += taken
        wanted = {path: name for path, name in wanted.items() if path not in taken}
    for path, name in wanted.items():
        source = known[path]
        output = PlannedFile(name, source.rows, source.size_bytes, source.start_ns, source.end_ns)
        draft.steps.append(Step("move", (path,), (output,)))
    if refused:
        names = listed([path.rpartition("/")[2] for path in refused])
        draft.notes.append(f"{names}: another file has the name of the same interval; split overlapping files first.")


def _taken(draft: Draft, wanted: dict[str, str]) -> list[str]:
    staying = set(draft.contents.present) - wanted.keys()
    count = Counter(wanted.values())
    return [path for path, name in wanted.items() if name in staying or count[name] > 1]


def plan_recompress(draft: Draft, request: Recompress) -> None:
    """Add a step for each file that is not in the wanted form already."""
    for source in draft.contents.sources:
        if not _has_groups(source, request) or _codecs(draft, source) != {_CODECS[request.compression]}:
            output = PlannedFile(source.path, source.rows, None, source.start_ns, source.end_ns)
            draft.bytes_exact = False
            draft.steps.append(Step("recode", (source.path,), (output,)))


def _has_groups(source: Source, request: Recompress) -> bool:
    wanted = group_rows(source.schema, request.row_group_rows)
    *full, last = [group.rows for group in source.groups]
    return all(rows == wanted for rows in full) and last <= wanted


def _codecs(draft: Draft, source: Source) -> set[str]:
    groups = read_metadata(StoreRoot.at(draft.root), source.path).row_groups()
    return {chunk.codec for group in groups for chunk in group.chunks.values()}
