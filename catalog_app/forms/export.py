"""The form of an export."""

from __future__ import annotations

from typing import Any

from django import forms

from catalog_app.formats.export import EXPORT_FORMATS
from catalog_app.forms.fields import NanosecondField
from catalog_app.models import Dataset
from catalog_app.services.exporting import ExportRefused, ExportRequest


class ExportForm(forms.Form):
    """A dataset, a range, a format."""

    dataset = forms.ModelChoiceField(Dataset.objects.select_related("store"), widget=forms.HiddenInput)
    start = NanosecondField(label="From (UTC)", required=False, help_text="Empty: from the first row.")
    end = NanosecondField(label="To (UTC)", required=False, end=True, help_text="Inclusive. Empty: to the last row.")
    export_format = forms.ChoiceField(label="Format", choices=[("csv", "CSV"), ("parquet", "Parquet")])
    compression = forms.ChoiceField(
        choices=[
            ("none", "None"),
            ("gzip", "gzip"),
            ("zstd", "Zstandard (Parquet)"),
            ("snappy", "Snappy (Parquet)"),
        ]
    )
    timestamp_format = forms.ChoiceField(
        label="Times",
        choices=[("iso", "ISO 8601, to the nanosecond"), ("epoch_ns", "UNIX nanoseconds")],
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Check the request as a whole."""
        data = super().clean() or {}
        if self.errors:
            return data
        chosen, allowed = data["compression"], EXPORT_FORMATS[data["export_format"]]
        if chosen not in allowed:
            name = data["export_format"].upper()
            self.add_error("compression", f"{name} can be compressed with: {', '.join(allowed)}.")
            return data
        self.request = ExportRequest(
            dataset=data["dataset"],
            export_format=data["export_format"],
            compression=chosen,
            start_ns=data["start"],
            end_ns=data["end"],
            timestamp_format=data["timestamp_format"] or "iso",
        )
        try:
            self.request.check()
        except ExportRefused as error:
            self.add_error(None, str(error))
        return data
