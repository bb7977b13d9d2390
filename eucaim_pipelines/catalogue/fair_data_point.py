"""Pushing a record to a FAIR Data Point: create or replace its dataset, then publish it.

The protocol is that of the FAIR Data Point's API: bearer token, Turtle, Location of what was created, and a
state that goes from DRAFT to PUBLISHED. Which record is pushed is decided by the caller.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import HTTPRedirectHandler, Request, build_opener

from rdflib import RDF, Graph, URIRef
from rdflib.namespace import DCTERMS
from rdflib.term import Node

from eucaim_pipelines.catalogue.terms import DCAT, bound
from eucaim_pipelines.errors import DataError, EucaimError, MachineError, SettingsError

_SECONDS = 30
_ITSELF = URIRef("")
_GONE = (404, 410)


@dataclass(frozen=True)
class FairDataPoint:
    """A catalogue of a FAIR Data Point, `https://fdp.example/catalog/<id>`, and the token that it gave."""

    catalogue: str
    token: str

    def push(
        self, record: Graph, place: str | None = None, tell: Callable[[str], object] = lambda _: None
    ) -> str:
        """Publish a record, in the place of the one that was pushed before.

        Parameters
        ----------
        place
            Address that an earlier push gave; what is gone there is created anew.
        tell
            Called with the address as soon as the point has given it: a push that ends later is no reason to
            create the record twice.

        Returns
        -------
        str
            Where the record stands now.

        Raises
        ------
        SettingsError
            The point does not take the token, or sends to another host.
        DataError
            The point refuses the record.
        MachineError
            The point cannot be reached, or fails.
        """
        base = self.catalogue.rpartition("/catalog/")[0]
        turtle = _of_the_point(record, self.catalogue)
        status = _GONE[0]
        if place is not None and place.startswith(f"{base}/"):
            status, _ = self._send("PUT", place, turtle, "text/turtle", accepted=(200, 204, *_GONE))
        if place is None or status in _GONE:
            _, headers = self._send("POST", f"{base}/dataset", turtle, "text/turtle", accepted=(201,))
            place = urljoin(f"{base}/dataset", headers.get("Location") or "")
            if not place.startswith(f"{base}/dataset/"):
                raise SettingsError(
                    "The FAIR Data Point does not say where the record is: check its address."
                )
            tell(place)
        published = json.dumps({"current": "PUBLISHED"}).encode()
        self._send("PUT", f"{place}/meta/state", published, "application/json", accepted=(200, 204))
        return place

    def _send(
        self, method: str, url: str, data: bytes, kind: str, accepted: tuple[int, ...]
    ) -> tuple[int, HTTPMessage]:
        request = Request(url, data, method=method)  # noqa: S310 - the setting allows https and loopback only
        request.add_header("Content-Type", kind)
        request.add_header("Accept", kind)
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with build_opener(_NoRedirect()).open(request, timeout=_SECONDS) as answer:
                status, headers = answer.status, answer.headers
        except HTTPError as error:
            error.close()
            status, headers = error.code, error.headers
        except (URLError, HTTPException, OSError):
            raise MachineError("The FAIR Data Point cannot be reached. Push again later.") from None
        except ValueError:  # its words hold the token
            raise SettingsError(
                "The token of the FAIR Data Point is no token: 'fair_data_point_token_file' holds it in one "
                "line of Latin letters, digits and signs."
            ) from None
        if status not in accepted:
            raise _refusal(status)
        return status, headers


class _NoRedirect(HTTPRedirectHandler):
    """A token goes to the host that gave it and to no other."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


def _refusal(status: int) -> EucaimError:
    if status in (401, 403):
        return SettingsError(
            f"The FAIR Data Point does not take the token (HTTP {status}). Ask it for a new one and write "
            "it into the file of the setting 'fair_data_point_token_file'."
        )
    if status in (400, 409, 422):
        return DataError(
            f"The FAIR Data Point refuses the record (HTTP {status}): its own shapes ask for more."
        )
    if 300 <= status < 500:
        return SettingsError(
            f"The FAIR Data Point answers HTTP {status}. Check the setting 'fair_data_point'."
        )
    return MachineError(f"The FAIR Data Point fails (HTTP {status}). Push again later.")


def _of_the_point(record: Graph, catalogue: str) -> bytes:
    """The record as part of a catalogue: the point names the dataset, and its distribution below it."""
    (dataset,) = record.subjects(RDF.type, DCAT.Dataset)
    distributions = sorted(record.subjects(RDF.type, DCAT.Distribution), key=str)
    names: dict[Node, Node] = {dataset: _ITSELF}
    names |= {each: URIRef(f"#distribution-{number}") for number, each in enumerate(distributions, start=1)}
    pushed = bound(Graph(bind_namespaces="none"))
    for subject, predicate, value in record:
        pushed.add((names.get(subject, subject), predicate, names.get(value, value)))
    pushed.add((_ITSELF, DCTERMS.isPartOf, URIRef(catalogue)))
    # Points of before DCAT 3 ask for the version under this name.
    for version in record.objects(dataset, DCAT.version):
        pushed.add((_ITSELF, DCTERMS.hasVersion, version))
    return pushed.serialize(format="turtle", encoding="utf-8")
