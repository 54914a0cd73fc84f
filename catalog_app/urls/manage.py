from django.urls import path

from catalog_app.views import manage, manage_jobs, operations

app_name = "manage"
urlpatterns = [
    path("", manage.datasets, name="datasets"),
    path("new/", manage.new, name="new"),
    path("convert/", manage.convert, name="convert"),
    path("jobs/<uuid:job_id>/", manage_jobs.job, name="job"),
    path("jobs/<uuid:job_id>/run/", manage_jobs.run, name="run"),
    path("stores/<int:pk>/purge/", manage.purge, name="purge"),
    path("operations/", operations.operation_list, name="operations"),
    path("operations/<uuid:operation_id>/", operations.operation, name="operation"),
    path("operations/<uuid:operation_id>/undo/", operations.undo, name="undo"),
]
