"""The images of a request, read into memory within limits; nothing is written to a disk."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from attnmel.data.dicom.frames import is_dicom, require_reader
from attnmel.data.image_files.formats import START
from attnmel.data.image_files.picture import UNNAMED, NamedBytes
from attnmel.errors import ImageError, counted, printable
from attnmel.web.limits import MEBIBYTE, Limits

FIELD = "images"
"""Name of the field of a form; it may occur several times."""

LONGEST_NAME = 255


class Upload(NamedTuple):
    """An image file in memory, or one frame of a DICOM file."""

    content: bytes
    name: str
    frame: int | None = None

    def source(self) -> NamedBytes:
        """Return a copy of the bytes, with the name."""
        return NamedBytes(self.content, self.name, self.frame)


class _InMemory(MultiPartParser):
    spool_max_size = 0
    """Never moved to a file: the limits of a request are checked as it comes."""


class Uploads:
    """Reads requests; the bytes of all of them together are limited."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.held = 0
        """Bytes of requests that are being read or computed."""
        self._one_header = asyncio.Lock()

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[list[Upload]]:
        """Give the images of a form; their bytes count as held until the block ends.

        Raises:
            HTTPException: 400, 408, 413, 415 or 429, with a sentence.
        """
        self._check_header(request)
        body = _Body(self, self._limits)
        try:
            yield await self._images(request, body)
        finally:
            self.held -= body.size

    def _check_header(self, request: Request) -> None:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise HTTPException(415, f"expected a form (multipart/form-data) with files in the field '{FIELD}'")
        length = request.headers.get("content-length", "")
        if length.isdigit():
            _check_size(int(length), self._limits)

    async def _images(self, request: Request, body: "_Body") -> list[Upload]:
        limits = self._limits
        parser = _InMemory(request.headers, body.read(request), max_files=limits.files, max_fields=0)
        try:
            async with asyncio.timeout(limits.upload_seconds):
                form = await parser.parse()
        except TimeoutError:
            raise HTTPException(
                408, f"the request did not come within {limits.upload_seconds:g} seconds; send less at once"
            ) from None
        except MultiPartException as error:
            raise _form_problem(error.message, limits) from None
        try:
            files = [one for name, one in form.multi_items() if isinstance(one, UploadFile) and name == FIELD]
            uploads = [frame for file in files for frame in await self._frames(await file.read(), _name(file.filename))]
        finally:
            await form.close()
        self._check_images(uploads)
        return uploads

    async def _frames(self, content: bytes, name: str) -> list[Upload]:
        """Return the file, or of a DICOM file with several frames each of them.

        The header is read in a thread, so that other requests are answered meanwhile: a deflated file of 260 kB may
        inflate to 256 MiB, which takes half a second. One at a time, since that takes twice as much memory.
        """
        if not is_dicom(content[:START]):
            return [Upload(content, name)]
        async with self._one_header:
            return await asyncio.to_thread(_dicom_frames, content, name)

    def _check_images(self, uploads: list[Upload]) -> None:
        limits = self._limits
        if not uploads:
            raise HTTPException(400, f"no image; expected a form with files in the field '{FIELD}'")
        if len(uploads) > limits.files:
            raise HTTPException(
                413,
                f"{counted(len(uploads), 'image or frame', 'images or frames')}; at most {limits.files} are taken at "
                "once: send fewer files, or predict one of more frames by `attnmel predict`",
            )
        for one in uploads:
            if len(one.content) > limits.file_bytes:
                raise HTTPException(
                    413, f"{one.name} has more than {_mebibytes(limits.file_bytes)}, the most that is read of an image"
                )


class _Body:
    """The body of one request, counted while it comes."""

    def __init__(self, uploads: Uploads, limits: Limits) -> None:
        self._uploads, self._limits = uploads, limits
        self.size = 0

    async def read(self, request: Request) -> AsyncGenerator[bytes, None]:
        """Give the parts of the body."""
        async for part in request.stream():
            self.size += len(part)
            self._uploads.held += len(part)
            _check_size(self.size, self._limits)
            if self._uploads.held > self._limits.held_bytes:
                raise HTTPException(429, "too many images are being sent at once; send them again later")
            yield part


def _form_problem(message: str, limits: Limits) -> HTTPException:
    if "many files" in message:
        return HTTPException(413, f"more than {limits.files} images in a request; send them in several")
    if "many fields" in message:
        return HTTPException(400, f"a field of the form holds text, expected files alone; with curl: -F {FIELD}=@FILE")
    return HTTPException(400, f"the form cannot be read: {message}")


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.request_bytes:
        raise HTTPException(
            413, f"the request has more than {_mebibytes(limits.request_bytes)}, the most that is read at once"
        )


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.0f} MiB"


def _name(given: str | None) -> str:
    """Return the name of a file without folders, in printable letters; it is only shown."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return printable("".join(letter for letter in last if letter.isprintable()))[-LONGEST_NAME:] or UNNAMED


def _dicom_frames(content: bytes, name: str) -> list[Upload]:
    try:
        require_reader(name)
        from attnmel.data.dicom.picture import dicom_frames  # needs pydicom

        count = dicom_frames(content, name)
    except ImageError:
        return [Upload(content, name)]  # reading it will say what is wrong
    return [Upload(content, name)] if count == 1 else [Upload(content, f"{name}#{n}", n) for n in range(1, count + 1)]
