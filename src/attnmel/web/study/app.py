"""The application of a reader study: a page for readers who come by personal links, and the JSON API under it."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from attnmel import NOTICE, __version__
from attnmel.pipeline.study.reader_progress import ReaderProgress, has_ended, progress_of
from attnmel.pipeline.study.reading_order import OrderedCase
from attnmel.pipeline.study.store import Answer, Reader, Store
from attnmel.pipeline.study.study_file import ALONE, SUPPORT, Study, StudyFolder
from attnmel.web.app import NO_TELEMETRY, add_errors, add_page
from attnmel.web.parameters import value_problems
from attnmel.web.study.schema import GivenAnswer, OwnAnswer, State, Support, Welcome

_WEB = files("attnmel.web")
SHARED = ("style.css", "dom.js", "icon.svg")
"""Files of the page of `attnmel serve` that this one uses, too."""

SECONDS = 20
"""Of a usual answer, to say how long a study takes."""

LARGEST_BODY = 16_384
"""Bytes of an answer."""

NO_LINK = "this link is not valid; use the whole address that you were given, or request a new one"
LATER = "that is not the next question; open the page again to go on where you are"
TAKEN = "this question was answered before, and the first answer counts; open the page again to go on"

NO_DATABASE = "the study's database cannot be reached now; nothing was kept of this request, so send it again later"

Now = Callable[[], datetime]
_UTC: Now = partial(datetime.now, UTC)


class StudyServer:
    """A study, its files and its database, as the requests need them."""

    def __init__(self, study: Study, folder: StudyFolder, store: Store, now: Now = _UTC) -> None:
        self.study, self.folder, self.store, self.now = study, folder, store, now

    def reader(self, request: Request) -> Reader:
        """Return the reader whose token a request has.

        Raises:
            HTTPException: 401 without a valid token, 410 after the end of the study.
        """
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        found = self.store.reader(token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise HTTPException(401, NO_LINK)
        if has_ended(self.study, self.now()):
            raise HTTPException(410, f"the study ended on {self.study.ends}; thank you for your answers")
        return found

    def progress(self, reader: Reader) -> ReaderProgress:
        """Return where a reader is."""
        return progress_of(self.study, self.store, reader)

    def open_step(self, progress: ReaderProgress) -> tuple[OrderedCase, str] | None:
        """Return the case and stage that a reader may see now."""
        opens = progress.opens(self.study)
        return None if opens is not None and self.now() < opens else progress.next

    def welcome(self, reader: Reader) -> Welcome:
        """Return the text of the welcome before the first image; no image counts as shown."""
        progress, study = self.progress(reader), self.study
        supported = any(SUPPORT in item.stages for item in progress.items)
        return Welcome(
            study=study.name,
            reader=reader.name,
            disease=study.questions.disease,
            answered=len(progress.answers),
            steps=progress.steps,
            images=len(progress.items),
            practice=sum(item.case.training for item in progress.items),
            sessions=max(item.session for item in progress.items),
            washout_days=study.washout_days,
            support=study.show if supported else None,
            after_own_answer=study.design == "sequential",
            minutes=math.ceil(progress.steps * SECONDS / 60),
            ends=study.ends,
        )

    def state(self, reader: Reader) -> State:
        """Return what the page shows to a reader."""
        progress, study = self.progress(reader), self.study
        found = State(
            study=study.name,
            created=study.created,
            reader=reader.name,
            disease=study.questions.disease,
            state="done" if progress.next is None else "break",
            answered=len(progress.answers),
            steps=progress.steps,
            images=len(progress.items),
        )
        step = self.open_step(progress)
        if step is None:
            opens = progress.opens(study)
            return found if opens is None else found.model_copy(update={"opens": opens.isoformat(timespec="seconds")})
        item, stage = step
        self.store.add_shown(reader, item.position, stage, self.stamp())
        before = progress.answers.get((item.position, ALONE)) if stage == SUPPORT else None
        return found.model_copy(
            update={
                "state": "reading",
                "position": item.position,
                "stage": stage,
                "practice": item.case.training,
                "diagnoses": list(study.questions.diagnoses),
                "management": list(study.questions.management),
                "confidence": study.questions.confidence,
                "support": self._support(item) if stage == SUPPORT else None,
                "before": None if before is None else OwnAnswer.model_validate(before, from_attributes=True),
            }
        )

    def _support(self, item: OrderedCase) -> Support:
        machine = self.study.machine_of[str(item.machine)]
        shown = machine.probabilities[item.case.case] if self.study.show != "map" else None
        return Support(probability=None if shown is None else round(shown, 2), has_map=item.case.case in machine.maps)

    def keep(self, reader: Reader, given: GivenAnswer) -> None:
        """Keep an answer, once.

        Raises:
            HTTPException: 409 if it is not the next one, 422 if it is none of the possible answers.
        """
        progress = self.progress(reader)
        kept = progress.answers.get((given.position, given.stage))
        if kept is None:
            step = self.open_step(progress)
            if step is None or (given.position, given.stage) != (step[0].position, step[1]):
                raise HTTPException(409, LATER)
            self._check(given)
            assert reader.id is not None
            if self.store.add_answer(Answer(reader_id=reader.id, at=self.stamp(), **given.model_dump())):
                return
            kept = self.store.answers(reader).get((given.position, given.stage))  # another request was faster
        if kept is None or kept.key != given.key:
            raise HTTPException(409, TAKEN)

    def _check(self, given: GivenAnswer) -> None:
        questions = self.study.questions
        if given.diagnosis not in questions.diagnoses:
            raise HTTPException(422, f"the diagnosis is none of {', '.join(questions.diagnoses)}")
        if given.management not in questions.management:
            raise HTTPException(422, f"the management is none of {', '.join(questions.management)}")
        if given.confidence > questions.confidence:
            raise HTTPException(422, f"the confidence is above {questions.confidence}")

    def stamp(self) -> str:
        """Return the time as it is stored."""
        return self.now().astimezone(UTC).isoformat(timespec="milliseconds")

    def picture(self, reader: Reader, position: int, *, with_map: bool) -> FileResponse:
        """Return the image of the case that a reader sees now, or its map.

        Raises:
            HTTPException: 404 for any other case, and for a map before support is shown.
        """
        step = self.open_step(self.progress(reader))
        if step is None or step[0].position != position or (with_map and step[1] != SUPPORT):
            raise HTTPException(404, "this picture is not shown now; open the page again to go on where you are")
        item = step[0]
        if not with_map:
            return FileResponse(self.folder.images / item.case.image, media_type="image/jpeg")
        shown = self.study.machine_of[str(item.machine)].maps.get(item.case.case)
        if shown is None:
            raise HTTPException(404, "there is no attention map of this case")
        return FileResponse(self.folder.maps / shown.partition(":")[0], media_type="image/jpeg")


async def _bounded(request: Request) -> GivenAnswer:
    """Read the answer in a request.

    Raises:
        HTTPException: 413 if it is too large, 422 if it is no answer.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_BODY:
            raise HTTPException(413, f"an answer of more than {LARGEST_BODY} bytes; shorten the comment")
    try:
        return GivenAnswer.model_validate_json(bytes(content))
    except ValidationError as error:
        raise HTTPException(422, value_problems(error.errors(), [*GivenAnswer.model_fields])) from None


