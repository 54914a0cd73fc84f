"""The job that maintains datasets: each is planned, changed in one commit, recorded and indexed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from catalog_app.models import Store, StoreOperation
from catalog_app.services import leases, operations
from catalog_app.services.errors import JobFailed, ServiceError
from catalog_app.services.jobs import Progress
from catalog_app.services.maintenance import summaries
from catalog_app.services.maintenance.access import exclusive, refresh_index, store_of
from catalog_app.services.maintenance.requesting import archive_target
from catalog_app.store.commit.journal import find_operation
from catalog_app.store.commit.moves import Committed
from catalog_app.store.errors import ConcurrentChange, StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance import Archive, Plan, Request, execute, plan, request_from_json


@dataclass(slots=True)
class Done:
    """What came of a job, dataset by dataset."""

    operations: list[dict[str, Any]] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)


def run_maintenance(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Plan, or plan and change, the datasets that the parameters name.

    A dataset that fails stops none of the others; each is changed wholly or not at all. A repeated
    attempt finds what the one before committed, and only finishes the records.

    Raises:
        JobFailed: when datasets failed; it names the first ones and says how many were changed.

    """
    request = request_from_json(parameters["request"])
    if parameters["dryRun"]:
        return _preview(progress, parameters, request)
    store = store_of(parameters["storeId"])
    done = Done()
    try:
        for number, directory in enumerate(parameters["directories"], start=1):
            part = _Part(progress, store, request, parameters, directory, number)
            try:
                part.change(done)
            except (StoreError, ServiceError) as error:
                reason = str(error).removeprefix(f"{directory}: ")
                progress.log(f"{directory}: {reason}", "error")
                done.failures.append({"directory": directory, "reason": reason})
    finally:
        datasets = _refresh(progress, store, request, done)
    if done.failures:
        raise JobFailed(_failed(done, len(parameters["directories"])))
    return {"operations": done.operations, "unchanged": done.unchanged, "datasetIds": datasets}


def _preview(progress: Progress, parameters: dict[str, Any], request: Request) -> dict[str, Any]:
    store = Store.objects.filter(pk=parameters["storeId"]).first()
    if store is None:
        raise JobFailed("The store is no longer registered.")
    directories = parameters["directories"]
    known = {dataset.path: dataset for dataset in store.datasets.filter(path__in=directories)}
    listed = max(summaries.FILES_LISTED // max(len(directories), 1), 5)
    plans = []
    progress.stage("Planning", total=len(directories), unit="datasets")
    for directory in directories:
        progress.part(f"Planning {directory}")
        try:
            made = plan(store.root, directory, request, lambda *_: progress.check())
            plans.append(summaries.summary(made, known.get(directory), listed))
        except StoreError as error:
            plans.append(summaries.refusal(directory, known.get(directory), str(error)))
        progress.advance(1)
        progress.check()
    return {"plans": plans, "totals": summaries.totals(plans), "datasetIds": []}


class _Part:
    """The work on one dataset."""

    def __init__(
        self,
        progress: Progress,
        store: Store,
        request: Request,
        parameters: dict[str, Any],
        directory: str,
        number: int,
    ) -> None:
        self._progress, self._store, self._request, self._directory = progress, store, request, directory
        self._fingerprints: dict[str, str] | None = parameters.get("fingerprints")
        self._operation_id = uuid5(UUID(parameters["runId"]), directory)
        total = len(parameters["directories"])
        self._label = directory if total == 1 else f"{number} of {total}: {directory}"
        self._target = archive_target(store, request) if isinstance(request, Archive) else None

    def change(self, done: Done) -> None:
        """Plan and change the dataset unless an earlier attempt has; note what came of it."""
        self._progress.check()
        with ExitStack() as held:
            root = held.enter_context(self._held(self._store))
            target = None if self._target is None else held.enter_context(self._held(self._target))
            committed = find_operation(root, self._operation_id)
            if committed is None:
                self._commit(root, target)
                committed = find_operation(root, self._operation_id)
            if committed is None:
                done.unchanged.append(self._directory)
                return
            operation = self._record(self._store, committed)
        done.operations.append(
            {
                "operationId": str(operation.pk),
                "directory": self._directory,
                "filesBefore": operation.file_count_before,
                "filesAfter": operation.file_count_after,
                "rowsBefore": operation.rows_before,
                "rowsAfter": operation.rows_after,
                "bytesBefore": operation.bytes_before,
                "bytesAfter": operation.bytes_after,
            }
        )

    def _commit(self, root: StoreRoot, target: StoreRoot | None) -> None:
        """Make the change, unless there is nothing to do."""
        self._progress.stage(f"Planning {self._label}")
        made = plan(root, self._directory, self._request, lambda *_: self._progress.check())
        if made.is_noop:
            return
        self._refuse_other(made)
        self._progress.stage(f"Changing {self._label}", total=made.rows_before)
        outcome = execute(
            root,
            made,
            operation_id=self._operation_id,
            on_progress=_counting(self._progress),
            before_commit=self._before_commit,
            target=target,
        )
        if self._target is not None and target is not None and outcome.target_operation_id is not None:
            copied = find_operation(target, outcome.target_operation_id)
            if copied is not None:
                self._record(self._target, copied)

    def _record(self, store: Store, committed: Committed) -> StoreOperation:
        parameters = self._request.facts()
        if self._target is not None:
            parameters |= {"fromStore": self._store.name, "toStore": self._target.name}
        return operations.record(
            store,
            committed,
            kind=self._request.kind,
            directory=self._directory,
            user=self._progress.user,
            job_id=self._progress.job_id,
            parameters=parameters,
        )

    def _held(self, store: Store) -> AbstractContextManager[StoreRoot]:
        purpose = self._request.kind.replace("_", " ")
        return exclusive(store, [self._directory], self._progress.claim, purpose)

    def _refuse_other(self, made: Plan) -> None:
        wanted = self._fingerprints
        if wanted is not None and wanted.get(self._directory) != summaries.fingerprint(made):
            raise ConcurrentChange(
                f"{self._directory}: its files changed since the preview, so nothing was changed. Preview it again."
            )

    def _before_commit(self) -> None:
        self._progress.part(f"Committing {self._label}")
        self._progress.check()
        for store in (self._store, self._target):
            if store is not None:
                leases.assert_held(store, [self._directory], self._progress.claim)


def _counting(progress: Progress) -> Callable[[int, int | None], None]:
    """Take a count of rows that only grows, and stop the work when it is no longer wanted."""
    counted = 0

    def report(done: int, total: int | None) -> None:
        nonlocal counted
        progress.advance(done - counted)
        counted = done
        progress.check()

    return report


def _refresh(progress: Progress, store: Store, request: Request, done: Done) -> list[str]:
    """Bring the index in line for what was committed, also when the job was cancelled midway."""
    directories = [item["directory"] for item in done.operations]
    if not directories:
        return []
    datasets = refresh_index(store, directories, progress)
    if isinstance(request, Archive):
        datasets += refresh_index(archive_target(store, request), directories, progress)
    return datasets


def _failed(done: Done, total: int) -> str:
    if total == 1:
        return f"{done.failures[0]['directory']}: {done.failures[0]['reason']}"
    first = "; ".join(f"{item['directory']}: {item['reason']}" for item in done.failures[:3])
    more = " …" if len(done.failures) > 3 else ""
    return (
        f"{len(done.failures):,} of {total:,} datasets were not changed ({first}{more}). "
        f"{len(done.operations):,} were changed; {len(done.unchanged):,} had nothing to do. The log names each."
    )
