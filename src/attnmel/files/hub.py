"""Models on a Hugging Face hub, named hf:OWNER/NAME@REVISION: a folder of checked files on this disk. No torch.

Files are kept where every program keeps those of the hub ($HF_HOME). Only files of an attnmel model are fetched;
weights are read from safetensors alone, so that nothing fetched can run code. The server is $HF_ENDPOINT, by default
https://huggingface.co; the token is that of `hf auth login` or $HF_TOKEN, which this program neither reads nor keeps.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnmel import __version__
from attnmel.errors import ArchiveError, CheckpointError, ConfigError
from attnmel.files.checksums import file_sha256
from attnmel.files.folders import RunFolder
from attnmel.number_formats import size_in_words

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hf:"
CARD = "README.md"
_RUN = RunFolder(Path())
WEIGHTS = _RUN.best.name
FILES = (CARD, WEIGHTS, *(one.name for one in (_RUN.onnx, _RUN.recipe, _RUN.provenance, _RUN.measures, _RUN.images)))
"""Files of a model on the hub: a run folder without what only training needs, and a card."""

MOST_BYTES = 4_000_000_000
"""Of one model; the largest network of a recipe has 0.6 GB."""

FORM = f"{PREFIX}OWNER/NAME or {PREFIX}OWNER/NAME@REVISION"
# As the hub's own library checks names, which else ends with an error of its own.
_PART = r"[A-Za-z0-9](?:(?!--|\.\.)[\w.-])*(?<![.-])"
_REPOSITORY = re.compile(rf"{_PART}/{_PART}(?<!\.git)")
_NAME = re.compile(rf"({_REPOSITORY.pattern})(?:@([\w./-]+))?(?:#([0-9a-f]{{64}}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class HubName:
    """A model on the hub: `hf:OWNER/NAME@REVISION#SHA256`; all after the name may be missing."""

    repository: str
    revision: str | None = None
    """A branch, a tag or a commit."""
    sha256: str | None = None
    """Of the weights."""

    def __str__(self) -> str:
        revision = f"@{self.revision}" if self.revision else ""
        return f"{PREFIX}{self.repository}{revision}{f'#{self.sha256}' if self.sha256 else ''}"

    @property
    def is_commit(self) -> bool:
        """Whether the revision means the same files for ever."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None


def hub_name(text: str) -> HubName | None:
    """Return the model that a text with the prefix `hf:` names; None for any other text.

    Raises:
        ConfigError: not of that form.
    """
    if not text.startswith(PREFIX):
        return None
    found = _NAME.fullmatch(text.removeprefix(PREFIX))
    if found is None:
        raise ConfigError(f"'{text}' is no model of a hub; write {FORM}")
    return HubName(found[1], found[2], found[3])


def repository_name(text: str) -> HubName:
    """Return the model of a text where only a model of a hub can stand, so that the prefix may be left out."""
    found = hub_name(text if text.startswith(PREFIX) else f"{PREFIX}{text}")
    assert found is not None
    return found


def hub_folder(name: HubName) -> Path:
    """Return the folder with the files of a model, fetched where they are not on this disk; its name is the commit.

    A revision that is a commit is fetched once; a branch or tag is looked up each time.

    Raises:
        ArchiveError: no network, no such repository, revision or file, or no access.
        CheckpointError: weights that are damaged, or others than the name's SHA-256.
    """
    folder = _fetched(name)
    if name.sha256 is not None and (found := file_sha256(folder / WEIGHTS)) != name.sha256:
        raise CheckpointError(
            f"the weights of {_short(name)} have SHA-256 {found[:12]}..., expected {name.sha256[:12]}...; name the "
            "revision that was used before, or take the new weights by leaving out '#' and what follows"
        )
    return folder


def pinned_hub_name(name: HubName) -> HubName:
    """Return the name with commit and SHA-256 of the weights as they are now."""
    folder = hub_folder(name)
    return HubName(name.repository, folder.name, file_sha256(folder / WEIGHTS))


