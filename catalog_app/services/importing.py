"""Bring data in: a vendor's file becomes NautilusTrader data, wholly or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from catalog_app.formats.delimited import Mapping
from catalog_app.models import Import, Instrument, Job, Store, Upload
from catalog_app.services import jobs, leases, operations
from catalog_app.services.errors import JobFailed, ServiceError
from catalog_app.services.import_write import ImportPlan, Written, write_import
from catalog_app.services.jobs import Progress
from catalog_app.services.maintenance.access import exclusive, writable
from catalog_app.services.sync import sync_store
from catalog_app.services.uploads import upload_path
from catalog_app.store.bar_type import parse_bar_type
from catalog_app.store.commit.journal import find_operation
from catalog_app.store.commit.moves import Committed
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.instruments.building import build_instrument
from catalog_app.store.layout import dataset_path

# Spreads trade at negative prices; for the rest a price of 0 or less is a defect.
MAY_BE_NEGATIVE = frozenset({"futures_spread", "option_spread", "crypto_futures_spread", "crypto_option_spread"})


class ImportRefused(ServiceError):
    """The import cannot be made as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import where.

    Attributes:
        instrument_id: As NautilusTrader writes it, `EUR/USD.SIM`.
        bar_type: For bars, `EUR/USD.SIM-1-MINUTE-BID-EXTERNAL`; else empty.
        new_instrument: Arguments of `store.instruments.build_instrument` when the store does not define it yet.
        skip_rejected: Import the good rows although others are rejected.
        sort_rows: Sort rows that come out of order instead of refusing the file.

    """

    upload: Upload
    store: Store
    mapping: Mapping
    instrument_id: str
    bar_type: str = ""
    new_instrument: dict[str, Any] | None = None
    skip_rejected: bool = False
    sort_rows: bool = False

    def check(self) -> None:
        """Raise ImportRefused when it can never succeed."""
        if self.store.read_only:
            raise ImportRefused(f"The store {self.store} is read-only. Choose another one.")
        upload_path(self.upload)
        if self.mapping.data_type == "bar":
            self._check_bar_type()
        instrument = self.store.instruments.filter(instrument_id=self.instrument_id, is_defined=True).first()
        if instrument is None:
            self._check_new_instrument()

    def _check_bar_type(self) -> None:
        try:
            bar_type = parse_bar_type(self.bar_type)
        except ValueError as error:
            raise ImportRefused(f"{self.bar_type!r} is no bar type: {error}") from None
        if bar_type.instrument_id != self.instrument_id:
            raise ImportRefused(f"The bar type {self.bar_type} does not belong to {self.instrument_id}.")

    def _check_new_instrument(self) -> None:
        if self.new_instrument is None:
            raise ImportRefused(
                f"The store {self.store} has no definition of {self.instrument_id}. "
                "Choose an instrument that it defines, or fill in the new instrument."
            )
        try:
            build_instrument(instrument_id=self.instrument_id, **self.new_instrument)
        except ValueError as error:
            raise ImportRefused(f"The new instrument {self.instrument_id} is not possible: {error}") from None


def request_import(request: ImportRequest, user: User | None, *, idempotency_key: str | None = None) -> Import:
    """Record an import and queue its job.

    Raises:
        ImportRefused: when it can never succeed.

    """
    request.check()
    with transaction.atomic():
        item = _record(request, user)
        job = jobs.enqueue(
            "import",
            {"importId": str(item.import_id)},
            title=f"Import {request.upload} as {request.bar_type or request.instrument_id}",
            user=user,
            idempotency_key=idempotency_key,
        )
        existing = Import.objects.filter(job=job).first()
        if existing:  # a repeat of a request that was already taken
            item.delete()
            return existing
        item.job = job
        item.save(update_fields=("job",))
    return item


def import_now(request: ImportRequest, user: User | None = None) -> tuple[Import, Job]:
    """Import in this process, without a broker.

    Raises:
        ImportRefused: when it can never succeed.

    """
    request.check()
    item = _record(request, user)
    job = jobs.run_inline("import", {"importId": str(item.import_id)}, user)
    Import.objects.filter(pk=item.pk).update(job=job)
    item.refresh_from_db()
    return item, job


def _record(request: ImportRequest, user: User | None) -> Import:
    return Import.objects.create(
        upload=request.upload,
        store=request.store,
        created_by=user,
        parameters={
            "mapping": request.mapping.to_json(),
            "instrumentId": request.instrument_id,
            "barType": request.bar_type,
            "newInstrument": request.new_instrument,
            "skipRejected": request.skip_rejected,
            "sortRows": request.sort_rows,
        },
    )


def run_import(progress: Progress, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parse, stage, commit and index an import.

    A repeated attempt whose predecessor was killed after the commit finds that commit by the
    import's own id and only finishes the index: rows never come in twice.

    Raises:
        JobFailed: with nothing written, when rows are rejected (and not to be skipped) or in conflict.

    """
    item = Import.objects.select_related("upload", "store").get(pk=parameters["importId"])
    purpose = f"import of {item.upload}"
    root = writable(item.store, progress.claim, purpose)
    plan = _plan(item, root)
    with exclusive(item.store, [plan.directory], progress.claim, purpose):
        committed = find_operation(root, item.import_id)
        if committed is None:
            written = write_import(progress, plan, upload_path(item.upload))
            _save_rejected(item, written)
            if written.committed is None:
                raise JobFailed(_refusal(written))
            committed = written.committed
        _record_operation(item, plan, committed, progress)
    progress.stage("Updating the catalog")
    sync_store(item.store, directories=_touched(committed))
    return _finish(item, plan, committed)


