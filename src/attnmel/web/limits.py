"""What the server accepts and how long it waits; the pixels of pictures are limited where they are opened."""

from dataclasses import dataclass

from attnmel.deploy.workers import STALL_LIMIT

MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a server."""

    file_bytes: int = 128 * MEBIBYTE
    """Of one image file: the largest image of ISIC 2017 has 87 MiB without compression."""
    request_bytes: int = 256 * MEBIBYTE
    held_bytes: int = 512 * MEBIBYTE
    """Of all requests that are read or waiting."""
    files: int = 32
    """Images of one request; each frame of a DICOM file counts."""
    waiting: int = 128
    """Images of all requests that are waiting or being computed; a request that would exceed it gets 429."""
    upload_seconds: float = 120.0
    """For the body of a request."""
    stall_seconds: float = STALL_LIMIT
    """For one image, once its turn has come; 0 means no limit."""
    lost_threads: int = 8
    """Threads that a library may keep for ever; then the server only says that it must be started again."""
    connections: int = 256
