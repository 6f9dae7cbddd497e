"""The dashboard and the API's reference: pages of files made by `make web`, served from the API's own origin.

One document for every address of the page, with what it is told beforehand written into it; scripts and
styles under /assets with their digest in the name, so that a browser keeps them. Nothing is run, fetched or
sent that the policy does not name, and it names nobody else unless the operator does.
"""

import gzip
import json
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from entitlement.api.auth import TheService
from entitlement.core.errors import EntitlementError
from entitlement.report.document import document
from entitlement.report.markup import element
from entitlement.report.style import POLICY as PLAIN_POLICY
from entitlement.wiring.dashboard import DashboardConfig

PAGES = (
    "/",
    "/stake",
    "/mint",
    "/right",
    "/credit",
    "/keys",
    "/usage",
    "/verify",
    "/data",
    "/operator",
)
"""Each address of the page; web/src/app.tsx has the same."""
FILES = ("/assets/", "/icon.svg")
"""Where what the page is made of begins."""
PLACE = "__SETTINGS__"
"""Where the document carries what it is told."""
FOR_EVER = "public, max-age=31536000, immutable"
NOT_BUILT = (
    "The dashboard is not built here: run `make web` once. Everything it does, the command line does too."
)
NO_REFERENCE = (
    "The reference is not built here: run `make web` once. /openapi.json says the same to programs."
)
REFERENCE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SMALLEST_TO_PACK = 1_024

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class File:
    """A file of the page, as it is sent."""

    content: bytes
    media_type: str

    @cached_property
    def packed(self) -> bytes | None:
        """The content by gzip; None where that would win nothing."""
        is_text = self.media_type.startswith("text/") or "javascript" in self.media_type
        if not (is_text or self.media_type == "image/svg+xml") or len(self.content) < _SMALLEST_TO_PACK:
            return None
        return gzip.compress(self.content, mtime=0)


class Dashboard:
    """The files of the page, read once."""

    def __init__(self, folder: Path) -> None:
        index, reference = folder / "index.html", folder / "docs.html"
        self._index = index.read_text() if index.is_file() else None
        self.reference = reference.read_bytes() if reference.is_file() else None
        """The document of the API's reference; None where it was not built."""
        self._files = (
            {}
            if self._index is None
            else {f"/{path.relative_to(folder).as_posix()}": _file(path) for path in folder.rglob("*.*")}
        )

    def document(self, config: DashboardConfig) -> bytes | None:
        """Return the document with what it is told; None where the page was not built."""
        if self._index is None:
            return None
        # A script's text ends at "</script" whatever is around it: no `<` is left in it.
        told = json.dumps(config.as_json(), separators=(",", ":")).replace("<", "\\u003c")
        return self._index.replace(PLACE, told).encode()

    def file(self, path: str) -> File | None:
        """Return a file by its address, or None; only what was there at the start, as no path is joined."""
        return self._files.get(path)


def policy(config: DashboardConfig) -> str:
    """Return the document's Content-Security-Policy."""
    connect = " ".join(("'self'", *config.outside.hosts))
    frames = " ".join(config.outside.frames) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src {connect}; frame-src {frames}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def page(request: Request, flows: TheService) -> Response:
    """Return the page, or a plain one that says why there is none."""
    dashboard: Dashboard = request.app.state.dashboard
    try:
        config = flows.dashboard()
    except EntitlementError as error:
        return _excuse(str(error))
    made = dashboard.document(config)
    if made is None:
        return _excuse(NOT_BUILT)
    opener = "same-origin-allow-popups" if config.outside.coinbase else "same-origin"
    return _document(made, policy(config), opener)


for _address in PAGES:
    pages.api_route(_address, methods=["GET", "HEAD"])(page)


@pages.api_route("/docs", methods=["GET", "HEAD"])
def reference(request: Request) -> Response:
    """Return the API's reference, or a plain page that says why there is none."""
    dashboard: Dashboard = request.app.state.dashboard
    if dashboard.reference is None:
        return _excuse(NO_REFERENCE)
    return _document(dashboard.reference, REFERENCE_POLICY, "same-origin")


@pages.get("/icon.svg")
def icon(request: Request) -> Response:
    """Return the page's icon."""
    return _sent(request)


@pages.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:  # noqa: ARG001 - the whole path is looked up
    """Return a script or a style of the page."""
    return _sent(request)


def _document(content: bytes, its_policy: str, opener: str) -> Response:
    headers = {
        "Content-Security-Policy": its_policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": opener,
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }
    return Response(content, media_type="text/html", headers=headers)


def _sent(request: Request) -> Response:
    dashboard: Dashboard = request.app.state.dashboard
    found = dashboard.file(request.url.path)
    if found is None:
        return Response("no such file: the page was built anew, load it again", 404, media_type="text/plain")
    headers = {
        "Cache-Control": FOR_EVER if request.url.path.startswith("/assets/") else "public, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"}
        )
    return Response(found.content, media_type=found.media_type, headers=headers)


def _file(path: Path) -> File:
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(path.read_bytes(), guessed)


def _excuse(reason: str) -> Response:
    made = document(
        "Entitlement",
        element(
            "main",
            element(
                "section",
                element("h1", "The dashboard is not here"),
                element("p", reason),
                element("p", element("a", "the public figures", href="/public"), " need no dashboard."),
            ),
        ),
    )
    return Response(
        made,
        503,
        media_type="text/html",
        headers={"Content-Security-Policy": PLAIN_POLICY, "X-Content-Type-Options": "nosniff"},
    )
