"""The datasets of a job that takes many, one after the other: what was asked for, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from catalog_app.models import Dataset, Job

SHOWN = 100
ASKED_SHOWN = 20
PARAMETER, RESULT = "datasetIds", "datasets"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job found of one dataset, by the names of its result."""

    dataset: Dataset
    found: Mapping[str, Any]

    @property
    def score(self) -> Decimal | None:
        """The score that the dataset had then; None: unknown."""
        given = self.found.get("score")
        return None if given is None else Decimal(given)


@dataclass(frozen=True, slots=True)
class JobDatasets:
    """Asked for and done, at most as many as a page shows, and the numbers of all."""

    asked: list[Dataset]
    asked_number: int
    done: list[Outcome]
    done_number: int

    @property
    def asked_left(self) -> int:
        """Datasets that were asked for and are not named."""
        return self.asked_number - len(self.asked)


def job_datasets(job: Job) -> JobDatasets:
    """Look the datasets up in one query; those that are no longer indexed are only counted. The worst come first."""
    asked = [str(key) for key in job.parameters.get(PARAMETER) or ()]
    results = sorted(_results(job), key=_goodness)
    wanted = {*asked[:ASKED_SHOWN], *(str(found["datasetId"]) for found in results[:SHOWN])}
    rows = Dataset.objects.filter(pk__in=[UUID(key) for key in wanted]).select_related("store").defer("metadata")
    known = {str(dataset.pk): dataset for dataset in rows}
    return JobDatasets(
        [known[key] for key in asked[:ASKED_SHOWN] if key in known],
        len(asked),
        [Outcome(known[key], found) for found in results[:SHOWN] if (key := str(found["datasetId"])) in known],
        len(results),
    )


def _results(job: Job) -> Iterable[Mapping[str, Any]]:
    found = job.result.get(RESULT)
    return [one for one in found if isinstance(one, dict) and "datasetId" in one] if isinstance(found, list) else []


def _goodness(found: Mapping[str, Any]) -> tuple[bool, float, int]:
    """The lowest score first, then what misses most; an unknown score last."""
    score = found.get("score")
    return score is None, float(score or 0), -int(found.get("missing") or 0)
