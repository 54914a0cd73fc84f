from django.urls import path

from catalog_app.views import imports

app_name = "imports"
urlpatterns = [
    path("new/", imports.new, name="new"),
    path("<uuid:upload_id>/", imports.map_upload, name="map"),
]
