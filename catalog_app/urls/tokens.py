from django.urls import path

from catalog_app.views import tokens

app_name = "tokens"
urlpatterns = [
    path("", tokens.token_list, name="list"),
    path("<int:pk>/revoke/", tokens.revoke, name="revoke"),
]
