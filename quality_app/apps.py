from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality_app"
    verbose_name = "Quality"

    def ready(self) -> None:
        """Register what does this app's jobs, and what follows a change of data."""
        from quality_app import handlers  # noqa: F401
        from quality_app.services import reconciliation, report_requests, requests  # noqa: F401
