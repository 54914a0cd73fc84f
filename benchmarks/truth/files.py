"""Broken files: a store of one dataset per kind of damage, synced and validated by the desk's own services.

Django must be set up. Each dataset has one file, or more, that the damage was done to; the others are sound.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.inputs.dialects import FORMS, write_files
from benchmarks.inputs.frames import quotes
from benchmarks.subjects import QUOTES, Subject
from benchmarks.truth.injection import Random
from benchmarks.truth.judging import Tallies, Tally
from catalog_app.store.layout import format_file_name, parse_file_name

DAY_NS: Final = 86_400 * 1_000_000_000
_FILES: Final = 5
_ROWS: Final = 6_000
_TINY_FILES: Final = 60
_SOUND: Final = FORMS["v1-16-desk"]

# Damages the files of a directory, in the order of their times; returns those that a check must name.
Harm = Callable[[list[Path], Subject, Random], list[Path]]


@dataclass(frozen=True, slots=True)
class Damage:
    """A kind of damage, and the check that must find its files. `tiny`: of very many files."""

    name: str
    check: str
    harm: Harm
    tiny: bool = False


def _cut(files: list[Path], _: Subject, random: Random) -> list[Path]:
    """The copy broke off."""
    file = _one_of(files, random)
    os.truncate(file, file.stat().st_size * int(random.integers(5, 95)) // 100)
    return [file]


def _scratched(files: list[Path], _: Subject, random: Random) -> list[Path]:
    """The footer is whole, and pages are not."""
    file = _one_of(files, random)
    content = bytearray(file.read_bytes())
    content[100 : len(content) * 2 // 3] = random.bytes(len(content) * 2 // 3 - 100)
    file.write_bytes(content)
    return [file]


def _eight_bytes(files: list[Path], subject: Subject, random: Random) -> list[Path]:
    """One file was written by a NautilusTrader of 8-byte values."""
    return [_rewritten(_one_of(files, random), subject, "v1-8")]


def _other_precision(files: list[Path], subject: Subject, random: Random) -> list[Path]:
    return [_rewritten(_one_of(files, random), replace(subject, price_precision=subject.price_precision - 1), "v1-16")]


def _promising(files: list[Path], _: Subject, random: Random) -> list[Path]:
    """The name of the last file promises days more than it holds."""
    start, end = _interval(files[-1])
    return [_renamed(files[-1], start, end + int(random.integers(5, 10)) * DAY_NS)]


def _outside(files: list[Path], _: Subject, random: Random) -> list[Path]:
    """A name's interval begins after the file's first row."""
    file = _one_of(files, random)
    start, end = _interval(file)
    return [_renamed(file, start + (end - start) // int(random.integers(2, 10)), end)]


def _overlapping(files: list[Path], subject: Subject, random: Random) -> list[Path]:
    """The rows of a file are there once more under a name inside its interval."""
    file = _one_of(files, random)
    start, end = _interval(file)
    third = (end - start) // 3
    frame = _rows(file).filter(pl.col("ts_init").is_between(start + third, end - third))
    return [_written(file.parents[3], subject, frame, "v1-16-desk")]


def _small_groups(files: list[Path], subject: Subject, random: Random) -> list[Path]:
    """Row groups of 5,000 rows, as 1.x writes them."""
    return [_rewritten(_one_of(files, random), subject, "v1-16")]


def _many(files: list[Path], _: Subject, random: Random) -> list[Path]:
    """A file each few rows."""
    return files


DAMAGES: Final = (
    Damage("broken off", "file.unreadable", _cut),
    Damage("damaged pages", "file.unreadable", _scratched),
    Damage("8-byte values among 16-byte ones", "file.schema", _eight_bytes),
    Damage("another precision", "file.schema", _other_precision),
    Damage("name promises more", "file.interval", _promising),
    Damage("rows outside of the name", "file.interval", _outside),
    Damage("intervals overlap", "file.overlap", _overlapping),
    Damage("small row groups", "file.small", _small_groups),
    Damage("many small files", "file.small", _many, tiny=True),
)
CHECKS: Final = frozenset({damage.check for damage in DAMAGES} | {"instrument.missing"})
# Damage that another check sees too: rows that come twice, and a dialect that has its own row groups.
_MAY_FLAG: Final = {
    "intervals overlap": {"file.small"},
    "8-byte values among 16-byte ones": {"file.small"},
    "another precision": {"file.small"},
    "rows outside of the name": {"file.overlap"},
    "name promises more": {"file.overlap"},
}


def judge_files(root: Path, seeds: Iterable[int]) -> Tallies:
    """Make a store per seed below a directory, damage it, have the desk sync and validate it, and count files."""
    tallies: Tallies = {}
    for seed in seeds:
        store = root / f"store-{seed}"
        broken = {
            _subject(number): (damage, _damaged(store, number, damage, np.random.default_rng(seed)))
            for number, damage in enumerate(DAMAGES)
        }
        _sound_dataset(store, len(DAMAGES))
        _judge_store(store, broken, tallies)
    return tallies


def _judge_store(store: Path, broken: dict[Subject, tuple[Damage, set[str]]], tallies: Tallies) -> None:
    from catalog_app.models import Dataset
    from catalog_app.services.stores import register_store
    from catalog_app.services.sync import sync_store
    from quality_app.services.validation.run import validate

    record = register_store(store, read_only=True)
    sync_store(record)
    known = {subject.directory: told for subject, told in broken.items()}
    for dataset in Dataset.objects.filter(store=record).select_related("store", "definition"):
        damage, wanted = known.get(dataset.path, (None, set()))
        files = dataset.files.count()
        for result in validate(dataset).results.all():
            name = damage.name if damage else "sound files"
            tally = tallies.setdefault((result.check_id, name), Tally())
            tally.rows += files
            if result.check_id == "instrument.missing":
                # Of all datasets the sound one alone has a definition.
                _add(tally, {dataset.path} if damage else set(), {dataset.path} if result.violations else set())
            elif result.check_id in CHECKS:
                found = {str(sample["file"]) for sample in result.samples}
                own = damage is not None and damage.check == result.check_id
                if damage and not own and result.check_id in _MAY_FLAG.get(damage.name, ()):
                    continue
                _add(tally, wanted if own else set(), found)


def _add(tally: Tally, wanted: set[str], found: set[str]) -> None:
    tally.found += len(wanted & found)
    tally.missed += len(wanted - found)
    tally.wrong += len(found - wanted)
    tally.examples += [f"missed {path}" for path in sorted(wanted - found)]
    tally.examples += [f"wrong {path}" for path in sorted(found - wanted)]


def _subject(number: int) -> Subject:
    return replace(QUOTES, instrument_id=f"C{number}USDT.BINANCE")


def _damaged(store: Path, number: int, damage: Damage, random: Random) -> set[str]:
    files = _make(store, _subject(number), random, tiny=damage.tiny)
    return {path.relative_to(store).as_posix() for path in damage.harm(files, _subject(number), random)}


def _sound_dataset(store: Path, number: int) -> None:
    """With a definition."""
    import pyarrow.parquet as pq

    from catalog_app.store.instruments.building import build_instrument, instrument_path, instrument_table

    subject = _subject(number)
    _make(store, subject, np.random.default_rng(number), tiny=False)
    instrument = build_instrument(
        "currency_pair", subject.instrument_id, currency="USDT", base_currency="BTC",
        price_precision=subject.price_precision, size_precision=subject.size_precision,
    )  # fmt: skip
    path = store / instrument_path(instrument)
    path.parent.mkdir(parents=True)
    pq.write_table(instrument_table(instrument), path)


def _make(store: Path, subject: Subject, random: Random, *, tiny: bool) -> list[Path]:
    """Write files with an hour between them, in order of their times."""
    count, rows = (_TINY_FILES, 50) if tiny else (_FILES, _ROWS)
    frames = list(quotes(count * rows, int(random.integers(1, 2**31)), rows))
    apart = [
        frame.with_columns(pl.col("ts_event", "ts_init") + number * 3_600_000_000_000)
        for number, frame in enumerate(frames)
    ]
    write_files(store, subject, _SOUND, apart)
    return sorted((store / subject.directory).iterdir())


def _one_of(files: list[Path], random: Random) -> Path:
    return files[int(random.integers(0, len(files)))]


def _interval(file: Path) -> tuple[int, int]:
    found = parse_file_name(file.name)
    if found is None:
        raise ValueError(f"{file.name} is no name of a data file")
    return found


def _renamed(file: Path, start_ns: int, end_ns: int) -> Path:
    return file.rename(file.with_name(format_file_name(start_ns, end_ns)))


def _rows(file: Path) -> pl.DataFrame:
    from catalog_app.store import reader

    store = file.parents[3]
    return reader.scan(store, [file.relative_to(store).as_posix()], "quote").collect()


def _rewritten(file: Path, subject: Subject, form: str) -> Path:
    """The same rows in another form, under the same name."""
    frame = _rows(file)
    file.unlink()
    return _written(file.parents[3], subject, frame, form)


def _written(store: Path, subject: Subject, frame: pl.DataFrame, form: str) -> Path:
    """Write a frame beside the dataset's files."""
    aside = store / "aside"
    write_files(aside, subject, FORMS[form], [frame])
    (made,) = aside.rglob("*.parquet")
    file = store / subject.directory / made.name
    made.replace(file)
    shutil.rmtree(aside)
    return file
