"""Locks, so that only one command at a time writes a file or folder; they name their owner and end with its process.

The lock of a file is next to it (`.table.csv.lock`), that of a folder in it (`.attnmel.lock`), and is removed when its
owner is done. It is a lock of the operating system (flock, on Windows LockFile) on that file: the system releases it
when the process ends, however that happens. The text of the file names the owner.

Some network file systems do not share such locks between machines, or have none. So the owner also touches the file
every `REFRESH` seconds. The lock of another machine, or any lock if the file system has none, is valid while it was
touched in the last `LAPSE` seconds by the clock of that file system.

Only writers take a lock. Readers need none, since files are replaced as a whole.
"""

import json
import os
import platform
import shlex
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from attnmel.errors import BusyError
from attnmel.files.file_owner import owner_of
from attnmel.files.leftovers import remove_leftovers
from attnmel.files.system_lock import is_there, open_lock, release_lock, seconds_since_touched, take_lock
from attnmel.files.table_files import parsed_json
from attnmel.number_formats import duration

REFRESH = 20.0
"""Seconds between two touches of a lock."""

LAPSE = 120.0
"""Seconds after the last touch until a lock ends that the system cannot confirm."""

LOOK_EVERY = 0.2
"""Seconds between two tries to take a lock."""

SETTLE = 2.0
"""Seconds in which a simultaneous second owner becomes visible, if the file system has no locks."""

IN_FOLDER = ".attnmel.lock"

LONGEST_COMMAND = 200

Note = Callable[[str], None]

_OWN: dict[Path, int] = {}
"""The locks of this process, with the thread that owns them."""


@dataclass(frozen=True)
class Owner:
    """The owner of a lock, as in its file."""

    command: str
    process: int
    host: str
    began: str
    """Date and time in UTC, ISO 8601."""
    token: str
    """Random, new for each lock."""

    @staticmethod
    def this() -> "Owner":
        """Return this process as an owner."""
        began = datetime.now(UTC).isoformat(timespec="seconds")
        return Owner(_command(), os.getpid(), platform.node(), began, uuid.uuid4().hex)

    @staticmethod
    def read(text: bytes) -> "Owner | None":
        """Return the owner in the text of a lock; None if the text is incomplete or damaged."""
        try:
            owner = Owner(**parsed_json(text))
            zone = datetime.fromisoformat(owner.began).tzinfo
        except (ValueError, TypeError):
            return None
        return None if zone is None else owner

    def sentence(self) -> str:
        """Return command, process, machine, start and age in words."""
        began = datetime.fromisoformat(self.began)
        age = f"{duration((datetime.now(UTC) - began).total_seconds())} ago"
        return f"`{self.command}`, process {self.process} on {self.host}, begun {began:%Y-%m-%d %H:%M:%S} UTC ({age})"


@contextmanager
def hold_file(path: Path, waiting: Note | None = None) -> Iterator[None]:
    """Lock a file, and the files that belong to it, during the block; as `hold_folder`."""
    place = path.parent.resolve() / path.name
    with _held(place.with_name(f".{path.name}.lock"), path, waiting):
        yield


@contextmanager
def hold_files(*paths: Path | None) -> Iterator[None]:
    """Lock those files that are not None during the block; as `hold_folder`."""
    with ExitStack() as held:
        for path in filter(None, paths):
            held.enter_context(hold_file(path))
        yield


def built_once(path: Path, is_there: Callable[[], bool], build: Callable[[], None], waiting: Note) -> None:
    """Build what is missing at `path` under its lock; of several commands one builds, and the others wait for that."""
    if is_there():
        return
    with hold_file(path, waiting):
        if not is_there():
            build()


@contextmanager
def hold_folder(path: Path, waiting: Note | None = None) -> Iterator[None]:
    """Lock a folder, new or not, during the block.

    A thread may lock it again. With `waiting`, which is called with one sentence, the end of another owner is awaited.
    A folder that was created for the lock is removed with it, if it is empty.

    Raises:
        BusyError: another command has the lock, and there is no `waiting`, or the lock is another user's and may not be
            opened; names that command and that user.
        OSError: the folder cannot be written.
    """
    with _held(path.resolve() / IN_FOLDER, path, waiting):
        remove_leftovers(path)
        yield


