"""The tables of a study: migrations make what the code expects; PostgreSQL keeps the same promises as SQLite."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel
from tests.pipeline.study.postgres_server import needs_postgres, postgres

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
    Store(tmp_path / "study.db", HASH, new=True).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'study.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()


def test_a_store_is_opened_again_with_what_it_holds_but_not_for_another_study(tmp_path: Path) -> None:
    store = Store(tmp_path / "study.db", HASH, new=True)
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


@pytest.mark.parametrize("before", [(), ("CREATE TABLE patients (name TEXT)",)])
def test_a_database_without_a_study_is_not_taken_for_the_one_that_holds_the_answers(
    tmp_path: Path, before: Sequence[str]
) -> None:
    other = tmp_path / "other.db"
    engine = create_engine(f"sqlite:///{other}")
    with engine.begin() as connection:
        for statement in before:
            connection.execute(text(statement))
    with pytest.raises(ConfigError, match="holds no study, so it is not the one that `attnmel study new` has filled"):
        Store(f"sqlite:///{other}", HASH)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT name FROM sqlite_master")).scalars().all()
    engine.dispose()
    assert found == ["patients"] * len(before), "nothing is written into it"


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
    store = Store(tmp_path / "study.db", HASH, new=True)
    promises(store)
    store.close()


@pytest.mark.slow
@needs_postgres
def test_postgresql_keeps_one_answer_in_the_tables_that_the_code_expects() -> None:
    with postgres() as server:
        address = server.new_database()
        store = Store(address, HASH, new=True)
        promises(store)
        store.close()
        Store(address, HASH).close()
        with pytest.raises(ConfigError, match="the answers in the database belong to another study file"):
            Store(address, "1" * 64)
        engine = create_engine(address)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0001"
        engine.dispose()


@pytest.mark.slow
@needs_postgres
def test_connections_that_a_restarted_database_has_closed_are_opened_again() -> None:
    with postgres() as server:
        store = Store(server.new_database(), HASH, new=True)
        store.add_readers(["ana"])
        server.crash()
        server.start()
        assert [one.name for one in store.readers()] == ["ana"]
        store.close()
