from django.urls import path

from catalog_app.views import exports

app_name = "exports"
urlpatterns = [path("new/", exports.new, name="new")]
