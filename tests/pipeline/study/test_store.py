"""The tables of a study: migrations make what the code expects; PostgreSQL keeps the same promises as SQLite."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from attnmel.errors import ConfigError
from attnmel.pipeline.study.store import Answer, Store

HASH = "0" * 64


def given(reader: int, position: int = 1, key: str = "key-0001") -> Answer:
    return Answer(
        reader_id=reader,
        position=position,
        stage="alone",
        key=key,
        suspicion=50,
        diagnosis="nevus",
        confidence=1,
        management="none",
        seconds=1.5,
        at="2030-01-01T00:00:00.000+00:00",
    )


def test_the_migrations_make_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    Store(tmp_path / "study.db", HASH).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'study.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_a_store_is_opened_again_with_what_it_holds_but_not_for_another_study(tmp_path: Path) -> None:
    store = Store(tmp_path / "study.db", HASH)
    token = store.add_readers(["ana"])["ana"]
    assert store.add_answer(given(1))
    store.close()
    store = Store(tmp_path / "study.db", HASH)
    ana = store.reader(token)
    assert ana is not None
    assert list(store.answers(ana)) == [(1, "alone")]
    store.close()
    with pytest.raises(ConfigError, match="the answers in the database belong to another study file"):
        Store(tmp_path / "study.db", "1" * 64)


def promises(store: Store) -> None:
    """Assert that of many writers of one answer one succeeds, and that it is the one that is kept."""
    tokens = store.add_readers(["ana", "ben"])
    ana, ben = store.readers()
    assert store.reader(tokens["ben"]) == ben
    assert ana.id is not None
    assert ben.id is not None
    number = ana.id
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda one: store.add_answer(given(number, key=f"key-000{one}")), range(8)))
    assert won.count(True) == 1
    assert store.answers(ana)[1, "alone"].key == f"key-000{won.index(True)}"
    assert not store.add_answer(given(number, position=2, key=f"key-000{won.index(True)}")), "a key is used once"
    assert store.add_answer(given(ben.id))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: store.add_shown(ana, 1, "alone", f"{one}"), range(4)))
    assert len(store.shown(ana)) == 1


def test_sqlite_keeps_one_answer(tmp_path: Path) -> None:
    store = Store(tmp_path / "study.db", HASH)
    promises(store)
    store.close()


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server of PostgreSQL, which does not run as root; give its address."""
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="attnmel-postgres-"))  # pytest's own folders are root's only
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    make = [*user, "initdb", "-D", str(data), "-U", "study", "--auth=trust", "-N", "--locale=C.UTF-8"]
    subprocess.run(make, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    control = [*user, "pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run([*control, "-o", options, "start"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        yield f"postgresql+psycopg://study@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pg_ctl"), reason="needs an installed server of PostgreSQL")
def test_postgresql_keeps_one_answer() -> None:
    with postgres() as address:
        store = Store(address, HASH)
        promises(store)
        store.close()
        Store(address, HASH).close()
