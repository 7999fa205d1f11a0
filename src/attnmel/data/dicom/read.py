"""Open a DICOM file within bounds, reading only the attributes that are named. No torch; needs pydicom.

What is not named is skipped, so nothing that identifies a patient is in memory unless a result is written as DICOM.
"""

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, cast

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from attnmel.data.dicom.frames import MAGIC, PREAMBLE
from attnmel.errors import ImageError
from attnmel.number_formats import size_in_words

MOST_BYTES = 1 << 30
"""Of a file: a thousand frames of a megabyte."""

MOST_INFLATED = 1 << 28
"""Bytes of a deflated file once inflated."""

DAMAGE = (
    OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, EOFError, RuntimeError,
    NotImplementedError, MemoryError, AssertionError, struct.error, zlib.error, InvalidDicomError, BytesLengthException,
)  # fmt: skip
"""What pydicom and its decoders raise on damaged files."""


class _Quiet:
    """Keeps warnings of pydicom off the terminal: they quote values of the file.

    `catch_warnings` changes the process's filters, and images are read by several threads: the first one that comes in
    changes them, and the last one that leaves restores them. None waits for another, whose decoder may hang for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


QUIET = _Quiet()


@contextmanager
def opened_dataset(
    source: Path | bytes, name: str, attributes: Sequence[str]
) -> Iterator[tuple[FileDataset, BufferedIOBase]]:
    """Give the named attributes before the pixels, and the file, at its pixels (or its end, if it has none).

    Raises:
        ImageError: larger than `MOST_BYTES`, or inflated than `MOST_INFLATED`, or found damaged while the block runs.
            Its text quotes nothing of the file.
    """
    try:
        with QUIET, _bounded(source, name) as file:
            yield dcmread(file, stop_before_pixels=True, specific_tags=list(attributes)), file
    except DAMAGE as error:
        raise ImageError(
            f"{name} is damaged, or no DICOM file ({type(error).__name__}); replace it with a whole file"
        ) from None


class _Clamped(io.BufferedReader):
    """A file that is never asked for more bytes than it has left: a false length of an element costs no memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def _bounded(source: Path | bytes, name: str) -> Iterator[BufferedIOBase]:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > MOST_BYTES:
        raise ImageError(
            f"{name} has {size_in_words(size)}, but at most {size_in_words(MOST_BYTES)} are read; split it into frames"
        )
    with io.BytesIO(source) if isinstance(source, bytes) else _Clamped(io.FileIO(source)) as file:
        yield _inflated(file, name)


def _inflated(file: BufferedIOBase, name: str) -> BufferedIOBase:
    """Return the file, or the content of a deflated one as if it were not: pydicom would inflate without a bound."""
    binary = cast(BinaryIO, file)
    read_preamble(binary, force=False)
    meta = _read_file_meta_info(binary)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        file.seek(0)
        return file
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflating.decompress(file.read(), MOST_INFLATED)
    if inflating.unconsumed_tail:
        raise ImageError(f"{name} inflates to more than {MOST_INFLATED:,} bytes; store it without deflation")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    start = DicomBytesIO()
    write_file_meta_info(start, meta, enforce_standard=False)
    return io.BytesIO(bytes(PREAMBLE) + MAGIC + start.getvalue() + content)
