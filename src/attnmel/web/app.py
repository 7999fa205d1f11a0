"""The application: the page, and a JSON API for images in forms."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from attnmel import NOTICE, __version__
from attnmel.data.tables.problems import shown_cell
from attnmel.deploy.predictor import WORKERS_PER_PASS
from attnmel.errors import AttnmelError, BusyError, ConfigError, ImageError, StalledError, require_known
from attnmel.pipeline.predict.attention_maps import LONGEST
from attnmel.records import ATTENTION_MAPS
from attnmel.web.answers import drawn, info, json_answer, predicted
from attnmel.web.guard import cookie_name
from attnmel.web.limits import Limits
from attnmel.web.models import Models, ServedModel
from attnmel.web.parameters import refuse_unknown_parameters, value_problems
from attnmel.web.schema import IMAGES_FORM, PROBLEMS, Info, PredictionAnswer
from attnmel.web.uploads import Uploads
from attnmel.web.work_queue import GoneError, WorkQueue

GONE = 499
"""Status that nobody gets: the client has closed the connection."""

STATUS: dict[type[AttnmelError], int] = {BusyError: 429, StalledError: 503, ConfigError: 400, ImageError: 422}

RETRY = {"retry-after": "2"}
"""Seconds after which a refused request may be sent again."""

PAGE_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

NO_TELEMETRY: dict[str, Any] = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip
"""FastAPI's own, which variables of the environment could switch on: nothing is sent anywhere."""

ModelNames = Annotated[
    list[str] | None, Query(description="Names of models, as in /api/info or as on the command line; all by default.")
]


class Served:
    """What the requests of one server share."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models, self.limits = models, limits
        self.uploads = Uploads(limits)
        at_once = max(one.at_once for one in models.by_name.values())
        self.queue = WorkQueue(at_once * WORKERS_PER_PASS, limits)

    def chosen(self, names: Sequence[str] | None) -> list[ServedModel]:
        """Return the models of these names, in this order; all of them if none is named."""
        given = self.models.given_names
        for name in names or ():
            require_known("model", name, (*self.models.by_name, *given))
        shown = [given.get(name, name) for name in names or self.models.by_name]
        return [self.models.by_name[name] for name in dict.fromkeys(shown)]


def _token_kinds(token: str | None) -> Iterator[HTTPBearer | APIKeyCookie]:
    """Yield how a request may give the token, for /openapi.json; it is checked by the guard before anything else."""
    if token is None:
        return
    yield HTTPBearer(auto_error=False, description="The token of `attnmel serve --token`, for programs.")
    yield APIKeyCookie(name=cookie_name(token), auto_error=False, description="The same token, as the page keeps it.")


def make_app(models: Models, limits: Limits | None = None, *, token: str | None = None) -> FastAPI:
    """Return the application of some models; with a `token` its description says how that is given."""
    served = Served(models, limits or Limits())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        served.queue.close()

    app = FastAPI(
        title="attnmel",
        version=__version__,
        description=f"Recognition of skin lesions in dermoscopy images. {NOTICE}",
        docs_url=None,  # those pages load scripts from a public address
        redoc_url=None,
        lifespan=lifespan,
        telemetry=NO_TELEMETRY,  # pyright: ignore[reportArgumentType] - a dict of the same keys
        responses=PROBLEMS,
        dependencies=[Depends(refuse_unknown_parameters), *(Security(one) for one in _token_kinds(token))],
    )
    app.state.served = served
    add_errors(app)
    _add_predict(app, served)
    _add_overlay(app, served)
    add_page(app, (files("attnmel.web") / "page").iterdir())
    return app


def _add_predict(app: FastAPI, served: Served) -> None:
    @app.get("/api/info", response_model=Info)
    async def models_and_limits() -> Response:
        """Return the models with what their numbers mean, and what one request may hold."""
        return JSONResponse(info(served.models, served.limits))

    @app.post("/api/predict", response_model=PredictionAnswer, openapi_extra=IMAGES_FORM)
    async def predict(
        request: Request,
        model: ModelNames = None,
        pictures: Annotated[
            bool, Query(description="Also return each image, with its maps and the mask's border as layers.")
        ] = False,
    ) -> Response:
        """Predict one or many images by one or several models; an image that cannot be used has an error."""
        chosen = served.chosen(model)
        names = [one.name for one in chosen]
        async with served.uploads.read(request) as uploads:
            works = [partial(predicted, one, served.models, names, pictures) for one in uploads]
            found = await served.queue.results(works, request.is_disconnected)
        return JSONResponse(json_answer(chosen, found, pictures))


def _add_overlay(app: FastAPI, served: Served) -> None:
    @app.post(
        "/api/overlay",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}, "description": "A PNG file."}},
        openapi_extra=IMAGES_FORM,
    )
    async def overlay(
        request: Request,
        attention: Annotated[str, Query(alias="map", description="pool3 or pool4.")] = ATTENTION_MAPS[-1],
        model: ModelNames = None,
        longest: Annotated[int, Query(ge=64, le=4096, description="Longer side in pixels at most.")] = LONGEST,
    ) -> Response:
        """Draw an attention map over one image, as `attnmel predict --maps` does."""
        chosen = served.chosen(model)[0]
        async with served.uploads.read(request) as uploads:
            if len(uploads) != 1:
                raise HTTPException(400, f"{len(uploads)} images; expected one for one picture")
            works = [partial(drawn, uploads[0], served.models, chosen, attention, longest)]
            (png,) = await served.queue.results(works, request.is_disconnected)
        return Response(png, media_type="image/png")


def add_page(app: FastAPI, parts: Iterable[Traversable]) -> None:
    """Serve the files of a page, each by its own name; no path is made of a request."""

    async def file_answer(content: bytes, kind: str, request: Request) -> Response:
        return Response(content, media_type=kind)

    for one in parts:
        kind = PAGE_TYPES.get(one.name.rpartition(".")[2])
        if kind is not None:
            address = "/" if one.name == "index.html" else f"/page/{one.name}"
            app.add_route(address, partial(file_answer, one.read_bytes(), kind), include_in_schema=False)


def add_errors(app: FastAPI) -> None:
    """Answer every error with a sentence."""

    @app.exception_handler(StarletteHTTPException)
    async def refused(request: Request, error: StarletteHTTPException) -> Response:
        return _problem(_nowhere(app, request, error) or str(error.detail), error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _problem(value_problems(error.errors()), 422)

    @app.exception_handler(AttnmelError)
    async def explained(request: Request, error: AttnmelError) -> Response:
        return _problem(str(error), next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # Raised again behind this answer, so that the server writes where it happened to standard error.
        return _problem("an error of the program; what the server wrote to standard error says where", 500)

    @app.exception_handler(GoneError)
    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=GONE)


def _nowhere(app: FastAPI, request: Request, error: StarletteHTTPException) -> str:
    """Return what a request for nothing, or by a wrong method, can be answered; "" for any other error."""
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        methods = ", ".join(sorted(allowed.split(", ")))  # the framework joins a set
        return f"{shown_cell(request.url.path)} does not take {request.method}; send {methods}"
    if error.status_code == 404 and error.detail == HTTPStatus.NOT_FOUND.phrase:
        known = [one.path for one in app.routes if isinstance(one, APIRoute)]
        return f"there is nothing at {shown_cell(request.url.path)}; known: /, {', '.join(dict.fromkeys(known))}"
    return ""


def _problem(sentence: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    more = RETRY if status == 429 else {}
    return JSONResponse({"error": sentence}, status, {**(headers or {}), **more})