def hub_api() -> "HfApi":
    """Return the client of the hub.

    Raises:
        ConfigError: the extra `hub` is not installed.
    """
    try:
        from huggingface_hub import HfApi, constants
        from huggingface_hub.utils import disable_progress_bars
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"a hub needs the package {error.name}, which is not installed; type: pip install 'attnmel[hub]'"
        ) from None
    disable_progress_bars()
    # Else every request names torch's version and the program that calls this one.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, library_name="attnmel", library_version=__version__)


@contextmanager
def hub_errors(name: HubName, api: "HfApi") -> Iterator[None]:
    """Turn the errors of the client into one sentence each, without what the request held.

    Raises:
        ArchiveError: says what to do.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.RevisionNotFoundError:
        raise ArchiveError(f"{_short(name)}: no such branch, tag or commit in {name.repository}") from None
    except errors.GatedRepoError:
        raise ArchiveError(
            f"{name.repository} is given on request only: ask for it at {api.endpoint}/{name.repository}, then log in "
            "by `hf auth login`"
        ) from None
    except errors.RepositoryNotFoundError:
        raise ArchiveError(
            f"no repository {name.repository} at {api.endpoint}, or it is private and you are not logged in with an "
            "account that may see it; check the name, or log in by `hf auth login`"
        ) from None
    except errors.HfHubHTTPError as error:
        raise ArchiveError(_refusal(name, api, error.response.status_code)) from None
    except (httpx2.TransportError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise ArchiveError(
            f"{api.endpoint} cannot be reached, and {_short(name)} is not on this disk; check the network "
            "(and HF_ENDPOINT, HF_HUB_OFFLINE). What was fetched before is found by its commit"
        ) from None


def _refusal(name: HubName, api: "HfApi", code: int) -> str:
    if code in (401, 403):
        return (
            f"{api.endpoint} refuses {name.repository} ({code}): log in by `hf auth login` with a token that may write"
        )
    return f"{api.endpoint} answers {code} for {name.repository}; try again later"


def _fetched(name: HubName) -> Path:
    api = hub_api()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    # One file at a time: where the connection fails, threads of huggingface_hub 2.4 close each other's client.
    wanted: Any = {
        "repo_id": name.repository,
        "allow_patterns": list(FILES),
        "endpoint": api.endpoint,
        "max_workers": 1,
    }
    if name.is_commit:
        try:
            return Path(snapshot_download(revision=name.revision, local_files_only=True, **wanted))
        except LocalEntryNotFoundError:
            pass  # not fetched yet
    with hub_errors(name, api):
        info = api.model_info(name.repository, revision=name.revision, files_metadata=True)
        listed = {one.rfilename: one for one in info.siblings or ()}
        _check_list(name, {file: one.size or 0 for file, one in listed.items() if file in FILES})
        folder = Path(snapshot_download(revision=info.sha, **wanted))
    for file, one in listed.items():
        if file in FILES and one.lfs is not None:
            _check_content(folder / file, one.lfs.sha256, name)
    return folder


def _check_list(name: HubName, sizes: dict[str, int]) -> None:
    if missing := [file for file in (WEIGHTS, _RUN.recipe.name) if file not in sizes]:
        raise ArchiveError(
            f"{_short(name)} is no model of attnmel: it has no {missing[0]}; expected a repository that "
            "`attnmel push` has filled"
        )
    if (size := sum(sizes.values())) > MOST_BYTES:
        raise ArchiveError(
            f"the files of {name.repository} have {size_in_words(size)}; at most {size_in_words(MOST_BYTES)} are "
            "fetched"
        )


def _check_content(path: Path, expected: str, name: HubName) -> None:
    """Remove a file whose content is not what the hub lists, so that it is fetched anew."""
    if (found := file_sha256(path)) != expected:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise CheckpointError(
            f"{path.name} of {name.repository} came with SHA-256 {found[:12]}..., by the hub's list "
            f"{expected[:12]}...; it was removed: run the command again"
        )


def _short(name: HubName) -> str:
    return str(replace(name, sha256=None))
