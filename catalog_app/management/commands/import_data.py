"""Import vendors' files by command."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog_app.api.transfer_shapes import document, import_result
from catalog_app.formats.errors import FormatError
from catalog_app.forms.import_request import ImportWish, form_errors, mapping_form
from catalog_app.management.base import DeskCommand
from catalog_app.models import Store
from catalog_app.services.errors import ServiceError
from catalog_app.services.import_preview import PreviewResult, preview_upload
from catalog_app.services.importing import import_now
from catalog_app.services.uploads import keep_local_file


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
            form = mapping_form(upload, store, self._wish(options))
            if not form.is_valid() or form.request is None:
                return _failure(path, "; ".join(f"{e['field']} {e['message']}".strip() for e in form_errors(form)))
            if options["dry_run"]:
                return _dry_run(path, preview_upload(upload, form.mapping, form.decimals()))
            item, job = import_now(form.request)
        except (FormatError, ServiceError, ValueError) as error:
            return _failure(path, str(error))
        return {"file": path.name, **document(import_result(item, job))}

    def _wish(self, options: dict[str, Any]) -> ImportWish:
        try:
            mapping = dict(json.loads(options["mapping"]))
        except (ValueError, TypeError) as error:
            self.usage_error(f"--mapping is no JSON object: {error}")
        return ImportWish(
            instrument_id=options["instrument"],
            data_type=options["data_type"],
            bar_type=options["bar_type"],
            timezone=options["timezone"],
            stamp=options["stamp"],
            skip_rejected=options["skip_rejected"],
            sort_rows=options["sort"],
            mapping=mapping,
        )


def _dry_run(path: Path, shown: PreviewResult) -> dict[str, Any]:
    preview = asdict(shown.preview) if shown.preview else None
    return {"file": path.name, "success": True, "recordCount": None, "preview": preview, "error": shown.problem}


def _failure(path: Path, error: str) -> dict[str, Any]:
    return {"file": path.name, "success": False, "recordCount": None, "error": error}
