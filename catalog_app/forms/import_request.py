"""An import asked for in few words, by API or command: what is not given is detected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from catalog_app.forms.import_initial import initial_values
from catalog_app.forms.imports import MappingForm
from catalog_app.models import Store, Upload
from catalog_app.services.import_preview import detect_upload
from catalog_app.store.bar_type import parse_bar_type


@dataclass(frozen=True, slots=True)
class ImportWish:
    """What the caller says; empty values are left to detection. `mapping` holds fields of the form."""

    instrument_id: str = ""
    data_type: str = ""
    bar_type: str = ""
    timezone: str = ""
    stamp: str = ""
    skip_rejected: bool = False
    sort_rows: bool = False
    mapping: dict[str, Any] = field(default_factory=dict)


def mapping_form(upload: Upload, store: Store, wish: ImportWish) -> MappingForm:
    """Return the import form as filled in by detection and wish.

    Raises:
        FormatError: when the upload is no delimited text.
        ValueError: when the bar type is none.

    """
    detection = detect_upload(upload)
    values = initial_values(upload, detection) | {"store": store.pk}
    if wish.bar_type:
        values |= _bar_values(wish.bar_type)
    given = {
        "instrument_id": wish.instrument_id,
        "data_type": wish.data_type,
        "timezone": wish.timezone,
        "stamp": wish.stamp,
        "skip_rejected": "on" if wish.skip_rejected else "",
        "sort_rows": "on" if wish.sort_rows else "",
    }
    values |= {name: value for name, value in given.items() if value} | wish.mapping
    data = QueryDict(mutable=True)
    data.update({name: str(value) for name, value in values.items() if value is not None and value is not False})
    return MappingForm(upload, detection, data)


def _bar_values(text: str) -> dict[str, Any]:
    bar_type = parse_bar_type(text)
    return {
        "data_type": "bar",
        "instrument_id": bar_type.instrument_id,
        "step": bar_type.step,
        "aggregation": bar_type.aggregation,
        "price_type": bar_type.price_type,
    }


def form_errors(form: MappingForm) -> list[dict[str, str]]:
    """Return a form's errors as [{field, message}]."""
    return [
        {"field": "" if name == "__all__" else name, "message": str(text)}
        for name, texts in form.errors.items()
        for text in texts
    ]
