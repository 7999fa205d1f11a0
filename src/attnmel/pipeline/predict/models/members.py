"""The members of a model that joins several: each predicts with transforms and a prior of age and sex of its own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from attnmel.data.image_files.picture import NamedBytes
from attnmel.models.weights.card import Card
from attnmel.pipeline.predict.age_and_sex import AgeAndSex
from attnmel.pipeline.predict.table import ImageResult


@runtime_checkable
class MemberModel(Protocol):
    """A model that is one of several."""

    file: Path
    card: Card
    temperature: float | None
    transforms: str

    @property
    def made_with(self) -> Mapping[str, str]:
        """Everything that its results depend on, except the file and the temperature."""
        ...

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[ImageResult]:
        """Yield the result of each file, in order."""
        ...


@runtime_checkable
class JoinedModel(Protocol):
    """A model that joins the results of several."""

    members: "Members"


class Members:
    """Models, of which each result has the age and sex of its image in it where a model has such a prior.

    `metadata` is a table of age and sex by image.

    Raises:
        LabelError: as `AgeAndSex`.
    """

    def __init__(self, models: Sequence[MemberModel], metadata: Path | None) -> None:
        self.models: tuple[MemberModel, ...] = tuple(models)
        self._age_and_sex = [age_and_sex_of(one, metadata) for one in self.models]

    @property
    def age_and_sex(self) -> "MembersAgeAndSex":
        """What all of them make of age and sex."""
        return MembersAgeAndSex(self._age_and_sex)

    @property
    def transforms(self) -> str:
        """Those of the members, each once."""
        return ", ".join(dict.fromkeys(one.transforms for one in self.models))

    def predict(self, paths: Sequence[Path], *, many: bool) -> Iterator[tuple[ImageResult, ...]]:
        """Yield the results of all members for each file."""
        each = (
            map(people.of_results, paths, one.predict(paths, many=many))
            for people, one in zip(self._age_and_sex, self.models, strict=True)
        )
        return zip(*each, strict=True)


class MembersAgeAndSex:
    """Age and sex for a joined model: its members' results are changed before they are joined."""

    def __init__(self, members: "Sequence[AgeAndSex | MembersAgeAndSex]") -> None:
        self._used = [one for one in members if one.is_used]

    @property
    def is_used(self) -> bool:
        """Whether a member has such a prior."""
        return bool(self._used)

    @property
    def made_with(self) -> str:
        """Identifies the table; empty without one."""
        return self._used[0].made_with if self._used else ""

    def sentence(self, images: int) -> str:
        """Return of how many images age and sex have changed a member's probabilities; empty without such a prior."""
        return self._used[0].sentence(images) if self._used else ""

    def of_results(self, source: Path | NamedBytes, result: ImageResult) -> ImageResult:
        """Return the joined result as it is."""
        del source
        return result


def age_and_sex_of(model: MemberModel, metadata: Path | None) -> AgeAndSex | MembersAgeAndSex:
    """Return what age and sex change in the results of a model.

    Raises:
        LabelError: as `AgeAndSex`.
    """
    if isinstance(model, JoinedModel):
        return model.members.age_and_sex
    return AgeAndSex(model.card, model.temperature, metadata)


def single_models(model: MemberModel) -> Iterator[MemberModel]:
    """Give the model, or all that it joins, also through others."""
    if not isinstance(model, JoinedModel):
        yield model
        return
    for one in model.members.models:
        yield from single_models(one)
