"""Where the rows of some gaps could come from: the same data elsewhere, finer data, other venues, waiting files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Replace

from catalog_app.models import Dataset, Import, Upload
from catalog_app.models.dataset import IndexState
from catalog_app.services.uploads import visible_uploads
from catalog_app.store.errors import StoreError
from quality_app.models import Gap
from quality_app.services.gaps.filling.coverage import measure
from quality_app.services.gaps.filling.sources import finer_data, recipe_for
from quality_app.services.gaps.filling.spans import spans_of

Group = Literal["same", "built", "venue"]
GROUPS: dict[Group, str] = {
    "same": "The same data in another place",
    "built": "Finer data, from which bars can be built",
    "venue": "Other venues: not this instrument, but one of an equal symbol",
}
MOST = 24
FILES_LISTED = 20
NO_HISTORY = "Not available: no source is set up that could be asked for history."
NOT_THEN = "It has no rows in these gaps."
_SEPARATORS = "/-_"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A dataset that rows could come from; `rows` and `share` are None where they are not counted yet.

    `notes` is what should be known before it is taken, `problem` why it cannot be.
    """

    dataset: Dataset
    group: Group
    rows: int | None = None
    share: Fraction | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def key(self) -> str:
        """Its dataset's key, as text."""
        return str(self.dataset.pk)


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """An uploaded file that may hold the rows; `known` says what it was imported as before."""

    upload: Upload
    known: str


def candidates(gaps: Sequence[Gap]) -> list[Candidate]:
    """Datasets for gaps of one dataset, the best first: usable ones with the largest share, by group.

    Raises:
        FillRefused: two of the gaps overlap.

    """
    target, spans = gaps[0].dataset, spans_of(gaps)
    found = []
    for group, rows in _groups(target).items():
        for source in rows.select_related("store", "definition").order_by("store__name", "path")[:MOST]:
            notes = tuple(_notes(target, source))
            try:
                covered = measure(target, source, spans, recipe_for(target, source, spans[0].first_ns))
            except StoreError as error:
                found.append(Candidate(source, group, problem=str(error), notes=notes))
                continue
            problem = NOT_THEN if covered.rows == 0 else ""
            found.append(Candidate(source, group, covered.rows, covered.share, notes, problem))
    order = list(GROUPS)
    return sorted(found, key=lambda one: (order.index(one.group), bool(one.problem), -(one.share or 0)))


def waiting_files(target: Dataset, user: User) -> list[WaitingFile]:
    """Uploads that are still kept, those that were imported as this data, or are named like it, first."""
    uploads = list(visible_uploads(user).filter(purged_at=None).order_by("-created_at")[: 5 * FILES_LISTED])
    imported: dict[object, str] = {}
    for item in Import.objects.filter(upload__in=uploads).order_by("created_at"):
        imported[item.upload_id] = item.parameters["barType"] or item.parameters["instrumentId"]
    words = _key(target.instrument_id).rpartition(".")[0].lower()
    own = {target.bar_type, target.instrument_id}

    def rank(upload: Upload) -> tuple[bool, bool]:
        return imported.get(upload.pk) not in own, words not in _key(upload.original_name).lower()

    return [WaitingFile(one, imported.get(one.pk, "")) for one in sorted(uploads, key=rank)[:FILES_LISTED]]


def _groups(target: Dataset) -> dict[Group, QuerySet[Dataset]]:
    rows = Dataset.objects.filter(state=IndexState.OK, record_count__gt=0).exclude(pk=target.pk)
    if not target.instrument_id:
        return {}
    alike = Q(data_type=target.data_type, timeframe=target.timeframe)
    own = rows.filter(instrument_id=target.instrument_id)
    symbol = _key(target.instrument_id).rpartition(".")[0]
    bare = Replace(Replace(Replace("instrument_id", Value("/")), Value("-")), Value("_"))
    others = rows.exclude(instrument_id=target.instrument_id).alias(bare=bare).filter(bare__startswith=f"{symbol}.")
    return {"same": own.filter(alike), "built": own.filter(finer_data(target)), "venue": others.filter(alike)}


def _notes(target: Dataset, source: Dataset) -> list[str]:
    """What differs in form: rows are written as this dataset stores them, if they fit."""
    found = []
    if source.dialect != target.dialect:
        found.append(f"stored as {source.dialect}, written as {target.dialect}")
    for name in ("price", "size"):
        theirs, ours = (getattr(one, f"{name}_precision") for one in (source, target))
        if theirs is not None and ours is not None and theirs > ours:
            found.append(f"{name}s have {theirs} decimals, here {ours}: refused where they need them")
    if "-INTERNAL" in source.bar_type:
        found.append("bars that NautilusTrader built itself")
    return found


def _key(text: str) -> str:
    for separator in _SEPARATORS:
        text = text.replace(separator, "")
    return text
