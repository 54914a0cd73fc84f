"""Every address of the project."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from catalog_app.views.overview import overview

urlpatterns = [
    path("", overview, name="overview"),
    path("login/", auth.LoginView.as_view(template_name="login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("catalog/manage/", include("catalog_app.urls.manage")),
    path("catalog/", include("catalog_app.urls.catalog")),
    path("jobs/", include("catalog_app.urls.jobs")),
    path("exports/", include("catalog_app.urls.exports")),
    path("imports/", include("catalog_app.urls.imports")),
    path("account/tokens/", include("catalog_app.urls.tokens")),
    path("quality/", include("quality_app.urls")),
    path("api/v1/", include("datacatalog.api")),
    path("admin/", admin.site.urls),
]
