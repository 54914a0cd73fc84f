from django.urls import path

from quality_app.views import actions, panels

app_name = "quality"
urlpatterns = [
    path("datasets/<uuid:catalog_id>/validate/", actions.validate, name="validate"),
    path("datasets/<uuid:catalog_id>/scan/", actions.scan_gaps, name="scan-gaps"),
    path("datasets/<uuid:catalog_id>/checks/", panels.checks, name="checks"),
    path("datasets/<uuid:catalog_id>/gaps/", panels.gaps, name="gaps"),
    path("datasets/<uuid:catalog_id>/gap-intervals/", panels.intervals, name="gap-intervals"),
]
