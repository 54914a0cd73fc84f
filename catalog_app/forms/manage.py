"""Forms of the maintenance operations: each makes a request of the store engine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from catalog_app.forms.fields import NanosecondField
from catalog_app.models import Store
from catalog_app.store.errors import StoreError
from catalog_app.store.filesystem import StoreRoot
from catalog_app.store.maintenance import (
    Archive,
    Consolidate,
    Deduplicate,
    DeleteRange,
    Recompress,
    RenameFiles,
    Request,
    SortRows,
    SplitOverlaps,
)

MIB = 1024**2


class DatasetKeys(forms.CharField):
    """Datasets' keys, separated by blanks; cleaned to a list of UUIDs."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, max_length=40_000)

    def clean(self, value: Any) -> list[UUID]:
        """Return the keys."""
        try:
            return [UUID(key) for key in super().clean(value).split()]
        except ValueError:
            raise ValidationError("These are no datasets.") from None


class RequestForm(forms.Form):
    """Parameters of one kind of operation; `request` is set once the form is valid."""

    datasets = DatasetKeys()

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request; ValueError with a text for the user."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Check the parameters together."""
        data = super().clean() or {}
        if not self.errors:
            try:
                self.request = self.build(data)
            except ValueError as error:
                text = str(error)
                self.add_error(None, f"{text[:1].upper()}{text[1:]}.")
        return data

    def parameters(self) -> list[forms.BoundField]:
        """The fields to show."""
        return [field for field in self if not field.is_hidden]


class RangeForm(RequestForm):
    """An optional range of ts_init."""

    start = NanosecondField(label="From (UTC)", required=False, help_text="Empty: from the first row.")
    end = NanosecondField(label="To (UTC)", required=False, end=True, help_text="Inclusive. Empty: to the last row.")


class ConsolidateForm(RangeForm):
    """Fewer, larger files."""

    by = forms.ChoiceField(
        label="One file per",
        choices=[
            ("hour", "Hour"),
            ("day", "Day"),
            ("week", "Week (ISO)"),
            ("month", "Month"),
            ("year", "Year"),
            ("bytes", "So many MiB on disk"),
            ("rows", "So many rows"),
        ],
        initial="month",
    )
    amount = forms.IntegerField(
        label="How many", min_value=1, max_value=10**12, required=False, help_text="Only for MiB or rows."
    )
    field_order = ("by", "amount", "start", "end")

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        by, amount = data["by"], data["amount"]
        if by in {"bytes", "rows"} and not amount:
            raise ValueError("say how many MiB or rows a file shall have")
        return Consolidate(
            target_bytes=amount * MIB if by == "bytes" else None,
            target_rows=amount if by == "rows" else None,
            period=by if by not in {"bytes", "rows"} else None,
            start_ns=data["start"],
            end_ns=data["end"],
        )


class DeduplicateForm(RangeForm):
    """Drop repeated rows."""

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return Deduplicate(start_ns=data["start"], end_ns=data["end"])


class SortRowsForm(RequestForm):
    """Sort; nothing to choose."""

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return SortRows()


class SplitOverlapsForm(RequestForm):
    """Make files disjoint; nothing to choose."""

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return SplitOverlaps()


class RenameFilesForm(RequestForm):
    """Name files by their rows; nothing to choose."""

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return RenameFiles()


class RecompressForm(RequestForm):
    """Write files anew."""

    compression = forms.ChoiceField(
        choices=[("zstd", "Zstandard"), ("snappy", "Snappy"), ("none", "None")], initial="zstd"
    )
    row_group_rows = forms.IntegerField(
        label="Rows of a row group", min_value=1_000, max_value=1_048_576, initial=131_072
    )

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return Recompress(compression=data["compression"], row_group_rows=data["row_group_rows"])


class DeleteRangeForm(RequestForm):
    """A range to take out."""

    start = NanosecondField(label="From (UTC)")
    end = NanosecondField(label="To (UTC)", end=True, help_text="Inclusive; a day means its whole day.")

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return DeleteRange(start_ns=data["start"], end_ns=data["end"])


class ArchiveForm(RangeForm):
    """A range to move to another store."""

    target = forms.ModelChoiceField(
        Store.objects.filter(read_only=False), label="Move to store", empty_label="Choose a store"
    )
    field_order = ("target", "start", "end")

    def build(self, data: dict[str, Any]) -> Request:
        """Make the request."""
        return Archive(target_root=data["target"].root, start_ns=data["start"], end_ns=data["end"])


FORMS: dict[str, type[RequestForm]] = {
    "consolidate": ConsolidateForm,
    "deduplicate": DeduplicateForm,
    "sort_rows": SortRowsForm,
    "split_overlaps": SplitOverlapsForm,
    "rename_files": RenameFilesForm,
    "recompress": RecompressForm,
    "delete_range": DeleteRangeForm,
    "archive": ArchiveForm,
}


class PurgeForm(forms.Form):
    """What of the trash to delete."""

    older_than_days = forms.IntegerField(label="Older than, days", min_value=0, max_value=36_500)


class ConvertForm(forms.Form):
    """What to convert, into which format, and where the new store goes."""

    store = forms.ModelChoiceField(Store.objects.all(), label="From store", empty_label="Choose a store")
    datasets = DatasetKeys()
    to = forms.ChoiceField(
        label="Format",
        choices=[("v2", "NautilusTrader 2.x (v2)"), ("v1", "NautilusTrader 1.x (v1, 16-byte)")],
    )
    target = forms.CharField(
        label="New store's directory",
        max_length=1024,
        help_text="An absolute path on the server, such as /data/catalog-v2, or s3://bucket/prefix.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["datasets"].required = False

    def clean_target(self) -> str:
        """Return the target's root."""
        text = self.cleaned_data["target"].strip()
        if "\x00" in text or not (text.startswith("s3://") or text.startswith("/")):
            raise ValidationError("Give an absolute path, such as /data/catalog-v2, or s3://bucket/prefix.")
        try:
            return StoreRoot.at(text).uri
        except StoreError as error:
            raise ValidationError(f"{error}.") from None
