"""A chat whose people are Django's: the hub knows them by their session cookie, and a plain view publishes."""

import json
import socket
import sys
from contextlib import suppress
from http.cookies import SimpleCookie
from importlib import import_module

import django
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from openline.hub import Hub, Unauthorized
from openline.integrations.asgi import HubASGI

# What manage.py makes a folder of: as little as this example needs.
settings.configure(
    SECRET_KEY="a real one comes from the environment",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore

hub = Hub()
hub.namespace("chat", history=100, ttl=3600, recovery=True, presence=True, publish="nobody")


@hub.on_connect
def who(session):
    """Look the session cookie up, as Django does for its views. With a session in a database: `sync_to_async`."""
    cookies = SimpleCookie(session.request.headers.get("Cookie", ""))
    cookie = cookies.get(settings.SESSION_COOKIE_NAME)
    name = SessionStore(cookie.value).get("name") if cookie is not None else None
    if name is None:
        raise Unauthorized
    return name


def login(request: HttpRequest) -> HttpResponse:
    """A real application asks for a password here, and has CsrfViewMiddleware."""
    request.session["name"] = json.loads(request.body)["name"][:32]
    return JsonResponse({})


def say(request: HttpRequest) -> HttpResponse:
    name = request.session.get("name")
    if name is None:
        return JsonResponse({"error": "who are you?"}, status=403)
    text = json.loads(request.body)["text"][:500]
    # A view runs in a thread: there the hub is `hub.sync`.
    result = hub.sync.publish("chat:lobby", {"from": name, "text": text})
    return JsonResponse({"offset": result.position.offset})


urlpatterns = [path("login", login), path("say", say)]

application = HubASGI(hub, get_asgi_application())  # what stands in Django's asgi.py


def main(port: int) -> None:
    # Bound here, so that whoever reads that we listen may connect.
    with socket.create_server(("localhost", port)) as listening:
        print(f"listening on http://localhost:{port}", flush=True)
        uvicorn.Server(uvicorn.Config(application, log_level="warning", ws="wsproto")).run([listening])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765)
