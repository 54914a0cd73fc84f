from django.urls import path

from catalog_app.views import browser, dataset, instrument, overview, runs, stores

app_name = "catalog"
urlpatterns = [
    path("", browser.browser, name="browser"),
    path("tree/", browser.tree_children, name="tree-children"),
    path("running-jobs/", overview.running_jobs, name="running-jobs"),
    path("instruments/<int:pk>/", instrument.instrument, name="instrument"),
    path("datasets/<uuid:catalog_id>/", dataset.dataset, name="dataset"),
    path("datasets/<uuid:catalog_id>/series/", dataset.dataset_series, name="dataset-series"),
    path("datasets/<uuid:catalog_id>/rows/", dataset.dataset_rows, name="dataset-rows"),
    path("runs/", runs.run_list, name="runs"),
    path("stores/<int:pk>/runs/<str:kind>/<str:instance_id>/", runs.run_detail, name="run"),
    path("stores/<int:pk>/sync/", stores.sync, name="store-sync"),
]
