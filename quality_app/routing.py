"""WebSocket addresses."""

from django.urls import URLPattern, path

from quality_app.consumers import QualityConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/quality/", QualityConsumer.as_asgi()),
]
