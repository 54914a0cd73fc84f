"""What was put into a gap."""

from __future__ import annotations

from quality_app.models import Gap, GapFill

SHOWN = 50


def fills_of(gap: Gap) -> list[GapFill]:
    """The fills that named a gap, the newest first, at most SHOWN."""
    # A list in JSON holds its id as text; not every database can look inside a list.
    named = GapFill.objects.filter(dataset=gap.dataset_id, gaps__icontains=str(gap.pk))
    return list(named.select_related("created_by")[:SHOWN])
