"""Kill the server of a study while readers answer, start it again, and look for every answer that it confirmed.

    python benchmarks/reliability/kill_study.py FOLDER [--kills 200]

Three readers answer over HTTP. The server is killed (SIGKILL) at random moments; an answer whose confirmation did not
come is sent again with the same key, as the page does. In the end every answer has to be in the database once, as it
was sent. A study that is full is followed by a new one. The results are rows of FOLDER/study.csv.
"""

import argparse
import csv
import http.client
import json
import random
import shutil
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.pipeline.study.small_study import small_study

from kill import Killed, import_all

READERS = ("ana", "ben=resident", "eve")
LONGEST_START = 60.0
PATIENCE = 0.01


class Reader:
    """One reader: answers what the server asks, and keeps what was confirmed."""

    def __init__(self, name: str, token: str, seed: str) -> None:
        self.name, self.token, self.chance = name, token, random.Random(seed)
        self.confirmed: dict[tuple[int, str], int] = {}
        self.sent: dict[tuple[int, str], dict[str, Any]] = {}
        self.done = False

    def ask(self, port: int, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send one request; an error of the connection is the caller's."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise ValueError(f"{path}: {answer.status} {content[:200]!r}")
        return json.loads(content)

    def answer(self, port: int) -> None:
        """Answer one question."""
        state = self.ask(port, "GET", "/api/state")
        if state["state"] != "reading":
            self.done = True
            return
        place = state["position"], state["stage"]
        fresh = {
            "position": place[0],
            "stage": place[1],
            "key": f"{self.name}-{place[0]}-{place[1]}-key",
            "suspicion": self.chance.randrange(101),
            "diagnosis": "nevus",
            "confidence": 3,
            "management": state["management"][0],
            "comment": "",
            "seconds": 1.5,
        }
        given = self.sent.setdefault(place, fresh)
        self.ask(port, "POST", "/api/answer", given)
        self.confirmed[place] = given["suspicion"]

    def work(self, port: int, stop: threading.Event) -> None:
        """Answer until the server is gone."""
        while not stop.is_set() and not self.done:
            try:
                self.answer(port)
            except (OSError, http.client.HTTPException):
                time.sleep(PATIENCE)


def kept(study: Path) -> dict[str, dict[tuple[int, str], int]]:
    """Return what the database holds, by reader."""
    (path,) = [one for one in study.iterdir() if one.suffix in (".sqlite", ".db", ".sqlite3")]
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT reader.name, position, stage, suspicion FROM answer JOIN reader ON reader.id = reader_id"
        ).fetchall()
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    found: dict[str, dict[tuple[int, str], int]] = {"": {}} if sound != "ok" else {}
    for name, position, stage, suspicion in rows:
        found.setdefault(name, {})[position, stage] = suspicion
    return found


def serve(place: Path, study: Path) -> tuple[Killed, int]:
    """Start the server in a forked process; return it and its port."""
    log = place.with_name(f"{place.name}.log")
    log.unlink(missing_ok=True)
    server = Killed(place, ["study", "serve", str(study), "--port", "0"])
    end = time.monotonic() + LONGEST_START
    while not (log.exists() and "http://" in (text := log.read_text())):
        if time.monotonic() > end or server.wait(0) is not None:
            raise SystemExit(f"the server does not start: see {log}")
        time.sleep(PATIENCE)
    return server, int(text.partition("http://127.0.0.1:")[2].partition("/")[0].split()[0])


def one_study(place: Path, number: int, most: int) -> tuple[int, int, list[str]]:
    """Let three readers read a study under kills; return the kills, the answers, and what is wrong."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    study, _, tokens = small_study(place, cases=44, count=20, readers=READERS)
    readers = [Reader(name, token, f"{number} {name}") for name, token in tokens.items()]
    chance, kills, problems = random.Random(number), 0, []
    while not all(one.done for one in readers):
        server, port = serve(place, study)
        stop = threading.Event()
        works = [threading.Thread(target=one.work, args=(port, stop)) for one in readers]
        for one in works:
            one.start()
        time.sleep(chance.uniform(0, 1.0) if kills < most else 0)
        if kills >= most:
            for one in works:
                one.join()
        else:
            kills += 1
        server.kill(all_of_them=False)
        stop.set()
        for one in works:
            one.join()
        found = kept(study)
        for one in readers:
            lost = {p: s for p, s in one.confirmed.items() if found.get(one.name, {}).get(p) != s}
            other = {p for p, s in found.get(one.name, {}).items() if one.sent[p]["suspicion"] != s}
            problems += [f"{one.name}: lost {lost}"] if lost else []
            problems += [f"{one.name}: other {other}"] if other else []
        problems += ["the database is damaged"] if "" in found else []
    answers = sum(len(one.confirmed) for one in readers)
    if any(kept(study).get(one.name) != {p: g["suspicion"] for p, g in one.sent.items()} for one in readers):
        problems.append("in the end the answers are not those that were sent")
    return kills, answers, problems


def run_all() -> None:
    """Run the campaign that the options describe."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    import_all()
    table = options.folder / "study.csv"
    options.folder.mkdir(parents=True, exist_ok=True)
    with table.open("a+", newline="") as file:
        file.seek(0)
        rows = list(csv.reader(file))
        total, answers = sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)
        number = len(rows)
        while total < options.kills:
            kills, given, problems = one_study(options.folder / "place" / "study", number, 25)
            csv.writer(file).writerow([number, kills, given, "; ".join(problems)])
            file.flush()
            number, total, answers = number + 1, total + kills, answers + given
            for one in problems:
                print(f"study {number}: {one}", flush=True)
    print(f"study: {total} kills, {answers} answers confirmed in {number} studies")


if __name__ == "__main__":
    run_all()