@contextmanager
def hold_folders(*paths: Path | None) -> Iterator[None]:
    """Lock those folders that are not None during the block, each once; as `hold_folder`."""
    with ExitStack() as held:
        for path in dict.fromkeys(filter(None, paths)):
            held.enter_context(hold_folder(path))
        yield


@contextmanager
def _held(lock: Path, what: Path, waiting: Note | None) -> Iterator[None]:
    if _OWN.get(lock) == threading.get_ident():
        yield
        return
    made = [folder for folder in (lock.parent, *lock.parent.parents) if not folder.exists()]
    try:
        file = _taken(lock, what, waiting)
        _OWN[lock] = threading.get_ident()
        try:
            with _refreshed(lock, file):
                yield
        finally:
            del _OWN[lock]
            release_lock(lock, file)
    except OSError as error:
        if str(lock) == str(error.filename):
            error.filename = str(what)  # the path that the user knows
        raise
    finally:
        for folder in made:
            with suppress(OSError):  # something was written there
                folder.rmdir()


def _taken(lock: Path, what: Path, waiting: Note | None) -> int:
    """Take a lock and return its open file."""
    has_said = False
    while True:
        file = _opened(lock, what)
        try:
            if _is_taken(lock, file):
                return file
            owner = Owner.read(_text(lock))
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        by = "a command that has just started" if owner is None else f"another command: {owner.sentence()}"
        if waiting is None:
            raise BusyError(
                f"{what} is being written by {by}. Wait until that has ended, or choose another path; nothing was "
                f"changed.{_rule(owner)}"
            )
        if not has_said:
            waiting(f"{what} is being written by {by}; waiting for it")
            has_said = True
        time.sleep(LOOK_EVERY)


def _rule(owner: Owner | None) -> str:
    """Return when the lock of another machine ends, since its process cannot be checked from here."""
    if owner is None or owner.host == platform.node():
        return ""
    return f" If {owner.host} was switched off, the lock ends {LAPSE:g} seconds later."


def _opened(lock: Path, what: Path) -> int:
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            return open_lock(lock, os.O_CREAT)
        except FileNotFoundError:  # another process has just removed the empty folder
            continue
        except PermissionError:
            if not os.access(lock.parent, os.X_OK) or not lock.is_file():  # the folder cannot be written
                raise
            raise BusyError(_of_another_user(lock, what)) from None


def _of_another_user(lock: Path, what: Path) -> str:
    """Return what to do about a lock that this user may not open, so that whether it is taken cannot be seen."""
    by, user = Owner.read(_text(lock)), owner_of(lock) or "unknown"
    command = "a command that cannot be read from here" if by is None else by.sentence()
    return (
        f"{what} is locked by another user, {user}, for {command}. Wait until that has ended, or choose another path; "
        f"if it has ended, ask {user} to remove its lock, {lock}. Nothing was changed."
    )


def _is_taken(lock: Path, file: int) -> bool:
    """Take an open lock if it is free; return False if it has another owner or was removed."""
    confirmed = take_lock(file)
    if confirmed is False or not is_there(lock, file):
        return False
    before = Owner.read(_text(lock))
    elsewhere = before is not None and (confirmed is None or before.host != platform.node())
    if elsewhere and seconds_since_touched(lock, file) < LAPSE:
        return False
    me = Owner.this()
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, json.dumps(asdict(me)).encode())
    if confirmed is None:
        os.fsync(file)
        time.sleep(SETTLE)
        return Owner.read(_text(lock)) == me
    return True


def _text(lock: Path) -> bytes:
    with suppress(OSError):
        return lock.read_bytes()
    return b""


@contextmanager
def _refreshed(lock: Path, file: int) -> Iterator[None]:
    """Touch a lock regularly during the block."""
    done = threading.Event()

    def touch() -> None:
        while not done.wait(REFRESH):
            with suppress(OSError):
                os.utime(file if os.utime in os.supports_fd else lock)

    thread = threading.Thread(target=touch, name=f"lock of {lock.parent.name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _command() -> str:
    name = Path(sys.argv[0]).stem
    words = shlex.join(["attnmel" if name == "__main__" else name, *sys.argv[1:]])
    return words if len(words) <= LONGEST_COMMAND else f"{words[:LONGEST_COMMAND]}..."
