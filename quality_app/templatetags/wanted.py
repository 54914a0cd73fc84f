"""How wanted data is told: what a declaration means, and how urgent its state is."""

from django import template

from catalog_app.models.dataset import DataType
from quality_app.models import WantedData
from quality_app.services.wanted_status import State, Status

register = template.Library()

_TONES = {
    State.MISSING: "poor",
    State.OVERDUE: "poor",
    State.PARTIAL: "fair",
    State.MET: "good",
}


@register.filter
def wanted_kind(row: WantedData) -> str:
    """The timeframe of bars, else the type of data."""
    known = dict(DataType.choices)
    return row.timeframe or str(known.get(row.data_type, row.data_type))


@register.filter
def wanted_tone(status: Status) -> str:
    """The tone of a state's badge."""
    return _TONES.get(status.state, "")
