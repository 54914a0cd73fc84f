"""Validate a dataset: run the checks over its rows and keep what they found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services.jobs import Progress
from catalog_app.store import reader
from catalog_app.store.errors import UnreadableFile, UnsupportedFile
from catalog_app.store.filesystem import StoreRoot
from quality_app.checks.check import EVERY_TYPE, CheckContext, CheckOutcome, NotRun
from quality_app.checks.files import UNREADABLE
from quality_app.checks.registry import CHECKS, checks_for
from quality_app.checks.run import BATCH_ROWS, SAMPLE_LIMIT, CheckRunner
from quality_app.models import CheckResult, ValidationRun
from quality_app.scoring import score_check
from quality_app.services.context import check_context, data_files, identities, require_unchanged
from quality_app.services.scores import refresh_scores

# Stands for all checks where a whole file or dataset is left out.
EVERY_CHECK = "every check"


def validate(
    dataset: Dataset,
    progress: Progress | None = None,
    check_ids: Collection[str] | None = None,
    *,
    force: bool = False,
) -> ValidationRun:
    """Run checks over a dataset's files as the index lists them, in one streaming pass.

    Nothing is read when the latest run already holds these checks, in this version and with these parameters, over
    the same files; `force` runs them all the same. A run of some checks keeps the results that the others had over
    the same files. What cannot run is listed with its reason.

    Raises:
        JobFailed: a file is not what the index says.
        ValueError: unknown check ids.

    """
    files, context = data_files(dataset), check_context(dataset)
    wanted = {check.id for check in checks_for(dataset.data_type, check_ids)}
    before = latest_run(dataset)
    same_files = before if before is not None and before.files == identities(files) else None
    if same_files is not None and not force and _covers(same_files, wanted, context):
        refresh_scores(dataset)
        return same_files
    started = timezone.now()
    pass_ = _Pass(dataset, files, context, wanted, progress)
    pass_.run()
    return _save(pass_, started, same_files, progress)


def latest_run(dataset: Dataset) -> ValidationRun | None:
    """Return a dataset's latest run with its results."""
    return ValidationRun.objects.filter(dataset=dataset).prefetch_related("results").first()


def _covers(run: ValidationRun, wanted: set[str], context: CheckContext) -> bool:
    """Whether a run's results would come out again: same versions, same parameters."""
    have = {result.check_id: (result.version, _lasting(result.params)) for result in run.results.all()}
    left_out = {entry["check"] for entry in run.not_run}
    for check_id in wanted:
        check = CHECKS[check_id]
        runs_now = check.obstacle(context) is None
        if runs_now and have.get(check_id) != (check.version, _lasting(check.basis(context))):
            return False
        if not runs_now and check_id not in left_out:
            return False
    return True


