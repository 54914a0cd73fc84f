"""Import vendors' files by command."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.http import QueryDict

from catalog_app.api.transfer_shapes import import_result
from catalog_app.formats.delimited import Detection
from catalog_app.formats.errors import FormatError
from catalog_app.forms.import_initial import initial_values
from catalog_app.forms.imports import MappingForm
from catalog_app.management.base import DeskCommand
from catalog_app.models import Store, Upload
from catalog_app.services.errors import ServiceError
from catalog_app.services.import_preview import detect_upload, preview_upload
from catalog_app.services.importing import import_now
from catalog_app.services.uploads import keep_local_file
from catalog_app.store.bar_type import parse_bar_type


class Command(DeskCommand):
    help = "Import CSV files (also .gz, .zip) of bars, quotes or trades into a store."

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Add the files and how to read them; what is not given is detected."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--format", choices=["auto", "csv"], default="auto", dest="file_format")
        parser.add_argument("--instrument", default="", help="EUR/USD.SIM; for bars the bar type says it too")
        parser.add_argument("--data-type", choices=["bar", "quote", "trade"], default="")
        parser.add_argument("--bar-type", default="", help="GBP/USD.SIM-1-MINUTE-BID-EXTERNAL")
        parser.add_argument(
            "--mapping", default="{}", help="JSON: fields of the import form, to override what is detected"
        )
        parser.add_argument("--timezone", default="", help="of times without an offset: America/New_York, UTC-05:00")
        parser.add_argument("--stamp", choices=["open", "close"], default="", help="what a bar's time is")
        parser.add_argument("--conflict", choices=["reject"], default="reject", help="overlapping data is refused")
        parser.add_argument("--skip-rejected", action="store_true", help="import the good rows although others are bad")
        parser.add_argument("--sort", action="store_true", help="sort rows that are out of order")
        parser.add_argument("--dry-run", action="store_true", help="detect and preview, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import each file; exit code 1 when one failed."""
        store = self.store(options)
        results = [self._one(path, store, options) for path in options["files"]]
        ok = all(result["success"] for result in results)
        lines = [
            f"{r['file']}: {r['recordCount'] or 0:,} rows" if r["success"] else f"{r['file']}: {r['error']}"
            for r in results
        ]
        self.finish(results, "\n".join(lines), ok=ok, as_json=options["as_json"])

    def _one(self, path: Path, store: Store, options: dict[str, Any]) -> dict[str, Any]:
        if not path.is_file():
            self.usage_error(f"{path} is no file.")
        upload = keep_local_file(path, None)
        try:
            detection = detect_upload(upload)
            form = MappingForm(upload, detection, self._values(upload, detection, store, options))
            if not form.is_valid() or form.request is None:
                return _failure(path, "; ".join(_errors(form)))
            if options["dry_run"]:
                shown = preview_upload(upload, form.mapping, form.decimals())
                preview = asdict(shown.preview) if shown.preview else None
                return {
                    "file": path.name,
                    "success": True,
                    "recordCount": None,
                    "preview": preview,
                    "error": shown.problem,
                }
            item, job = import_now(form.request)
        except (FormatError, ServiceError) as error:
            return _failure(path, str(error))
        return {"file": path.name, **import_result(item, job)}

    def _values(self, upload: Upload, detection: Detection, store: Store, options: dict[str, Any]) -> QueryDict:
        values = initial_values(upload, detection)
        values["store"] = store.pk
        bar_type = options["bar_type"]
        if bar_type:
            values |= self._bar_values(bar_type)
        given = {
            "instrument_id": options["instrument"],
            "data_type": options["data_type"],
            "timezone": options["timezone"],
            "stamp": options["stamp"],
            "skip_rejected": "on" if options["skip_rejected"] else "",
            "sort_rows": "on" if options["sort"] else "",
        }
        values |= {name: value for name, value in given.items() if value}
        try:
            values |= json.loads(options["mapping"])
        except (ValueError, TypeError) as error:
            self.usage_error(f"--mapping is no JSON object: {error}")
        data = QueryDict(mutable=True)
        data.update({name: str(value) for name, value in values.items() if value not in {None, ""}})
        return data

    def _bar_values(self, text: str) -> dict[str, Any]:
        try:
            bar_type = parse_bar_type(text)
        except ValueError as error:
            self.usage_error(f"--bar-type {text}: {error}")
        return {
            "data_type": "bar",
            "instrument_id": bar_type.instrument_id,
            "step": bar_type.step,
            "aggregation": bar_type.aggregation,
            "price_type": bar_type.price_type,
        }


def _failure(path: Path, error: str) -> dict[str, Any]:
    return {"file": path.name, "success": False, "recordCount": None, "error": error}


def _errors(form: MappingForm) -> list[str]:
    return [f"{name}: {text}" if name != "__all__" else text for name, texts in form.errors.items() for text in texts]
