"""Do a maintenance operation on datasets of a store."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog_app.forms.fields import parse_moment
from catalog_app.management.base import DeskCommand
from catalog_app.models import Dataset, Store
from catalog_app.models.dataset import DataType
from catalog_app.services.errors import ServiceError
from catalog_app.services.jobs import run_inline
from catalog_app.services.maintenance.requesting import LABELS, maintenance_parameters
from catalog_app.store.layout import identifier
from catalog_app.store.maintenance import Request, request_from_json


class Command(DeskCommand):
    help = "Consolidate, deduplicate, sort, split, recompress, rename, delete or archive; --dry-run only plans."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add operation, datasets and parameters."""
        parser.add_argument("operation", choices=sorted(LABELS), help="what to do")
        parser.add_argument("--instrument", action="append", default=[], help="EUR/USD.SIM; may be repeated")
        parser.add_argument("--data-type", choices=DataType.values, default="")
        parser.add_argument("--bar-type", default="", help="a bar type, or its timeframe")
        parser.add_argument("--all", action="store_true", help="every dataset of the store that fits")
        parser.add_argument("--start", default="", help="first ts_init, UTC: 2024-01-31 or 2024-01-31T09:30:00Z")
        parser.add_argument("--end", default="", help="last ts_init, UTC, inclusive; a date means its whole day")
        parser.add_argument("--period", default="", help="consolidate: hour, day, week, month or year")
        parser.add_argument("--target-rows", type=int, help="consolidate: rows of a file")
        parser.add_argument("--target-bytes", type=int, help="consolidate: bytes of a file")
        parser.add_argument("--compression", default="", help="recompress: zstd, snappy or none")
        parser.add_argument("--row-group-rows", type=int, help="recompress: rows of a row group")
        parser.add_argument("--target-store", default="", help="archive: name of the store to move to")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; exit code 1 when a dataset was refused or failed."""
        store = self.store(options)
        try:
            parameters = maintenance_parameters(
                self._datasets(store, options), self._request(options), dry_run=options["dry_run"]
            )
        except ServiceError as error:
            self.usage_error(str(error))
        job = run_inline("maintain", parameters, title=f"{LABELS[options['operation']]}: {store}")
        if job.error:
            self.message(job.error)
        failed = bool(job.error or job.result.get("totals", {}).get("errors"))
        document = {"dryRun": options["dry_run"], **job.result, "error": job.error}
        self.finish(document, _text(job.result), ok=not failed, as_json=options["as_json"])

    def _request(self, options: dict[str, Any]) -> Request:
        values: dict[str, Any] = {
            "period": options["period"],
            "targetRows": options["target_rows"],
            "targetBytes": options["target_bytes"],
            "compression": options["compression"],
            "rowGroupRows": options["row_group_rows"],
            "targetRoot": self._target(options["target_store"]),
            "startNs": self._moment(options["start"]),
            "endNs": self._moment(options["end"], end=True),
        }
        given = {name: value for name, value in values.items() if value not in {None, ""}}
        try:
            return request_from_json({"kind": options["operation"], **given})
        except ValueError as error:
            self.usage_error(f"{error}.")

    def _moment(self, text: str, *, end: bool = False) -> int | None:
        try:
            return parse_moment(text, end=end) if text else None
        except ValueError as error:
            self.usage_error(str(error))

    def _target(self, name: str) -> str:
        return self.store({"store": name}).root if name else ""

    def _datasets(self, store: Store, options: dict[str, Any]) -> list[Dataset]:
        wanted = {identifier(name) for name in options["instrument"]}
        if not (wanted or options["all"]):
            self.usage_error("Name datasets by --instrument, or take all that fit with --all.")
        rows = store.datasets.select_related("store")
        if options["data_type"]:
            rows = rows.filter(data_type=options["data_type"])
        bar_type = options["bar_type"]
        return [
            row
            for row in rows
            if (not wanted or identifier(row.instrument_id) in wanted)
            and (not bar_type or bar_type in {row.bar_type, row.timeframe})
        ]


def _text(result: dict[str, Any]) -> str:
    lines = []
    for plan in result.get("plans", []):
        if "error" in plan:
            lines.append(f"{plan['directory']}: {plan['error']}")
        elif plan["isNoop"]:
            lines.append(f"{plan['directory']}: nothing to do")
        else:
            lines.append(_change(plan))
            lines += [f"  {note}" for note in plan["notes"]]
    lines += [f"{_change(item)} (operation {item['operationId']})" for item in result.get("operations", [])]
    lines += [f"{directory}: nothing to do" for directory in result.get("unchanged", [])]
    return "\n".join(lines)


def _change(item: dict[str, Any]) -> str:
    about = "≈ " if item.get("bytesExact") is False else ""
    return (
        f"{item['directory']}: {item['filesBefore']} → {item['filesAfter']} files, {item['rowsBefore']} → "
        f"{item['rowsAfter']} rows, {item['bytesBefore']:,} → {about}{item['bytesAfter']:,} bytes"
    )
