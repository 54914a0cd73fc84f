from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog_app"
    verbose_name = "Catalog"
