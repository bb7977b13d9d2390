"""Sending a trace to EUCAIM's tracing service: one request, no redirect, no answer that goes on.

What a trace says is said in `trace`; when it is sent, where releases are published.
"""

import http.client
from urllib.parse import urlsplit

_SECONDS = 10
_DONE = (200, 201, 202, 204)


class NotSent(Exception):
    """The service did not take a trace: the status of its answer, or the kind of what went wrong."""


def send(url: str, body: bytes, token: str | None) -> None:
    """POST a request body as JSON, with the token as bearer where there is one.

    Raises
    ------
    NotSent
        The service cannot be reached or answers something else than 200, 201, 202 or 204. A redirect is not
        followed: it could take the token elsewhere.
    """
    where = urlsplit(url)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = kind(where.hostname or "", where.port, timeout=_SECONDS)
    try:
        connection.request("POST", where.path + (f"?{where.query}" if where.query else ""), body, headers)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotSent(type(error).__name__) from None
    finally:
        connection.close()
    if status not in _DONE:
        raise NotSent(f"status {status}")
