"""Export one dataset and range to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog_app.api.transfer_shapes import document, export_result
from catalog_app.formats.export import EXPORT_FORMATS
from catalog_app.formats.text_columns import TIMESTAMP_FORMATS
from catalog_app.forms.fields import parse_moment
from catalog_app.management.base import DeskCommand
from catalog_app.models import Dataset
from catalog_app.models.dataset import DataType
from catalog_app.services.exporting import ExportRefused, ExportRequest, export_now
from catalog_app.store.layout import identifier


class Command(DeskCommand):
    help = "Write the rows of a dataset of any data type to CSV or Parquet with exact decimals."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add what to export and how."""
        parser.add_argument("--instrument", required=True, help="EUR/USD.SIM or EURUSD.SIM")
        parser.add_argument("--data-type", choices=DataType.values, default="")
        parser.add_argument("--bar-type", default="", help="GBPUSD.SIM-1-MINUTE-BID-EXTERNAL, or its timeframe")
        parser.add_argument("--start", default="", help="first ts_init, UTC: 2024-01-31 or 2024-01-31T09:30:00Z")
        parser.add_argument("--end", default="", help="last ts_init, UTC, inclusive; a date means its whole day")
        parser.add_argument("--format", choices=sorted(EXPORT_FORMATS), default="csv", dest="export_format")
        parser.add_argument("--compression", default="", help="csv: none, gzip; parquet: zstd, snappy, gzip, none")
        parser.add_argument("--timestamp-format", choices=TIMESTAMP_FORMATS, default="iso", help="of a CSV")
        parser.add_argument("--output", type=Path, help="file to write (default: below the exports directory)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export; exit code 1 when it failed."""
        request = self._request(options)
        try:
            export, job = export_now(request, options["output"])
        except ExportRefused as error:
            self.usage_error(str(error))
        shape = document(export_result(export, job))
        text = f"{export.record_count or 0:,} rows in {export.file_path}" if not job.error else ""
        if job.error:
            self.message(job.error)
        self.finish(shape, text, ok=not job.error, as_json=options["as_json"])

    def _request(self, options: dict[str, Any]) -> ExportRequest:
        output: Path | None = options["output"]
        if output is not None and output.exists():
            self.usage_error(f"{output} exists. Name a new file, or remove that one.")
        try:
            start = parse_moment(options["start"]) if options["start"] else None
            end = parse_moment(options["end"], end=True) if options["end"] else None
        except ValueError as error:
            self.usage_error(str(error))
        return ExportRequest(
            dataset=self._dataset(options),
            export_format=options["export_format"],
            compression=options["compression"] or EXPORT_FORMATS[options["export_format"]][0],
            start_ns=start,
            end_ns=end,
            timestamp_format=options["timestamp_format"],
        )

    def _dataset(self, options: dict[str, Any]) -> Dataset:
        store = self.store(options)
        wanted = identifier(options["instrument"])
        rows = store.datasets.select_related("store")
        if options["data_type"]:
            rows = rows.filter(data_type=options["data_type"])
        bar_type = options["bar_type"]
        found = [
            row
            for row in rows
            if identifier(row.instrument_id) == wanted and (not bar_type or bar_type in {row.bar_type, row.timeframe})
        ]
        if len(found) != 1:
            names = "".join(f"\n  {row.data_type} {row.timeframe}" for row in found) or " none"
            self.usage_error(
                f"{len(found)} datasets of {options['instrument']} fit in {store}, one is needed; "
                f"narrow it by --data-type and --bar-type. They are:{names}"
            )
        return found[0]
