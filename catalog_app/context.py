"""What every page's shell shows."""

from typing import Any

from django.http import HttpRequest

from catalog_app.models import Store
from catalog_app.services.jobs.queries import active_count

THEME_COOKIE = "theme"
THEMES = frozenset({"light", "dark"})


def shell(request: HttpRequest) -> dict[str, Any]:
    """The chosen theme, running jobs for the header's badge, and which stores hold synthetic data.

    The theme comes from a cookie so that the first byte of the page has it: no flash, no inline script.
    """
    theme = request.COOKIES.get(THEME_COOKIE)
    context: dict[str, Any] = {"theme": theme if theme in THEMES else ""}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return context
    return {
        **context,
        "running_jobs": active_count(),
        "demo_stores": list(Store.objects.filter(is_demo=True).values_list("name", flat=True)),
    }
