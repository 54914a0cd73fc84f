from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The project itself, as far as Django has to know it: its system checks."""

    name = "datacatalog"
    verbose_name = "Data desk"

    def ready(self) -> None:
        """Register the system checks."""
        from datacatalog import checks  # noqa: F401
