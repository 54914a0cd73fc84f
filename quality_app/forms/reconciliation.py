"""The form of a reconciliation: its measures, and its sources out of candidates."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from django import forms

from catalog_app.models import Dataset
from catalog_app.services.series_buckets import width_text
from quality_app.models import Reconciliation
from quality_app.services.reconciliation.setup import SECOND, Setup, SetupRefused, SourceChoice
from quality_app.services.reconciliation.sources import label_of

_MINUTE: Final = 60 * SECOND
LENGTHS: Final = tuple(
    SECOND * seconds for seconds in (1, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400)
)
AS_IS: Final = "as-is"
_WHEN_COUNTED: Final = "For sources that should show the same price: not bid against ask, nor mid against last."


class ReconciliationForm(forms.Form):
    """Measures; the sources come beside it as `source` (dataset ids in order), `price-ID`, `shift-ID`."""

    name = forms.CharField(max_length=120, label="Name")
    interval = forms.ChoiceField(
        label="Compare",
        help_text="Shorter bars are joined, ticks are built into bars. Rows as they are match one by one.",
    )
    tolerance = forms.DecimalField(
        label="Tolerance, seconds",
        min_value=0,
        max_digits=15,
        decimal_places=9,
        help_text="Rows this far apart may still be the same moment.",
    )
    limit_ticks = forms.DecimalField(label="Limit, ticks", min_value=0, max_digits=12, decimal_places=3)
    limit_bp = forms.DecimalField(
        label="Limit, basis points",
        min_value=0,
        max_digits=12,
        decimal_places=3,
        help_text="A difference is beyond the limit when it is larger than both.",
    )
    vote_scale = forms.DecimalField(
        label="Outlier beyond, robust scales",
        min_value=0,
        max_digits=8,
        decimal_places=3,
        help_text="Votes need three sources: each is held against the median of all.",
    )
    vote_ticks = forms.DecimalField(
        label="and beyond, ticks",
        min_value=0,
        max_digits=12,
        decimal_places=3,
        help_text="Excluded beyond the larger of both, back within half of it.",
    )
    counts_in_score = forms.BooleanField(
        label="Counts in the consistency score", required=False, help_text=_WHEN_COUNTED
    )
    on_change = forms.BooleanField(label="Run when a source's rows changed", required=False)
    enabled = forms.BooleanField(label="Enabled for schedules and changes", required=False)

    def __init__(self, *args: Any, lengths: tuple[int, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = sorted({*LENGTHS, *lengths})
        choices = [(AS_IS, "Rows as they are"), *((str(length), f"Bars of {width_text(length)}") for length in offered)]
        field = self.fields["interval"]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices

    def setup(self, sources: list[SourceChoice]) -> Setup:
        """Return what a valid form and the chosen sources stand for."""
        data = self.cleaned_data
        return Setup(
            name=data["name"],
            sources=sources,
            interval_ns=None if data["interval"] == AS_IS else int(data["interval"]),
            tolerance_ns=int(data["tolerance"] * SECOND),
            limit_ticks=data["limit_ticks"],
            limit_bp=data["limit_bp"],
            vote_scale=data["vote_scale"],
            vote_ticks=data["vote_ticks"],
            counts_in_score=data["counts_in_score"],
            on_change=data["on_change"],
            enabled=data["enabled"],
        )


def initial_of(row: Reconciliation) -> dict[str, Any]:
    """Return a reconciliation as the form shows it."""
    own = ("name", "counts_in_score", "on_change", "enabled")
    numbers = ("limit_ticks", "limit_bp", "vote_scale", "vote_ticks")
    return {
        **{name: getattr(row, name) for name in own},
        **{name: f"{getattr(row, name).normalize():f}" for name in numbers},
        "interval": AS_IS if row.interval_ns is None else str(row.interval_ns),
        "tolerance": seconds_text(row.tolerance_ns),
    }


def chosen_sources(data: Any) -> list[SourceChoice]:
    """Return the sources that a request names, in its order; `data` is a QueryDict.

    Raises:
        SetupRefused: a dataset is not there any more, or a shift is no number.

    """
    keys = list(dict.fromkeys(data.getlist("source")))
    found = {
        str(row.pk): row for row in Dataset.objects.filter(pk__in=_uuids(keys)).select_related("store", "definition")
    }
    if len(found) < len(keys):
        raise SetupRefused("A chosen dataset is no longer in the index. Choose the sources again.")
    return [_source(found[key], key, data) for key in keys]


def seconds_text(ns: int) -> str:
    """Return nanoseconds as seconds, exactly."""
    return f"{(Decimal(ns) / SECOND).normalize():f}"


def _source(dataset: Dataset, key: str, data: Mapping[str, str]) -> SourceChoice:
    text = data.get(f"shift-{key}", "").strip() or "0"
    try:
        shift = Decimal(text) * SECOND
    except InvalidOperation:
        shift = Decimal("NaN")
    if not shift.is_finite() or abs(shift) > 2**62:
        raise SetupRefused(f"{label_of(dataset)}: {text[:40]} is not a number of seconds.")
    return SourceChoice(dataset, data.get(f"price-{key}", ""), label_of(dataset), int(shift))


def _uuids(keys: list[str]) -> list[UUID]:
    try:
        return [UUID(key) for key in keys]
    except ValueError:
        raise SetupRefused("That is no dataset's id. Choose the sources again.") from None
