"""What an upload looks like, before anything is imported."""

from __future__ import annotations

from dataclasses import dataclass

from catalog_app.formats.delimited import Detection, Mapping, Preview, detect, preview
from catalog_app.formats.errors import FormatError
from catalog_app.models import Store, Upload
from catalog_app.services.uploads import upload_path

PREVIEW_ROWS = 20
OFFERED_INSTRUMENTS = 2000
TIMES = ("ts_event", "ts_init")


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """The first rows as they would be imported, or why there is nothing to show."""

    preview: Preview | None
    problem: str = ""

    def columns(self) -> list[str]:
        """Return the names of `rows`: times first; one column where both times agree in all rows."""
        if self.preview is None:
            return []
        values = [name for name in self.preview.columns if name not in TIMES]
        return [*(["ts_event = ts_init"] if self._times_agree() else TIMES), *values]

    def rows(self) -> list[list[str]]:
        """Return the rows for people: times as `2024-01-31 21:05:00`, with a fraction only where there is one."""
        if self.preview is None:
            return []
        at = {name: place for place, name in enumerate(self.preview.columns)}
        times = TIMES[:1] if self._times_agree() else TIMES
        values = [name for name in at if name not in TIMES]
        return [
            [*(readable_time(row[at[name]]) for name in times), *(row[at[name]] for name in values)]
            for row in self.preview.rows
        ]

    def _times_agree(self) -> bool:
        if self.preview is None:
            return False
        event, init = (self.preview.columns.index(name) for name in TIMES)
        return all(row[event] == row[init] for row in self.preview.rows)


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


def readable_time(text: str) -> str:
    """Return `2024-01-31T21:05:00.250000000Z` as `2024-01-31 21:05:00.25`."""
    return text.removesuffix("Z").replace("T", " ").rstrip("0").removesuffix(".") if "." in text else text


def first_time(detection: Detection, mapping: Mapping | None, shown: PreviewResult) -> tuple[str, str] | None:
    """Return the first row's time as the file writes it and as it is imported (ts_event, UTC).

    None where they cannot be set side by side: the first row is rejected, or the text is read in another way than
    was detected.
    """
    if mapping is None or shown.preview is None or not (shown.preview.rows and detection.sample_rows):
        return None
    as_detected = (mapping.delimiter, mapping.has_header, mapping.skip_lines) == (
        detection.delimiter,
        detection.has_header,
        detection.skip_lines,
    )
    first_line = detection.skip_lines + detection.has_header + 1
    if not as_detected or any(int(row["line"]) <= first_line for row in shown.preview.rejected):
        return None
    columns = [mapping.columns[name] for name in ("timestamp", "date", "time") if name in mapping.columns]
    cells = detection.sample_rows[0]
    written = " ".join(cells[column] for column in columns if isinstance(column, int) and column < len(cells))
    return written, readable_time(shown.preview.rows[0][shown.preview.columns.index("ts_event")])


def known_instruments(store: Store | None) -> list[str]:
    """Return the ids that a store defines, for the form's suggestions."""
    if store is None:
        return []
    defined = store.instruments.filter(is_defined=True)
    return list(defined.values_list("instrument_id", flat=True)[:OFFERED_INSTRUMENTS])
