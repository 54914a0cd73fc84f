"""Writes the demo store: sound rows through the store's own writer, then the damage, then the manifest."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from catalog_app.demo.calendars import day_ns
from catalog_app.demo.damage import Damage, Damaged, damage_files, plant_refused
from catalog_app.demo.defects import Change, Defect, plant_defects
from catalog_app.demo.generate import DemoDataset, Scope, generate
from catalog_app.demo.manifest import MAX_POSITIONS, Finding, write_manifest
from catalog_app.demo.universe import DemoInstrument
from catalog_app.store.commit.journal import Transaction
from catalog_app.store.instruments.building import build_instrument, write_instrument
from catalog_app.store.layout import dataset_path, parse_file_name
from catalog_app.store.writer import DatasetWriter

# Datasets that may wait for the writing thread: bounds the memory.
_AHEAD: Final = 4


def build_store(root: Path, scope: Scope | None = None) -> list[Finding]:
    """Write the demo store into an empty directory; return what was planted.

    Args:
        root: The store's root, which exists.
        scope: What to generate; by default all of it.

    Raises:
        catalog_app.store.errors.StoreError: when the directory cannot be written.

    """
    scope = scope or Scope()
    with Transaction(root, "seed_demo", "data") as transaction:
        for instrument in scope.instruments:
            if instrument.defined:
                _stage_definition(transaction, instrument)
        findings = _stage_datasets(transaction, scope)
        transaction.commit()
    findings += [_finding_in_file(*item) for item in plant_refused(root, scope.instruments)]
    findings += [_finding_of_damage(*item) for item in damage_files(root)]
    findings += _undefined(root, scope)
    write_manifest(root, scope.seed, findings)
    return findings


def _stage_datasets(transaction: Transaction, scope: Scope) -> list[Finding]:
    """Generate in this thread and write in another one; NumPy, Polars and Arrow let both run."""
    findings: list[Finding] = []
    waiting: deque[Future[list[Finding]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="seed") as writer:
        for dataset in generate(scope):
            waiting.append(writer.submit(_stage_dataset, transaction, dataset))
            if len(waiting) > _AHEAD:
                findings += waiting.popleft().result()
        for future in waiting:
            findings += future.result()
    return findings


def _stage_definition(transaction: Transaction, spec: DemoInstrument) -> None:
    instrument = build_instrument(
        spec.instrument_class,
        spec.instrument_id,
        currency=spec.currency,
        base_currency=spec.base_currency,
        price_precision=spec.price_precision,
        size_precision=spec.size_precision,
        price_increment=spec.price_increment,
        size_increment=spec.size_increment,
        multiplier=spec.multiplier,
        activation_ns=day_ns(spec.activated) if spec.activated else None,
        expiration_ns=spec.expires_ns,
        asset_class=spec.asset_class,
        underlying=spec.underlying,
    )
    write_instrument(transaction, instrument)


@dataclass(frozen=True, slots=True)
class _Written:
    """A file and the position of its first row in the dataset's frame."""

    path: str
    first_row: int
    rows: int


def _stage_dataset(transaction: Transaction, dataset: DemoDataset) -> list[Finding]:
    frame, planted = plant_defects(dataset)
    files: list[_Written] = []
    first_row = 0
    for part in dataset.parts(frame):
        writer = DatasetWriter(
            transaction,
            dataset.data_type,
            dataset.instrument.instrument_id,
            bar_type=dataset.bar_type,
            price_precision=dataset.instrument.price_precision,
            size_precision=dataset.instrument.size_precision,
        )
        writer.write(part)
        (path,) = writer.finish()
        files.append(_Written(path, first_row, part.height))
        first_row += part.height
    return [_finding_in_rows(defect, change, dataset.path, files) for defect, change in planted]


def _finding_in_rows(defect: Defect, change: Change, dataset: str, files: list[_Written]) -> Finding:
    positions = tuple(_position(row, files) for row in change.rows)
    return _finding(defect, dataset, change, positions)


def _position(row: int, files: list[_Written]) -> tuple[str, int]:
    file = next(item for item in files if row < item.first_row + item.rows)
    return file.path, row - file.first_row


def _finding_in_file(defect: Defect, file: str, change: Change) -> Finding:
    return _finding(defect, file.rpartition("/")[0], change, tuple((file, row) for row in change.rows))


def _finding_of_damage(damage: Damage, damaged: Damaged) -> Finding:
    dataset = damaged.file.rpartition("/")[0]
    return _finding(damage, dataset, damaged, tuple((damaged.file, row) for row in damaged.rows), damaged.file)


def _undefined(root: Path, scope: Scope) -> list[Finding]:
    """List the instruments without a definition, each by its finest bars."""
    findings = []
    for instrument in scope.instruments:
        directory = dataset_path("bar", f"{instrument.instrument_id}-1-MINUTE-LAST-EXTERNAL")
        intervals = [parse_file_name(path.name) for path in sorted((root / directory).glob("*.parquet"))]
        times = [time for interval in intervals if interval for time in interval]
        if not instrument.defined and times:
            findings.append(
                Finding(
                    "undefined-instrument",
                    instrument.instrument_id,
                    directory,
                    ("instrument.missing",),
                    "no definition in the store, for this and the instrument's other datasets",
                    min(times),
                    max(times),
                    rows=0,
                    missing=0,
                    files=(),
                )
            )
    return findings


def _finding(
    planned: Defect | Damage,
    dataset: str,
    done: Change | Damaged,
    positions: tuple[tuple[str, int], ...],
    *files: str,
) -> Finding:
    return Finding(
        planned.key,
        planned.instrument_id,
        dataset,
        planned.checks,
        planned.summary,
        done.first_ns,
        done.last_ns,
        len(done.rows),
        done.missing,
        files or tuple(dict.fromkeys(file for file, _ in positions)),
        positions if len(positions) <= MAX_POSITIONS else (),
    )
