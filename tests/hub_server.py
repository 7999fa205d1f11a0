"""A server on this machine that speaks the part of the Hugging Face hub's API that `push`, `pull` and `hf:` use.

https://huggingface.co/docs/hub/api, https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import yaml

TOKEN = "hf_secretOfTheTests"
Files = dict[str, bytes]


@dataclass
class Repository:
    """Commits by their hash, in order; the last one is `main`."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)

    def add(self, files: Files) -> str:
        """Add a commit of the files before and these; return its hash."""
        before = list(self.commits.values())[-1] if self.commits else {}
        commit = hashlib.sha1(repr((len(self.commits), sorted(files))).encode()).hexdigest()
        self.commits[commit] = before | files
        return commit

    def commit(self, revision: str) -> str | None:
        """Return the commit of a revision."""
        last = next(reversed(self.commits), None)
        return last if revision == "main" else revision if revision in self.commits else None


@dataclass
class Hub:
    """What the server holds and what it was asked."""

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    spoil: str = ""
    """Name of a file that is sent with other bytes than were stored."""
    full: bool = False
    """Whether no large file is taken."""


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        path = self._path()
        match path.split("/"):
            case ["api", "models", owner, name, *rest]:
                found = self._found(f"{owner}/{name}", rest[1] if len(rest) > 1 else "main")
                if found is not None:
                    self._json(self._tree(*found) if rest[:1] == ["tree"] else self._info(f"{owner}/{name}", *found))
            case [owner, name, "resolve", revision, *file]:
                found = self._found(f"{owner}/{name}", revision)
                if found is not None:
                    self._file(*found, "/".join(file))
            case _:
                self._refuse(404, "")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        path, body = self._path(), self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}" and "validate-yaml" not in path:
            return self._refuse(401, "")
        match path.split("/"):
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                name = f"{asked['organization']}/{asked['name']}"
                known = name in self.hub.repositories
                self.hub.repositories.setdefault(name, Repository(private=asked.get("visibility") == "private"))
                self._json({"url": f"{self.hub.address}/{name}", "id": name}, 409 if known else 200)
            case ["api", "validate-yaml"]:
                problems = card_problems(json.loads(body)["content"])
                errors = [{"message": one} for one in problems]
                self._json({"errors": errors, "warnings": []}, 400 if errors else 200)
            case ["api", "models", _, _, "preupload", "main"]:
                self._json({"files": [self._mode(one) for one in json.loads(body)["files"]]})
            case [_, git, "info", "lfs", "objects", "batch"] if git.endswith(".git"):
                actions = [
                    {**one, "actions": {"upload": {"href": f"{self.hub.address}/large/{one['oid']}"}}}
                    for one in json.loads(body)["objects"]
                ]
                self._json({"transfer": "basic", "objects": actions})
            case ["api", "models", owner, name, "commit", "main"]:
                commit = self.hub.repositories[f"{owner}/{name}"].add(dict(self._committed(body)))
                self._json({"commitUrl": f"{self.hub.address}/{owner}/{name}/commit/{commit}", "commitOid": commit})
            case _:
                self._refuse(404, "")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        oid = self._path().removeprefix("large/")
        if self.hub.full or hashlib.sha256(content).hexdigest() != oid:
            return self._refuse(400, "")
        self.hub.large[oid] = content
        self._json({})

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        self.hub.agents.add(self.headers.get("User-Agent", ""))
        return path

    def _found(self, name: str, revision: str) -> tuple[str, Files] | None:
        repository = self.hub.repositories.get(name)
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if repository is None or (repository.private and not known):
            self._refuse(401, "RepoNotFound")
        elif repository.gated:
            self._refuse(403, "GatedRepo")
        elif (commit := repository.commit(revision)) is None:
            self._refuse(404, "RevisionNotFound")
        else:
            return commit, repository.commits[commit]
        return None

    def _info(self, name: str, commit: str, files: Files) -> dict[str, Any]:
        listed = [
            {"rfilename": path, "size": len(content), "blobId": "0" * 40, **_pointer(path, content, "sha256")}
            for path, content in files.items()
        ]
        return {
            "id": name,
            "sha": commit,
            "siblings": listed,
            "private": self.hub.repositories[name].private,
            "tags": [],
            "downloads": 0,
        }

    def _tree(self, commit: str, files: Files) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": path, "size": len(content), "oid": "0" * 40, **_pointer(path, content, "oid")}
            for path, content in files.items()
        ]

    def _file(self, commit: str, files: Files, path: str) -> None:
        if path not in files:
            return self._refuse(404, "EntryNotFound")
        content = files[path]
        sent = bytes(255 - byte for byte in content) if path == self.hub.spoil else content
        tag = hashlib.sha256(content).hexdigest()
        self._answer(200, sent, {"ETag": f'"{tag}"', "X-Repo-Commit": commit, "X-Linked-Size": str(len(content))})

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if is_large(file["path"]) else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}

    def _committed(self, body: bytes) -> Iterator[tuple[str, bytes]]:
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                yield value["path"], base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                yield value["path"], self.hub.large[value["oid"]]

    def _json(self, value: object, code: int = 200) -> None:
        self._answer(code, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code: int, reason: str) -> None:
        self._answer(code, b"{}", {"X-Error-Code": reason} if reason else {})

    def _answer(self, code: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def is_large(path: str) -> bool:
    """Whether the hub keeps such a file as a large one."""
    return path.endswith((".safetensors", ".onnx"))


def _pointer(path: str, content: bytes, key: str) -> dict[str, Any]:
    if not is_large(path):
        return {}
    return {"lfs": {key: hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}}


def card_problems(readme: str) -> Iterator[str]:
    """Give what the hub refuses in the metadata of a card, as its documentation says it.

    https://github.com/huggingface/hub-docs/blob/main/modelcard.md
    """
    metadata = yaml.safe_load(readme.split("---")[1])
    if metadata.get("license") == "other" and not metadata.get("license_name"):
        yield "license_name is required where license is other"
    for model in metadata.get("model-index", []):
        if "name" not in model:
            yield "model-index.name is required"
        for result in model["results"]:
            for place, keys in (("task", ["type"]), ("dataset", ["name", "type"])):
                yield from (f"{place}.{key} is required" for key in keys if not result[place].get(key))
            for metric in result["metrics"]:
                if not metric.get("type") or not isinstance(metric.get("value"), int | float | str):
                    yield "a metric needs type and value"


@contextmanager
def serving() -> Iterator[Hub]:
    """Run the server on a free port of this machine."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
