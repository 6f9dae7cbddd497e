"""Images and embeddings for a laptop: made of the text alone, so the same text always makes the same.

An image is one colour, the text's; a vector has the text's hash in it and is one unit long.
"""

import base64
import hashlib
import math
import struct
import zlib
from collections.abc import Sequence

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE_MAX = 4096
SIDE_DEFAULT = 16
DIMENSIONS_DEFAULT = 8
DIMENSIONS_MAX = 4096


def png(text: str, number: int, size: str | None) -> bytes:
    """Return the image of a text and its number among several, of a size such as `64x64`.

    Source: PNG specification, third edition: true colour, 8 bits, no interlace. Raises `ValueError` for a
    size that is none.
    """
    width, height = (SIDE_DEFAULT, SIDE_DEFAULT) if size is None else _sides(size)
    colour = hashlib.sha256(f"{number} {text}".encode()).digest()[:3]
    rows = (b"\0" + colour * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def vector(text: str, dimensions: int) -> list[float]:
    """Return the embedding of a text: so many numbers, the same for the same text."""
    hashed = hashlib.shake_256(text.encode()).digest(4 * dimensions)
    numbers = [each / 2**31 - 1 for each in struct.unpack(f">{dimensions}I", hashed)]
    length = math.sqrt(sum(each * each for each in numbers))
    return [each / length for each in numbers]


def in_base64(numbers: Sequence[float]) -> str:
    """Return a vector as the openai SDK asks for it: 32-bit floats, little-endian."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def _sides(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not all(
        1 <= int(side) <= SIDE_MAX for side in (width, height)
    ):
        raise ValueError(f"a size is WIDTHxHEIGHT, each from 1 to {SIDE_MAX}")
    return int(width), int(height)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
