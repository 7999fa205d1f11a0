"""What the page of a study sends and gets, as JSON."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from attnmel.pipeline.study.study_file import LONGEST_CHOICE

MOST_SECONDS = 86_400

MOST_LETTERS = 2000
"""Of a comment; as in the page."""


class GivenAnswer(BaseModel):
    """One answer, as the page sends it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    position: Annotated[int, Field(ge=1)]
    stage: str
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]
    """The same when this answer is sent again, so that it is kept once."""
    suspicion: Annotated[int, Field(ge=0, le=100)]
    diagnosis: Annotated[str, Field(max_length=LONGEST_CHOICE)]
    confidence: Annotated[int, Field(ge=1)]
    management: Annotated[str, Field(max_length=LONGEST_CHOICE)]
    # PostgreSQL takes no NUL in a text.
    comment: Annotated[str, Field(max_length=MOST_LETTERS), AfterValidator(lambda text: text.replace("\0", ""))] = ""
    seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS, strict=False, allow_inf_nan=False)]
    """While the page was visible."""


class OwnAnswer(BaseModel):
    """The reader's own answer before support was shown."""

    suspicion: int
    diagnosis: str
    confidence: int
    management: str


class Support(BaseModel):
    """What a machine says; which machine it is, is not said."""

    probability: float | None
    has_map: bool


class Welcome(BaseModel):
    """The text of the welcome, before the first image."""

    study: str
    reader: str
    disease: str
    answered: int
    steps: int
    """Answers in all."""
    images: int
    """With practice and repeated ones."""
    practice: int
    sessions: int
    washout_days: int
    support: str | None
    """What is shown of a machine: probability, map or both; None without one."""
    after_own_answer: bool
    """Whether it is shown after an answer without it."""
    minutes: int
    """Of all answers, roughly."""
    ends: date | None


class State(BaseModel):
    """Where a reader is; holds no truth, no name of a case, and nothing of other readers."""

    study: str
    created: str
    """When the study was frozen, which tells it from another one of the same name."""
    reader: str
    disease: str
    state: str
    """reading, break (until `opens`) or done."""
    answered: int
    steps: int
    images: int
    practice: bool = False
    position: int | None = None
    stage: str | None = None
    diagnoses: list[str] = []
    management: list[str] = []
    confidence: int = 0
    support: Support | None = None
    before: OwnAnswer | None = None
    opens: str | None = None
