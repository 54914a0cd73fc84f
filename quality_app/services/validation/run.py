"""Validate a dataset: run the checks over its rows and keep what they found."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import polars as pl
from django.db import transaction
from django.utils import timezone

from catalog_app.models import DataFile, Dataset
from catalog_app.models.dataset import IndexState
from catalog_app.services.jobs import Progress
from quality_app.checks.check import EVERY_TYPE, Check, CheckContext, CheckOutcome, NotRun
from quality_app.checks.definitions import INSTRUMENT_MISSING
from quality_app.checks.files import FILE_RULES, FILES
from quality_app.checks.partial import SAMPLE_LIMIT
from quality_app.checks.registry import CHECKS, checks_for
from quality_app.checks.run import repeat_note
from quality_app.models import CheckResult, ValidationRun
from quality_app.scoring import score_check
from quality_app.services.anomalies.recording import record as record_anomalies
from quality_app.services.context import check_context, data_files, identities, quote_dataset
from quality_app.services.rules.resolution import resolve
from quality_app.services.scores import refresh_scores
from quality_app.services.validation.helping import call_helpers
from quality_app.services.validation.parts import Parts, Plan, Whole
from quality_app.services.validation.profiles import profile_of

# Stands for all checks where a whole file or dataset is left out.
EVERY_CHECK = "every check"
# How often a file that another process reads is looked at.
WAIT_SECONDS = 0.25


def validate(
    dataset: Dataset,
    progress: Progress | None = None,
    check_ids: Collection[str] | None = None,
    *,
    force: bool = False,
) -> ValidationRun:
    """Run checks over a dataset's files as the index lists them.

    Only files that changed since are read, and only for checks whose version, parameters or facts changed; `force`
    reads them all. A run of some checks keeps the results that the others had over the same files. Where nothing
    differs from the latest run, that run is returned. What cannot run is listed with its reason.

    Raises:
        JobFailed: a file is not what the index says.
        ValueError: unknown check ids.

    """
    started = timezone.now()
    work = prepare(dataset, check_ids)
    before = latest_run(dataset)
    same_files = before if before is not None and before.files == identities(work.files) else None
    if same_files is not None and not force and _covers(same_files, work):
        refresh_scores(dataset, confirmed_at=started)
        return same_files
    if progress:
        progress.part(f"Checking {dataset}")
    whole = _check_rows(work, progress, force=force)
    return _save(work, whole, started, same_files, progress)


def latest_run(dataset: Dataset) -> ValidationRun | None:
    """Return a dataset's latest run with its results."""
    return ValidationRun.objects.filter(dataset=dataset).prefetch_related("results").first()


@dataclass(slots=True)
class Work:
    """What a run is about: the files, what is known, the checks that run, and those that do not."""

    dataset: Dataset
    files: list[DataFile]
    context: CheckContext
    wanted: set[str]
    checks: list[Check] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)

    @property
    def row_checks(self) -> list[Check]:
        """The checks that look at rows."""
        return [check for check in self.checks if check.rule is not None]

    @property
    def plan(self) -> Plan:
        """What is to be found out about the files whose rows may be read."""
        quotes = quote_dataset(self.dataset) if self.context.quotes else None
        readable = [file for file in self.files if file.state == IndexState.OK]
        return Plan(self.dataset, readable, self.context, self.row_checks, data_files(quotes) if quotes else [])


def prepare(dataset: Dataset, check_ids: Collection[str] | None = None) -> Work:
    """Collect what a validation needs; raises ValueError for unknown check ids."""
    rules, files = resolve(dataset), data_files(dataset)
    wanted = {check.id: check for check in checks_for(dataset.data_type, check_ids)}
    context = check_context(dataset, rules.values)
    if dataset.data_type in EVERY_TYPE:
        readable = [file for file in files if file.state == IndexState.OK]
        context = replace(context, profile=profile_of(dataset, readable, context))
    work = Work(dataset, files, context, set(wanted))
    for check in wanted.values():
        reason = rules.disabled.get(check.id) or check.obstacle(context)
        if reason is None:
            work.checks.append(check)
        else:
            work.not_run.append(NotRun(check.id, reason))
    return work


def _check_rows(work: Work, progress: Progress | None, *, force: bool) -> Whole | None:
    """Have every file checked, by this process and others; None where no check looks at rows."""
    if not work.row_checks or work.dataset.data_type not in EVERY_TYPE:
        return None
    parts = Parts(work.plan, progress)
    if force:
        parts.forget()
    pending = [file for file in parts.plan.files if parts.missing(file) or not parts.is_known(file)]
    call_helpers(parts, pending, progress)
    while pending := [file for file in pending if not parts.check_file(file)]:
        time.sleep(WAIT_SECONDS)
        parts.reload()
        if progress:
            progress.check()
    return parts.whole()


def _covers(run: ValidationRun, work: Work) -> bool:
    """Whether a run's results would come out again: the same checks, versions, parameters and facts."""
    have = {
        result.check_id: (result.version, _lasting(result.params))
        for result in run.results.all()
        if result.check_id in work.wanted
    }
    left_out = {entry["check"] for entry in run.not_run}
    if left_out >= {EVERY_CHECK} and not have:
        return all(entry.check_id in left_out for entry in work.not_run)
    expected = {check.id: (check.version, _lasting(check.basis(work.context))) for check in work.checks}
    missing = expected.keys() - have.keys()
    same = all(have[name] == expected.get(name) for name in have)
    return same and missing <= left_out and all(entry.check_id in left_out for entry in work.not_run)


