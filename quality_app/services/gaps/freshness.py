"""What a gap scan depends on: read for many datasets at once, so that what did not change costs next to nothing."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models.fields.json import KT

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import DataType, IndexState
from quality_app.services.calendars import Calendars, life_of
from quality_app.services.incidents import Incidents
from quality_app.services.scores import GAP_SCAN
from quality_app.services.wanted import Wanted

# Of how gaps are found: another one finds all of them anew.
VERSION = 2


class Bases:
    """Digests of all that the scans of some datasets depend on."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.calendars, self.wanted, self.incidents = Calendars.load(), Wanted(datasets), Incidents(datasets)
        keys = [dataset.pk for dataset in datasets]
        self._files = _files(keys)
        self._halts = _statuses(datasets)

    def of(self, dataset: Dataset) -> str:
        """Return the digest of files, hours, life, wanted range, incidents and halts of a dataset."""
        calendar = self.calendars.of(dataset)
        known = [
            VERSION,
            self._files.get(dataset.pk, []),
            calendar.name,
            calendar.digest,
            life_of(dataset),
            self.wanted.range_of(dataset),
            self.incidents.digest_of(dataset),
            self._halts.get((dataset.store_id, dataset.instrument_id), []),
            dataset.bar_type,
        ]
        return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()


def changed(keys: Collection[UUID]) -> tuple[list[UUID], Bases]:
    """Return those of some datasets whose kept scan does not hold any more, or that have none; unknown keys too.

    And what was read to tell.
    """
    rows = Dataset.objects.filter(pk__in=keys).select_related("definition").defer("metadata", "definition__definition")
    datasets = list(rows.annotate(basis=KT(f"metadata__{GAP_SCAN}__basis")))
    bases = Bases(datasets)
    holding = {row.pk for row in datasets if row.basis == bases.of(row)}
    return [key for key in keys if key not in holding], bases


def kept_basis(metadata: Mapping[str, Any]) -> str | None:
    """Return what the kept scan of a dataset depended on."""
    basis = metadata.get(GAP_SCAN, {}).get("basis")
    return basis if isinstance(basis, str) else None


def _files(keys: Collection[UUID]) -> dict[UUID, list[tuple[object, ...]]]:
    """Identities of the data files of datasets, in order."""
    rows = DataFile.objects.filter(dataset__in=keys, role=DataFile.Role.DATA).exclude(state=IndexState.LISTED)
    found: dict[UUID, list[tuple[object, ...]]] = defaultdict(list)
    columns = ("dataset_id", "path", "size_bytes", "mtime_ns", "state")
    for key, *identity in rows.order_by("dataset", "path").values_list(*columns).iterator(chunk_size=5000):
        found[key].append(tuple(identity))
    return found


def _statuses(datasets: Iterable[Dataset]) -> dict[tuple[object, str], list[tuple[object, ...]]]:
    """Identities of the files that tell halts, by store and instrument."""
    stores = {dataset.store_id for dataset in datasets}
    rows = Dataset.objects.filter(store__in=stores, data_type=DataType.STATUS)
    by_key = {row.pk: (row.store_id, row.instrument_id) for row in rows.only("pk", "store_id", "instrument_id")}
    return {by_key[key]: identities for key, identities in _files(by_key.keys()).items()}
