"""The database of a study: readers, what they were shown, and their answers, which are only ever added."""

import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, create_engine, select

from attnmel.errors import ConfigError

TOKEN_BYTES = 24
"""Of a reader's token: 192 random bits."""


class Frozen(SQLModel, table=True):
    """The hash of the study that the answers belong to."""

    id: int | None = Field(default=None, primary_key=True)
    sha256: str


class Reader(SQLModel, table=True):
    """A reader; of the link only a hash is kept."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    token_sha256: str = Field(unique=True)


class Shown(SQLModel, table=True):
    """When a reader first saw a stage of a case."""

    __table_args__ = (UniqueConstraint("reader_id", "position", "stage"),)
    id: int | None = Field(default=None, primary_key=True)
    reader_id: int = Field(foreign_key="reader.id")
    position: int
    stage: str
    at: str


class Answer(SQLModel, table=True):
    """One answer of one reader to one stage of one case."""

    __table_args__ = (UniqueConstraint("reader_id", "position", "stage"), UniqueConstraint("reader_id", "key"))
    id: int | None = Field(default=None, primary_key=True)
    reader_id: int = Field(foreign_key="reader.id")
    position: int
    stage: str
    key: str
    """Chosen by the page, the same when an answer is sent again."""
    suspicion: int
    diagnosis: str
    confidence: int
    management: str
    comment: str = ""
    seconds: float
    at: str


class Store:
    """The database of a study at an address, or in a file; its tables are brought to the newest version.

    That of a `new` study is empty before.

    Raises:
        ConfigError: it cannot be opened, belongs to another study, or holds none and the study is not new.
    """

    def __init__(self, place: Path | str, sha256: str, *, new: bool = False) -> None:
        self._engine = _engine(place)
        try:
            is_filled = self._holds(sha256)
            if not is_filled and not new:
                raise ConfigError(
                    "the database holds no study, so it is not the one that `attnmel study new` has filled; restore "
                    "that file, or correct the address of --database"
                )
            self._migrate()
            if not is_filled:
                self._begin(sha256)
        except SQLAlchemyError as error:
            self.close()
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise ConfigError(f"the study's database cannot be used ({reason}); check its address or file") from None
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add_readers(self, names: Iterable[str]) -> dict[str, str]:
        """Add readers; return the token of each, which is kept nowhere."""
        tokens = {name: secrets.token_urlsafe(TOKEN_BYTES) for name in names}
        with Session(self._engine) as session:
            session.add_all(Reader(name=name, token_sha256=_digest(token)) for name, token in tokens.items())
            session.commit()
        return tokens

    def new_token(self, name: str) -> str:
        """Give a reader another token, and make the one before invalid.

        Raises:
            ConfigError: there is no reader of that name.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with Session(self._engine) as session:
            found = session.exec(select(Reader).where(Reader.name == name)).first()
            if found is None:
                raise ConfigError(f"the study has no reader '{name}'")
            found.token_sha256 = _digest(token)
            session.add(found)
            session.commit()
        return token

    def reader(self, token: str) -> Reader | None:
        """Return the reader of a token."""
        with Session(self._engine) as session:
            return session.exec(select(Reader).where(Reader.token_sha256 == _digest(token))).first()

    def readers(self) -> list[Reader]:
        """Return all readers."""
        with Session(self._engine) as session:
            return list(session.exec(select(Reader).order_by(sqlalchemy.asc("id"))))

    def answers(self, reader: Reader) -> dict[tuple[int, str], Answer]:
        """Return the answers of a reader by position and stage."""
        with Session(self._engine) as session:
            found = session.exec(select(Answer).where(Answer.reader_id == reader.id))
            return {(one.position, one.stage): one for one in found}

    def shown(self, reader: Reader) -> dict[tuple[int, str], str]:
        """Return when a reader first saw each stage."""
        with Session(self._engine) as session:
            found = session.exec(select(Shown).where(Shown.reader_id == reader.id))
            return {(one.position, one.stage): one.at for one in found}

    def add_shown(self, reader: Reader, position: int, stage: str, at: str) -> None:
        """Keep when a reader saw a stage for the first time."""
        assert reader.id is not None
        with Session(self._engine) as session, suppress(IntegrityError):
            session.add(Shown(reader_id=reader.id, position=position, stage=stage, at=at))
            session.commit()

    def add_answer(self, answer: Answer) -> bool:
        """Keep an answer; return False if there is one to that stage already, which is never changed.

        Once this returns, the answer is on the disk.
        """
        with Session(self._engine) as session:
            session.add(answer)
            try:
                session.commit()
            except IntegrityError:
                return False
        return True

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(files("attnmel.pipeline.study").joinpath("migrations")))
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _holds(self, sha256: str) -> bool:
        """Return whether the database is of the study of this hash; False if it is of none. Nothing is written.

        Raises:
            ConfigError: it is of another study.
        """
        if not sqlalchemy.inspect(self._engine).has_table(str(Frozen.__tablename__)):
            return False
        with Session(self._engine) as session:
            found = session.exec(select(Frozen)).first()
        if found is not None and found.sha256 != sha256:
            raise ConfigError(
                "the answers in the database belong to another study file (other hash); restore the file that they "
                "were given to"
            )
        return found is not None

    def _begin(self, sha256: str) -> None:
        with Session(self._engine) as session:
            session.add(Frozen(id=1, sha256=sha256))
            session.commit()


def _digest(token: str) -> str:
    # 192 random bits cannot be found from their hash, however fast it is.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _engine(place: Path | str) -> Engine:
    if isinstance(place, str):
        try:
            return create_engine(place, pool_pre_ping=True)  # the database may have been started again meanwhile
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigError(
                f"no database can be opened there ({str(error).splitlines()[0]}); expected an address such as "
                "postgresql+psycopg://user@host/name"
            ) from None
    engine = create_engine(f"sqlite:///{place}")

    @event.listens_for(engine, "connect")
    def _durable(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # pyright: ignore[reportAttributeAccessIssue] - of sqlite3
        for text in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            cursor.execute(f"PRAGMA {text}")
        cursor.close()

    return engine
