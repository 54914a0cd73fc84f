from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "feeds_app"
    verbose_name = "Feeds"
