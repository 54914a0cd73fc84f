from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality_app"
    verbose_name = "Quality"

    def ready(self) -> None:
        """Register what does this app's jobs."""
        from quality_app import handlers  # noqa: F401
