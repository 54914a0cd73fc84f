from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog_app"
    verbose_name = "Catalog"

    def ready(self) -> None:
        """Register what does this app's jobs."""
        from catalog_app import handlers  # noqa: F401