def _touched(committed: Committed) -> set[str]:
    """The directories that a commit changed: the rest of the store need not be looked at."""
    records = (*committed.files_before, *committed.files_after)
    return {record.path.rpartition("/")[0] for record in records}


def _plan(item: Import, root: StoreRoot) -> ImportPlan:
    wanted = item.parameters
    mapping = Mapping.from_json(wanted["mapping"])
    instrument_id, bar_type = wanted["instrumentId"], wanted["barType"]
    definition = Instrument.objects.filter(store=item.store, instrument_id=instrument_id, is_defined=True).first()
    return ImportPlan(
        root=root,
        operation_id=item.import_id,
        original_name=item.upload.original_name,
        mapping=mapping,
        instrument_id=instrument_id,
        bar_type=bar_type or None,
        directory=dataset_path(mapping.data_type, bar_type or instrument_id),
        price_precision=definition.price_precision if definition else None,
        size_precision=definition.size_precision if definition else None,
        negative_prices_allowed=definition is not None and definition.instrument_class in MAY_BE_NEGATIVE,
        new_instrument=None if definition else wanted["newInstrument"],
        skip_rejected=wanted["skipRejected"],
        sort_rows=wanted["sortRows"],
        check_lease=lambda claim, paths: leases.assert_held(item.store, paths, claim),
    )


def _save_rejected(item: Import, written: Written) -> None:
    item.rejected_count, item.rejected_rows = written.rejected_count, written.rejected_rows
    item.save(update_fields=("rejected_count", "rejected_rows"))


def _refusal(written: Written) -> str:
    first = written.rejected_rows[0]
    return (
        f"{written.rejected_count:,} of {written.row_count + written.rejected_count:,} rows were rejected, so nothing "
        f"was written. The first: line {first['line']:,}: {first['reason']}. Mend the file or the mapping, or import "
        "again and skip rejected rows."
    )


def _record_operation(item: Import, plan: ImportPlan, committed: Committed, progress: Progress) -> None:
    operations.record(
        item.store,
        committed,
        kind="import",
        directory=plan.directory,
        user=item.created_by,
        job_id=progress.job_id,
        parameters={"file": plan.original_name, "skipRejected": plan.skip_rejected, "sortRows": plan.sort_rows},
    )


def _rows(committed: Committed, directory: str) -> int:
    return sum(record.rows or 0 for record in committed.files_after if record.path.startswith(f"{directory}/"))


def _finish(item: Import, plan: ImportPlan, committed: Committed) -> dict[str, Any]:
    dataset = item.store.datasets.filter(path=plan.directory).first()
    item.dataset = dataset
    item.record_count = _rows(committed, plan.directory)
    item.completed_at = timezone.now()
    item.save(update_fields=("dataset", "record_count", "completed_at"))
    return {
        "importId": str(item.pk),
        "recordCount": item.record_count,
        "rejectedRows": item.rejected_count or 0,
        "datasetId": str(dataset.pk) if dataset else None,
        "operationId": str(committed.operation_id),
    }
