from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality_app"
    verbose_name = "Quality"