def make_study_app(study: Study, folder: StudyFolder, store: Store, now: Now = _UTC) -> FastAPI:
    """Return the application of a study."""
    server = StudyServer(study, folder, store, now)
    app = FastAPI(
        title="attnmel study",
        version=__version__,
        description=NOTICE,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=NO_TELEMETRY,  # pyright: ignore[reportArgumentType] - a dict of the same keys
    )
    add_errors(app)

    @app.exception_handler(OperationalError)
    async def unreachable(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": NO_DATABASE}, 503)

    add_page(app, [*(_WEB / "page" / name for name in SHARED), *(_WEB / "study" / "page").iterdir()])
    _add_api(app, server)
    return app


def _add_api(app: FastAPI, server: StudyServer) -> None:
    found = Annotated[Reader, Depends(server.reader)]

    @app.get("/api/welcome")
    def welcome(reader: found) -> Welcome:  # pyright: ignore[reportInvalidTypeForm]
        """Return what to expect, before anything is shown."""
        return server.welcome(reader)

    @app.get("/api/state")
    def state(reader: found) -> State:  # pyright: ignore[reportInvalidTypeForm]
        """Return what comes next."""
        return server.state(reader)

    # Who sends it is checked before the body is read.
    @app.post("/api/answer")
    def answer(reader: found, given: Annotated[GivenAnswer, Depends(_bounded)]) -> State:  # pyright: ignore[reportInvalidTypeForm]
        """Keep an answer, and return what comes next."""
        server.keep(reader, given)
        return server.state(reader)

    @app.get("/api/image/{position}")
    def image(reader: found, position: int) -> Response:  # pyright: ignore[reportInvalidTypeForm]
        """Return the image of the case that is shown now."""
        return server.picture(reader, position, with_map=False)

    @app.get("/api/map/{position}")
    def attention(reader: found, position: int) -> Response:  # pyright: ignore[reportInvalidTypeForm]
        """Return the attention map of the case that is shown now."""
        return server.picture(reader, position, with_map=True)
