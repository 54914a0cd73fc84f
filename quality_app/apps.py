from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality_app"
    verbose_name = "Quality"

    def ready(self) -> None:
        """Register what does this app's jobs, and what follows a change of data."""
        from quality_app import handlers  # noqa: F401
        from quality_app.services import requests  # noqa: F401
        from quality_app.services.gaps.filling import undone  # noqa: F401
        from quality_app.services.reconciliation import outcome as reconciliation  # noqa: F401
        from quality_app.services.reports import requests as report_requests  # noqa: F401
