"""Check a dataset file by file, keep what each gave, and read again only what changed."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID, uuid4

import polars as pl
from django.db.models import Q
from django.utils import timezone

from catalog_app.models import DataFile, Dataset
from catalog_app.store import reader
from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.filesystem import StoreRoot
from quality_app.checks.batches import file_batches
from quality_app.checks.carried import CarriedRunner
from quality_app.checks.check import QUOTES, Check, CheckContext
from quality_app.checks.ends import Ends
from quality_app.checks.halo import Halo, halo_of
from quality_app.checks.partial import Finding, Stretch, merge
from quality_app.checks.registry import checks_for
from quality_app.checks.seams import Seam, Span, seams
from quality_app.checks.stretch import StretchRunner
from quality_app.models import PartialResult
from quality_app.services.context import require_unchanged

logger = logging.getLogger(__name__)

# Who works on a file says so for this long, and again while it goes on.
CLAIM = timedelta(seconds=30)
RENEW = timedelta(seconds=8)
# What reading a file gives.
KEPT = ("rows", "first", "last", "tail_from", "disordered", "cut", "findings", "problem")


@dataclass(slots=True)
class Plan:
    """What is to be found out: which checks over which files, and what they depend on."""

    dataset: Dataset
    files: list[DataFile]
    context: CheckContext
    checks: list[Check]
    quote_files: list[DataFile] = field(default_factory=list)
    halo: Halo = field(init=False)
    root: StoreRoot = field(init=False)

    def __post_init__(self) -> None:
        # Of all checks, so that a run of a few finds what the others gave.
        self.halo = halo_of(checks_for(self.context.data_type), self.context)
        self.root = StoreRoot.at(self.dataset.store.root)

    @property
    def stateless(self) -> list[Check]:
        """The checks whose marks depend on near rows alone."""
        return [check for check in self.checks if check.carry is None]

    @property
    def carried(self) -> list[Check]:
        """The checks that follow state from the first row on."""
        return [check for check in self.checks if check.carry is not None]

    def identity(self, *parts: object) -> str:
        """Digest of what a part is: the halo, and what is given."""
        return _digest([self.halo.before, self.halo.after, *parts])

    def file_identity(self, file: DataFile) -> str:
        """What pins a file's content."""
        return self.identity(file.path, file.size_bytes, file.mtime_ns)

    def basis(self, check: Check, file: DataFile | None, state: str = "") -> str:
        """Digest of all that the marks of the file's rows depend on beside the rows."""
        facts = {name: value for name, value in check.basis(self.context).items() if name != "nowNs"}
        quotes = self._quotes_beside(file) if QUOTES in check.needs else []
        return _digest([check.version, facts, quotes, state])

    def _quotes_beside(self, file: DataFile | None) -> list[tuple[str, int, int]]:
        beside = [
            quotes
            for quotes in self.quote_files
            if file is None or _overlap(quotes.start_ns, quotes.end_ns, file.start_ns, file.end_ns)
        ]
        return [(quotes.path, quotes.size_bytes, quotes.mtime_ns) for quotes in beside]


@dataclass(slots=True)
class Whole:
    """What was found over all files; `problems` names those that could not be read, and why."""

    rows: int
    disordered: bool
    cut: bool
    findings: dict[str, Finding]
    problems: dict[str, str]
    unsupported: dict[str, str]
    read: bool


class Watch(Protocol):
    """Hears how far the work is, and stops it by an exception when it is not wanted any more."""

    def advance(self, count: int) -> None:
        """Count rows."""

    def check(self) -> None:
        """Raise when the work shall stop."""


