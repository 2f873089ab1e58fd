"""Every address of Kith, and asking one."""

import re
from copy import deepcopy

from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse


def all_routes(resolver: URLResolver | None = None, namespace: str = "") -> dict[str, URLPattern]:
    routes = {}
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else namespace
            routes |= all_routes(pattern, inner)
        else:
            routes[f"{namespace}{pattern.name}"] = pattern
    return routes


ROUTES = all_routes()
CHANGES = re.compile(rb"[A-Za-z0-9]{64}|(?<=[0-9]\.)[\w-]{16}(?=\W)|20\d\d-\d\d-\d\dT[\d:.]+")


def address(name: str, ids: dict[str, int]) -> str:
    wanted = ROUTES[name].pattern.converters
    return reverse(name, kwargs={key: ids.get(key, "en") for key in wanted})


def told(response: HttpResponseBase) -> tuple[int, dict[str, str], bytes]:
    """All that an answer says, but for what differs every time: the token, a card's name, moment and number."""
    content = b"".join(response) if response.streaming else response.content
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, headers, CHANGES.sub(b"", content)


def ask(client: Client, method: str, url: str) -> HttpResponseBase:
    """Ask, and leave everything as it was, also where that signs out."""
    cookies = deepcopy(client.cookies)
    with transaction.atomic():
        response = client.generic(method, url)
        if response.streaming:
            response.streaming_content = [b"".join(response)]  # a file is read while it is there
        transaction.set_rollback(True)
    client.cookies = cookies
    return response
