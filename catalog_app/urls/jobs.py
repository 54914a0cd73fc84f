from django.urls import path

from catalog_app.views import jobs

app_name = "jobs"
urlpatterns = [
    path("", jobs.job_list, name="list"),
    path("<uuid:job_id>/", jobs.detail, name="detail"),
    path("<uuid:job_id>/cancel/", jobs.cancel, name="cancel"),
    path("<uuid:job_id>/retry/", jobs.retry, name="retry"),
    path("<uuid:job_id>/download/", jobs.download, name="download"),
]
