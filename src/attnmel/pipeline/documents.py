"""The pages of the documentation: built by mkdocs where it is installed, and served on this machine. No torch."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attnmel
from attnmel.errors import ConfigError
from attnmel.files.folders import replacing
from attnmel.progress import SILENT, Progress

SETTINGS = "mkdocs.yml"
_PACKAGE = Path(attnmel.__file__).parent
PLACES = (_PACKAGE / "documents", _PACKAGE.parents[1])
"""Where the source of the pages is: in an installed package, in a clone."""

STAMP = "attnmel-source.txt"
"""Of built pages: a hash of what they were built of."""

MODULES = ("mkdocs", "material", "mkdocstrings", "nbconvert")
LOCALHOST = "127.0.0.1"
LAST_LINES = 5
"""Of mkdocs's output that an error repeats."""


def source_folder() -> Path:
    """Return the folder with `mkdocs.yml` and `docs/`.

    Raises:
        ConfigError: this installation has none.
    """
    for place in PLACES:
        if (place / SETTINGS).is_file():
            return place
    raise ConfigError(f"this installation has no source of the documents (no {SETTINGS}); install attnmel again")


def built_pages(home: Path, progress: Progress = SILENT) -> Path:
    """Return the folder of the pages, `<home>/docs`; built where it is missing or of another source.

    Pages of another source are returned with a note where mkdocs is not installed.

    Raises:
        ConfigError: no pages yet and no mkdocs, or mkdocs ended with an error.
    """
    source, pages = source_folder(), home / "docs"
    stamp = pages / STAMP
    wanted = _digest(source)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return pages
    if _missing() and stamp.is_file():
        progress.note("these pages are of another version of attnmel; pip install 'attnmel[docs]' builds them anew")
        return pages
    build(source, pages, wanted, progress)
    return pages


def _missing() -> list[str]:
    """Return the modules that build the pages and are not installed."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def build(source: Path, pages: Path, stamp: str = "", progress: Progress = SILENT) -> None:
    """Build the pages by `mkdocs build --strict`, in place of former ones.

    Raises:
        ConfigError: mkdocs is not installed, or what it said last; or the folder holds something else.
    """
    if missing := _missing():
        raise ConfigError(
            f"the pages need the package {missing[0]}, which is not installed; type: pip install 'attnmel[docs]', or "
            f"read the files in {source / 'docs'}"
        )
    _require_pages(pages)
    progress.note("building the pages, once for this version")
    with replacing(pages) as part:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(source / SETTINGS), "-d", str(part)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-LAST_LINES:])
            raise ConfigError(f"mkdocs could not build the pages:\n{last}")
        (part / STAMP).write_text(stamp, encoding="utf-8")
        _require_pages(pages)
        if pages.is_dir():
            shutil.rmtree(pages)


def _require_pages(pages: Path) -> None:
    """Refuse a folder that holds something else than former pages."""
    if pages.is_dir() and not (pages / STAMP).is_file() and any(pages.iterdir()):
        raise ConfigError(f"{pages} holds something else than pages of attnmel; move it away, or name another folder")


def _digest(source: Path) -> str:
    found = hashlib.sha256(attnmel.__version__.encode())
    for path in (source / SETTINGS, *sorted((source / "docs").rglob("*")), *sorted(_PACKAGE.rglob("*.py"))):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


@contextmanager
def serving(pages: Path, port: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Serve a folder to this machine alone; give its address, and a function that waits until the server ends.

    Raises:
        ConfigError: the port is taken.
    """
    handler = partial(_Quiet, directory=str(pages))
    try:
        server = ThreadingHTTPServer((LOCALHOST, port), handler)
    except OSError:
        raise ConfigError(f"port {port} is taken, perhaps by other pages; choose another one by --port, or 0") from None
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield f"http://{LOCALHOST}:{server.server_port}/", thread.join
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""
