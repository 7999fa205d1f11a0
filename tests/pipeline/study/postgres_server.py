"""A server of PostgreSQL for tests, where its programs are installed (Debian: the package postgresql)."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text


def _program(name: str) -> str | None:
    """Return a program of the server, which Debian keeps outside of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda one: int(one.parts[-3]))
    return shutil.which(name) or (str(found[-1]) if found else None)


INITDB, PG_CTL = _program("initdb"), _program("pg_ctl")

needs_postgres = pytest.mark.skipif(not (INITDB and PG_CTL), reason="needs an installed server of PostgreSQL")


class Postgres:
    """A server with data of its own on a free port of this machine; it does not run as root."""

    def __init__(self, folder: Path) -> None:
        self._user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._user:
            shutil.chown(folder, "postgres")
        self._folder, self._data, self._numbers = folder, folder / "data", count()
        self._run(INITDB, "-D", self._data, "-U", "study", "--auth=trust", "-N", "--locale=C.UTF-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = f"-p {self._port} -k {self._data} -c listen_addresses=127.0.0.1"
        self._run(PG_CTL, "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def crash(self) -> None:
        """End at once, as by a power cut; the next start recovers from its log."""
        self._run(PG_CTL, "-D", self._data, "-m", "immediate", "-w", "stop")

    def new_database(self) -> str:
        """Return the address of an empty database."""
        name = f"study{next(self._numbers)}"
        engine = create_engine(self._address("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._address(name)

    def _address(self, name: str) -> str:
        return f"postgresql+psycopg://study@127.0.0.1:{self._port}/{name}"

    def _run(self, *words: object) -> None:
        command = [*self._user, *map(str, words)]
        subprocess.run(command, check=True, cwd=self._folder, stdout=subprocess.DEVNULL)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="attnmel-postgres-") as folder:  # pytest's own folders are root's only
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.crash()