def _lasting(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters without the time of the run: what was in the past stays there."""
    return {name: value for name, value in params.items() if name != "nowNs"}


def _outcomes(work: Work, whole: Whole | None) -> list[CheckOutcome]:
    """What was found; checks of rows only when rows were read."""
    files = _file_frame(work.files, whole)
    found = []
    for check in work.checks:
        if check.id in FILE_RULES:
            found.append(_file_outcome(check, files, work.context))
        elif check.id == INSTRUMENT_MISSING.id:
            found.append(_definition_outcome(check, work))
        elif whole is not None and whole.rows:
            finding = whole.findings[check.id]
            note = repeat_note(whole.disordered, whole.cut) if check.id == "row.duplicate" else ""
            outcome = CheckOutcome(check.id, check.version, check.basis(work.context), whole.rows)
            found.append(replace(outcome, violations=finding.violations, samples=finding.samples, note=note))
    return found


def _file_frame(files: list[DataFile], whole: Whole | None) -> pl.DataFrame:
    """The files in the terms of the checks of files; reading may have found what the index did not know."""
    problems, unsupported = (whole.problems, whole.unsupported) if whole else ({}, {})
    rows = [
        {
            "path": file.path,
            "size": file.size_bytes,
            "rows": file.rows,
            "row_groups": file.row_groups,
            "dialect": file.dialect,
            "price_precision": file.price_precision,
            "size_precision": file.size_precision,
            "start": file.start_ns,
            "end": file.end_ns,
            "name_start": file.name_start_ns,
            "name_end": file.name_end_ns,
            "problem": file.problem if file.state == IndexState.UNREADABLE else problems.get(file.path),
            "unsupported": file.problem if file.state == IndexState.UNSUPPORTED else unsupported.get(file.path),
        }
        for file in files
    ]
    return pl.DataFrame(rows, schema=FILES)


def _file_outcome(check: Check, files: pl.DataFrame, context: CheckContext) -> CheckOutcome:
    reasons = FILE_RULES[check.id](files, context).alias("reason")
    marked = files.with_columns(reasons).filter(pl.col("reason").is_not_null())
    samples = [
        {"file": row["path"], "row": None, "tsInitNs": row["name_start"], "values": {"reason": row["reason"][:500]}}
        for row in marked.head(SAMPLE_LIMIT).iter_rows(named=True)
    ]
    return CheckOutcome(check.id, check.version, check.basis(context), len(files), len(marked), samples)


def _definition_outcome(check: Check, work: Work) -> CheckOutcome:
    definition = work.dataset.definition
    missing = definition is None or not definition.is_defined
    return CheckOutcome(check.id, check.version, check.basis(work.context), 1, int(missing))


def _not_run(work: Work, whole: Whole | None) -> list[dict[str, str]]:
    """The checks that did not run, and why."""
    found = list(work.not_run)
    unsupported = [file for file in work.files if file.state == IndexState.UNSUPPORTED]
    if work.dataset.data_type not in EVERY_TYPE:
        found.append(NotRun(EVERY_CHECK, f"Rows of {work.dataset.get_data_type_display().lower()} are not checked."))
    elif whole is None or not whole.rows:
        reason = "None of its files can be read." if unsupported else "No row could be read."
        found += [NotRun(check.id, reason) for check in work.row_checks]
    elif "row.precision" in {check.id for check in work.checks} and work.context.price_increment is None:
        found.append(NotRun("row.precision (increment)", "The store defines no price increment for it."))
    reasons = {file.path: file.problem for file in unsupported} | (whole.unsupported if whole else {})
    found += [NotRun(EVERY_CHECK, f"{path}: {why}") for path, why in list(reasons.items())[:SAMPLE_LIMIT]]
    return [{"check": entry.check_id, "reason": entry.reason} for entry in found]


def _save(
    work: Work, whole: Whole | None, started: datetime, same_files: ValidationRun | None, progress: Progress | None
) -> ValidationRun:
    with transaction.atomic():
        run = ValidationRun.objects.create(
            dataset=work.dataset,
            job_id=progress.job_id if progress else None,
            started_at=started,
            finished_at=timezone.now(),
            rows=whole.rows if whole else 0,
            files=identities(work.files),
            not_run=_not_run(work, whole),
        )
        results = [_result(run, outcome) for outcome in _outcomes(work, whole)]
        if same_files is not None:
            results += [_copy(run, kept) for kept in same_files.results.all() if kept.check_id not in work.wanted]
            kept_out = [entry for entry in same_files.not_run if entry["check"].split(" ")[0] not in work.wanted]
            run.not_run = [*run.not_run, *(entry for entry in kept_out if entry not in run.not_run)]
            run.save(update_fields=["not_run"])
        CheckResult.objects.bulk_create(results)
        record_anomalies(run)
        refresh_scores(work.dataset)
    if progress:
        for path, problem in (whole.problems if whole else {}).items():
            progress.log(f"{path} cannot be read: {problem}", "warning")
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
        message=_message(outcome, check.unit),
        samples=outcome.samples,
    )


def _copy(run: ValidationRun, result: CheckResult) -> CheckResult:
    result.pk, result.run = None, run
    result._state.adding = True
    return result


def _message(outcome: CheckOutcome, unit: str) -> str:
    found = (
        f"{outcome.violations:,} of {outcome.rows:,} {unit}"
        if outcome.violations
        else f"None of {outcome.rows:,} {unit}"
    )
    return f"{found}. {outcome.note}".strip()