class Parts:
    """The parts of one dataset under one plan, worked on by this process and perhaps by others."""

    def __init__(self, plan: Plan, progress: Watch | None = None) -> None:
        self.plan, self.progress = plan, progress
        self.claim: UUID = uuid4()
        self.unsupported: dict[str, str] = {}
        self.read = False
        self._ends = Ends()

    @cached_property
    def known(self) -> dict[str, PartialResult]:
        """What is kept of the dataset, by identity."""
        return {part.identity: part for part in PartialResult.objects.filter(dataset=self.plan.dataset)}

    def forget(self) -> None:
        """Have all of the plan's checks run anew."""
        ids = [check.id for check in self.plan.checks]
        for part in self.known.values():
            part.findings = {name: found for name, found in part.findings.items() if name not in ids}
        PartialResult.objects.bulk_update(self.known.values(), ["findings"], batch_size=500)

    def reload(self) -> None:
        """Look again at what is kept: others may have added to it."""
        self.__dict__.pop("known", None)

    def is_known(self, file: DataFile) -> bool:
        """Whether the file was read before, as it is."""
        part = self.known.get(self.plan.file_identity(file))
        return part is not None and part.claim is None and bool(part.rows or part.problem)

    def missing(self, file: DataFile) -> list[Check]:
        """Checks without carry that have no valid result for the file."""
        return self._missing(self.known.get(self.plan.file_identity(file)), file, self.plan.stateless)

    def check_file(self, file: DataFile) -> bool:
        """See that the file has results of all checks without carry; False when another is working on it."""
        part = self._claimed(file)
        if part is None:
            return False
        try:
            missing = self._missing(part, file, self.plan.stateless)
            if missing or not part.rows:
                self._read_file(part, file, missing)
            elif self.progress:  # another has read it in the meantime
                self.progress.advance(part.rows)
        finally:
            self._release(part)
        return True

    def check_carried(self, files: Sequence[DataFile], *, anew: bool = False) -> None:
        """Run the checks with carry over files in their order; a file's results hold while the state before does.

        States may be large, so only the last file's are kept: a change further back means to begin `anew`.
        """
        checks, state, states = self.plan.carried, "", b""
        parts = [self.known[self.plan.file_identity(file)] for file in files] if checks else []
        for file, part in zip(files, parts, strict=False):
            basis = {check.id: self.plan.basis(check, file, state) for check in checks}
            found = part.findings
            if not anew and all(found.get(name, {}).get("basis") == digest for name, digest in basis.items()):
                state, states = found[checks[0].id]["state"], bytes(part.states)
            elif state and not states and not anew:
                return self.check_carried(files, anew=True)
            else:
                state, states = self._carry(part, file, basis, states)
        for part in parts[:-1]:
            if part.states:
                part.states = b""
                part.save(update_fields=["states"])
        return None

    def check_seams(self, files: Sequence[DataFile]) -> list[PartialResult]:
        """Judge the rows at the ends of files; returns the parts that hold what was found."""
        stretches = [_stretch(self.known[self.plan.file_identity(file)]) for file in files]
        return [self._check_seam(seam, files) for seam in seams(stretches, self.plan.halo)]

    def whole(self) -> Whole:
        """Merge what all parts hold; every file must have been checked."""
        files = [file for file in self.plan.files if file.path not in self.unsupported]
        kept = {file.path: self.known[self.plan.file_identity(file)] for file in files}
        sound = [file for file in files if not kept[file.path].problem]
        self.check_carried(sound)
        parts = [*(kept[file.path] for file in sound), *self.check_seams(sound)]
        order = {file.path: place for place, file in enumerate(files)}
        self._drop_others({part.identity for part in (*kept.values(), *parts)})
        return Whole(
            rows=sum(kept[file.path].rows for file in sound),
            disordered=any(part.disordered for part in parts),
            cut=any(part.cut for part in parts),
            findings={
                check.id: merge((_finding(part, check.id) for part in parts), order) for check in self.plan.checks
            },
            problems={path: part.problem for path, part in kept.items() if part.problem},
            unsupported=self.unsupported,
            read=self.read,
        )

    def _missing(self, part: PartialResult | None, file: DataFile | None, checks: Sequence[Check]) -> list[Check]:
        if part is not None and part.problem:
            return []
        found: Mapping[str, Any] = {} if part is None else part.findings
        return [check for check in checks if not self._holds(found.get(check.id), check, file)]

    def _holds(self, found: Mapping[str, Any] | None, check: Check, file: DataFile | None) -> bool:
        if found is None or found["basis"] != self.plan.basis(check, file):
            return False
        # What lay in the future may lie in the past by now; the other way round it cannot be.
        return not ("nowNs" in check.basis(self.plan.context) and found["violations"])

    def _claimed(self, file: DataFile) -> PartialResult | None:
        identity = self.plan.file_identity(file)
        mine = {"claim": self.claim, "claimed_until": timezone.now() + CLAIM}
        part, created = PartialResult.objects.get_or_create(
            dataset=self.plan.dataset, identity=identity, defaults={"path": file.path, **mine}
        )
        if not created:
            free = Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())
            if not PartialResult.objects.filter(free, pk=part.pk).update(**mine):
                return None
            part.refresh_from_db()
        self.known[identity] = part
        return part

    def _release(self, part: PartialResult) -> None:
        """Keep what was found, unless the claim ran out and another took the file over."""
        part.claim = part.claimed_until = None
        kept = {name: getattr(part, name) for name in KEPT}
        mine = PartialResult.objects.filter(pk=part.pk, claim=self.claim)
        mine.update(claim=None, claimed_until=None, updated_at=timezone.now(), **kept)

    def _read_file(self, part: PartialResult, file: DataFile, missing: Sequence[Check]) -> None:
        self.read = True
        require_unchanged(self.plan.root, file)
        runner = StretchRunner(self.plan.context, missing, self.plan.halo, open_start=True, open_end=True)
        try:
            for batch in self._batches(file, part):
                runner.feed(batch)
        except UnsupportedFile as error:
            self.unsupported[file.path] = error.reason
            return
        except (UnreadableFile, *reader.ROW_ERRORS) as error:
            require_unchanged(self.plan.root, file)
            part.problem = str(error)[:2000] or type(error).__name__
            return
        self._keep(part, runner.finish(), missing, file)
        if runner.ends is not None:
            self._ends.keep(file.path, runner.ends)

    def _keep(self, part: PartialResult, found: Stretch, checks: Sequence[Check], file: DataFile | None) -> None:
        part.rows, part.first, part.last, part.tail_from = found.rows, found.first, found.last, found.tail_from
        part.first_ns, part.last_ns = found.first_ns, found.last_ns
        part.disordered, part.cut = found.disordered, found.cut
        for check in checks:
            basis = {"basis": self.plan.basis(check, file)}
            part.findings[check.id] = basis | found.findings[check.id].to_json()

    def _carry(self, part: PartialResult, file: DataFile, basis: Mapping[str, str], states: bytes) -> tuple[str, bytes]:
        self.read = True
        runner = CarriedRunner(self.plan.context, self.plan.carried, _states_from(states))
        for batch in self._batches(file, None):
            runner.feed(batch)
        after = _states_to(runner.states)
        state = hashlib.sha256(after).hexdigest()
        for name, digest in basis.items():
            part.findings[name] = {"basis": digest, "state": state} | runner.findings[name].to_json()
        part.states = after
        part.save(update_fields=["findings", "states", "updated_at"])
        return state, after

    def _check_seam(self, seam: Seam, files: Sequence[DataFile]) -> PartialResult:
        spans = [(self.plan.file_identity(files[span.file]), span.start, span.stop) for span in seam.spans]
        identity = self.plan.identity("ends", spans, seam.lead, seam.trail)
        part = self.known.get(identity)
        if part is None:  # another validation of the same dataset may make it at the same time
            part = PartialResult.objects.get_or_create(dataset=self.plan.dataset, identity=identity)[0]
        missing = self._missing(part, None, self.plan.stateless)
        if not missing:
            return part
        runner = StretchRunner(self.plan.context, missing, self.plan.halo, lead=seam.lead, trail=seam.trail)
        runner.feed(pl.concat([self._rows(files[span.file].path, span) for span in seam.spans]))
        self._keep(part, runner.finish(), missing, None)
        part.save()
        self.known[identity] = part
        return part

    def _rows(self, path: str, span: Span) -> pl.DataFrame:
        kept = self._ends.rows(path, span.start, span.stop)
        if kept is not None:
            return kept
        frame = reader.scan(self.plan.root, [path], self.plan.dataset.data_type, positions=True, sliced=True)
        return frame.slice(span.start, span.stop - span.start).collect(engine="streaming")

    def _batches(self, file: DataFile, part: PartialResult | None) -> Iterator[pl.DataFrame]:
        """A file's rows with their positions; a claim is renewed, progress told and cancelling heard meanwhile."""
        renewed = timezone.now()
        for batch in file_batches(self.plan.root, file.path, self.plan.dataset.data_type):
            yield batch
            if part is not None and timezone.now() - renewed > RENEW:
                renewed = timezone.now()
                PartialResult.objects.filter(pk=part.pk, claim=self.claim).update(claimed_until=renewed + CLAIM)
            if self.progress:
                self.progress.advance(len(batch))
                self.progress.check()

    def _drop_others(self, used: set[str]) -> None:
        """Forget the parts that are none any more, unless another works on them."""
        stale = [part.pk for identity, part in self.known.items() if identity not in used]
        free = Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())
        PartialResult.objects.filter(free, pk__in=stale).delete()


