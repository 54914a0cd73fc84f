"""What an upload looks like, before anything is imported."""

from __future__ import annotations

from dataclasses import dataclass

from catalog_app.formats.delimited import Detection, Mapping, Preview, detect, preview
from catalog_app.formats.errors import FormatError
from catalog_app.models import Store, Upload
from catalog_app.services.uploads import upload_path

PREVIEW_ROWS = 20
OFFERED_INSTRUMENTS = 2000


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """The first rows as they would be imported, or why there is nothing to show."""

    preview: Preview | None
    problem: str = ""


def detect_upload(upload: Upload) -> Detection:
    """Look at the head of an upload.

    Raises:
        FormatError: when it is no delimited text.
        UploadRefused: when its file is no longer kept.

    """
    return detect(upload_path(upload), upload.original_name)


def preview_upload(upload: Upload, mapping: Mapping | None, decimals: tuple[int | None, int | None]) -> PreviewResult:
    """Parse the first rows by a mapping; `decimals` are the instrument's for prices and sizes, None where unknown."""
    if mapping is None:
        return PreviewResult(None, "Complete the mapping to see the first rows as they would be imported.")
    try:
        shown = preview(
            upload_path(upload),
            mapping,
            PREVIEW_ROWS,
            price_precision=decimals[0],
            size_precision=decimals[1],
            name=upload.original_name,
        )
    except FormatError as error:
        return PreviewResult(None, str(error))
    return PreviewResult(shown)


def known_instruments(store: Store | None) -> list[str]:
    """Return the ids that a store defines, for the form's suggestions."""
    if store is None:
        return []
    defined = store.instruments.filter(is_defined=True)
    return list(defined.values_list("instrument_id", flat=True)[:OFFERED_INSTRUMENTS])
