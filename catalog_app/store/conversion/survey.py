"""What there is to convert: the files of a store by unit, from their paths and footers."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby, pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalog_app.store.bar_type import parse_bar_type, split_instrument_id
from catalog_app.store.conversion.plans import Part, Skipped, SourceFile, Unit
from catalog_app.store.errors import FileProblem, UnsupportedFile
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.footer import Footer, read_footer
from catalog_app.store.layout import DATA, Located, Version, identifier, locate, parse_file_name
from catalog_app.store.listing import ListedFile, list_files

_UNIT_FILES: Final = 1_000

type Survey = tuple[list[Unit], list[Skipped], list[str]]
type Owner = tuple[str, str, str | None]  # data type, instrument id, bar type


def survey(source: StoreRoot, to: Version, directories: Collection[str] | None) -> Survey:
    """Units in the order of their paths, files that cannot be converted, and what is lost with file names.

    `directories` (below the root) restrict it to these datasets and the definitions of their instruments.
    """
    data: dict[tuple[str, Owner], list[SourceFile]] = {}
    others: dict[tuple[str, str], list[SourceFile]] = {}
    skipped: list[Skipped] = []
    losses: list[str] = []
    instruments: set[str] = set()
    for listed in list_files(source):
        located = locate(listed.path)
        is_definition = located.role == "definition"
        if directories is not None and not is_definition and located.directory not in directories:
            continue
        try:
            if is_definition:
                unit = ("definitions", f"{DATA}/{located.type_directory}")
                others.setdefault(unit, []).append(_plain(source, listed))
            elif located.data_type == "custom":
                _require_same_version(located, to)
                others.setdefault(("custom", located.directory), []).append(_plain(source, listed))
            else:
                owner, file, loss = _market_file(source, listed, located)
                instruments.add(identifier(owner[1]))
                data.setdefault((located.directory, owner), []).append(file)
                losses += loss
        except FileProblem as problem:
            skipped.append(Skipped(listed.path, problem.reason))
    units = [*_data_units(data), *_other_units(others, directories, instruments)]
    return sorted(units, key=lambda unit: (unit.kind != "definitions", unit.directory)), skipped, losses


def _market_file(source: StoreRoot, listed: ListedFile, located: Located) -> tuple[Owner, SourceFile, list[str]]:
    if located.role == "unknown":
        raise UnsupportedFile(listed.path, located.note)
    footer = read_footer(source, listed.path)
    if not footer.supported:
        raise UnsupportedFile(
            listed.path, f"{footer.data_type or 'its'} data in the dialect {footer.dialect} is not read"
        )
    if footer.start_ns is None or footer.end_ns is None:
        raise UnsupportedFile(listed.path, "it holds no rows")
    named, rows = parse_file_name(located.name), (footer.start_ns, footer.end_ns)
    promised = named is not None and (named[0] < rows[0] or named[1] > rows[1])
    loss = [f"{listed.path}: its name promises a longer time than its rows have; the new name does not"] * promised
    price_precision = footer.price_precision
    if price_precision is None and footer.data_type == "close":
        price_precision = _decimals(source, listed.path)
    precisions = (price_precision, footer.size_precision)
    file = SourceFile(listed.path, listed.size_bytes, listed.mtime_ns, footer.rows, *rows, *precisions)
    return _owner(listed.path, footer), file, loss


def _owner(path: str, footer: Footer) -> Owner:
    """Data type, instrument id and bar type, as the file tells them."""
    try:
        if footer.data_type == "bar":
            bar_type = parse_bar_type(footer.bar_type or "")
            return footer.data_type, bar_type.instrument_id, str(bar_type)
        split_instrument_id(footer.instrument_id or "")
    except ValueError as error:
        raise UnsupportedFile(path, f"it does not say whose data it is ({error})") from error
    return footer.data_type, footer.instrument_id or "", None


def _decimals(source: StoreRoot, path: str) -> int:
    """The decimals of closes in 1.x, which stand as text and declare no precision."""
    try:
        with source.open_input(path) as file:
            texts = pq.read_table(file, columns=["close_price"]).column(0).cast(pa.string())
    except (pa.ArrowException, OSError) as error:
        raise UnsupportedFile(path, f"its column close_price cannot be read ({error})") from error
    decimals = pc.binary_length(pc.replace_substring_regex(texts, r"^[^.]*\.?", ""))
    return int(pc.max(decimals).as_py() or 0)


def _plain(source: StoreRoot, listed: ListedFile) -> SourceFile:
    try:
        with source.open_input(listed.path) as file:
            rows = int(pq.read_metadata(file).num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnsupportedFile(listed.path, f"not a whole Parquet file ({error})") from error
    return SourceFile(listed.path, listed.size_bytes, listed.mtime_ns, rows, 0, 0)


def _require_same_version(located: Located, to: Version) -> None:
    # 1.x: data/custom_<snake name>/; 2.x: data/custom/<Class name>/ with its own encoding.
    version = "v2" if located.type_directory == "custom" else "v1"
    if version != to:
        raise UnsupportedFile(
            f"{located.directory}/{located.name}",
            f"custom data of {version} is encoded by its own class, which {to} does not have: write it anew with that",
        )


def _data_units(data: dict[tuple[str, Owner], list[SourceFile]]) -> Iterable[Unit]:
    for (directory, (data_type, instrument_id, bar_type)), files in data.items():
        yield Unit("data", directory, tuple(_parts(files)), data_type, instrument_id, bar_type)


def _other_units(
    others: dict[tuple[str, str], list[SourceFile]], directories: Collection[str] | None, instruments: set[str]
) -> Iterable[Unit]:
    for (kind, directory), files in others.items():
        wanted = [file for file in files if _is_wanted(file.path, directories, instruments)]
        for chunk in _chunks(wanted):
            parts = tuple(Part((file,)) for file in chunk)
            yield Unit("definitions" if kind == "definitions" else "custom", directory, parts)


def _chunks(files: Sequence[SourceFile]) -> Iterable[list[SourceFile]]:
    """Files in their order, about a thousand at once, those of one directory together: so many fit into memory."""
    chunk: list[SourceFile] = []
    for _, own in groupby(files, key=lambda file: file.path.rpartition("/")[0]):
        chunk += own
        if len(chunk) >= _UNIT_FILES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _is_wanted(path: str, directories: Collection[str] | None, instruments: set[str]) -> bool:
    located = locate(path)
    return directories is None or located.directory in directories or located.identifier in instruments


def _parts(files: Sequence[SourceFile]) -> Iterable[Part]:
    """Files that share no nanosecond become a file each; those that do become one together."""
    group: list[SourceFile] = []
    for file in sorted(files, key=lambda one: (one.start_ns, one.end_ns, one.path)):
        if group and file.start_ns > max(one.end_ns for one in group):
            yield _part(group)
            group = []
        group.append(file)
    if group:
        yield _part(group)


def _part(group: list[SourceFile]) -> Part:
    in_sequence = all(one.end_ns <= other.start_ns for one, other in pairwise(group))
    return Part(tuple(group), in_sequence)