def _stretch(part: PartialResult) -> Stretch:
    return Stretch(part.rows, part.first, part.last, part.tail_from, part.first_ns, part.last_ns)


def _finding(part: PartialResult, check_id: str) -> Finding:
    found = part.findings.get(check_id)
    return Finding() if found is None else Finding.from_json(found)


def _states_to(states: Mapping[str, pl.DataFrame]) -> bytes:
    """States as one blob: each an Arrow file after its name."""
    parts = []
    for name, frame in sorted(states.items()):
        buffer = io.BytesIO()
        frame.rechunk().write_ipc(buffer, compression="zstd")
        content = buffer.getvalue()
        parts.append(json.dumps([name, len(content)]).encode() + b"\n" + content)
    return b"".join(parts)


def _states_from(blob: bytes) -> dict[str, pl.DataFrame]:
    states, at = {}, 0
    while at < len(blob):
        end = blob.index(b"\n", at)
        name, length = json.loads(blob[at:end])
        states[name] = pl.read_ipc(io.BytesIO(blob[end + 1 : end + 1 + length]))
        at = end + 1 + length
    return states


def _overlap(start: int | None, end: int | None, other_start: int | None, other_end: int | None) -> bool:
    if start is None or end is None or other_start is None or other_end is None:
        return True
    return start <= other_end and other_start <= end


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