def _lasting(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters without the time of the run: what was in the past stays there."""
    return {name: value for name, value in params.items() if name != "nowNs"}


class _Pass:
    """One pass over the files: rows go to the checks, broken files become findings."""

    def __init__(
        self,
        dataset: Dataset,
        files: list[DataFile],
        context: CheckContext,
        wanted: set[str],
        progress: Progress | None,
    ) -> None:
        self.dataset, self.files, self.context, self.wanted = dataset, files, context, wanted
        self.progress = progress
        self.root = StoreRoot.at(dataset.store.root)
        self.runner = CheckRunner(context, wanted) if dataset.data_type in EVERY_TYPE else None
        self.unreadable = CheckOutcome(UNREADABLE.id, UNREADABLE.version, {})
        self.unsupported: list[DataFile] = []

    def run(self) -> None:
        """Read every file once."""
        if self.progress:
            self.progress.part(f"Checking {self.dataset}")
        for file in self.files:
            self.unreadable.rows += 1
            if file.state == IndexState.UNREADABLE:
                self._broken(file, file.problem)
            elif file.state == IndexState.UNSUPPORTED or self.runner is None:
                self.unsupported.append(file)
            else:
                self._read(file, self.runner)

    def outcomes(self) -> list[CheckOutcome]:
        """Return what was found; checks of rows only when rows were read."""
        rows = self.runner.outcomes() if self.runner is not None and self.runner.rows else []
        return [self.unreadable, *rows] if UNREADABLE.id in self.wanted else rows

    def not_run(self) -> list[dict[str, str]]:
        """Return the checks that did not run, and why."""
        if self.runner is None:
            return [{"check": EVERY_CHECK, "reason": f"{self.dataset.get_data_type_display()} are not checked yet."}]
        found = list(self.runner.not_run)
        if not self.runner.rows:
            ran = {entry.check_id for entry in found} | {UNREADABLE.id}
            found += [NotRun(check_id, self._why_no_rows()) for check_id in sorted(self.wanted - ran)]
        elif "row.precision" in self.wanted and self.context.price_increment is None:
            found.append(NotRun("row.precision (increment)", "The store defines no price increment for it."))
        found += [NotRun(EVERY_CHECK, f"{file.path}: {file.problem}") for file in self.unsupported[:SAMPLE_LIMIT]]
        return [{"check": entry.check_id, "reason": entry.reason} for entry in found]

    def _why_no_rows(self) -> str:
        if self.unsupported:
            return "None of its files can be read."
        return "No row could be read."

    def _read(self, file: DataFile, runner: CheckRunner) -> None:
        require_unchanged(self.root, file)
        try:
            for batch in _batches(self.root, file, self.dataset.data_type):
                runner.feed(batch)
                if self.progress:
                    self.progress.advance(len(batch))
                    self.progress.check()
        except UnsupportedFile as error:
            file.problem = error.reason
            self.unsupported.append(file)
        except (UnreadableFile, *reader.ROW_ERRORS) as error:
            require_unchanged(self.root, file)
            self._broken(file, str(error))

    def _broken(self, file: DataFile, reason: str) -> None:
        self.unreadable.violations += 1
        if len(self.unreadable.samples) < SAMPLE_LIMIT:
            sample = {
                "file": file.path,
                "row": None,
                "tsInitNs": file.name_start_ns,
                "values": {"reason": reason[:500]},
            }
            self.unreadable.samples.append(sample)
        if self.progress:
            self.progress.log(f"{file.path} cannot be read: {reason}", "warning")


def _batches(root: StoreRoot, file: DataFile, data_type: str) -> Iterator[pl.DataFrame]:
    frame = reader.scan(root, [file.path], data_type, positions=True)
    return iter(frame.collect_batches(chunk_size=BATCH_ROWS, lazy=True, engine="streaming"))


def _save(
    pass_: _Pass, started: datetime, same_files: ValidationRun | None, progress: Progress | None
) -> ValidationRun:
    with transaction.atomic():
        run = ValidationRun.objects.create(
            dataset=pass_.dataset,
            job_id=progress.job_id if progress else None,
            started_at=started,
            finished_at=timezone.now(),
            rows=pass_.runner.rows if pass_.runner else 0,
            files=identities(pass_.files),
            not_run=pass_.not_run(),
        )
        results = [_result(run, outcome) for outcome in pass_.outcomes()]
        if same_files is not None:
            results += [_copy(run, kept) for kept in same_files.results.all() if kept.check_id not in pass_.wanted]
            kept_out = [entry for entry in same_files.not_run if entry["check"].split(" ")[0] not in pass_.wanted]
            run.not_run = [*run.not_run, *(entry for entry in kept_out if entry not in run.not_run)]
            run.save(update_fields=["not_run"])
        CheckResult.objects.bulk_create(results)
        refresh_scores(pass_.dataset)
    return run


def _result(run: ValidationRun, outcome: CheckOutcome) -> CheckResult:
    check = CHECKS[outcome.check_id]
    return CheckResult(
        run=run,
        check_id=check.id,
        version=outcome.version,
        params=outcome.params,
        dimension=check.dimension,
        severity=check.severity,
        rows=outcome.rows,
        violations=outcome.violations,
        score=score_check(outcome.violations, outcome.rows, check.limit),
        message=_message(outcome),
        samples=outcome.samples,
    )


def _copy(run: ValidationRun, result: CheckResult) -> CheckResult:
    result.pk, result.run = None, run
    result._state.adding = True
    return result


def _message(outcome: CheckOutcome) -> str:
    unit = "files" if outcome.check_id == UNREADABLE.id else "rows"
    found = (
        f"{outcome.violations:,} of {outcome.rows:,} {unit}"
        if outcome.violations
        else f"None of {outcome.rows:,} {unit}"
    )
    return f"{found}. {outcome.note}".strip()
