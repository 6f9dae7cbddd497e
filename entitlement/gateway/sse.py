"""Server-sent events, both ways, as far as chat completions use them: events that carry `data` and no more.

Source: WHATWG HTML, section 9.2 "Server-sent events". Lines end with CR, LF or both; a blank line ends an
event; comments (keep-alives) and other fields are passed over.
"""

EVENT_BYTES_MAX = 2**20
"""The largest event that is taken from an upstream."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What may stand before the first line, and is no part of it."""

DONE = b"[DONE]"
"""The data of the event after which nothing follows; a stream without it is not whole."""


def event(data: bytes) -> bytes:
    """Return an event as it is sent; `data` is one line."""
    return b"data: " + data + b"\n\n"


class EventReader:
    """Takes bytes as they come, gives the data of events as they are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of every event that `piece` completes; raises `ValueError` for one too large."""
        text = self._rest + piece
        # The LF of a CR LF may still be on its way.
        held_back = text[-1:] if text.endswith(b"\r") else b""
        text = text[: len(text) - len(held_back)]
        *lines, last = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = last + held_back
        complete = [data for line in lines if (data := self._take(line)) is not None]
        if self._size + len(self._rest) > EVENT_BYTES_MAX:
            raise ValueError(f"an event of more than {EVENT_BYTES_MAX} bytes")
        return complete

    def finish(self) -> list[bytes]:
        """Return an event that the end of the stream completes: some servers omit the last blank line."""
        return [data for line in (self._rest.rstrip(b"\r"), b"") if (data := self._take(line)) is not None]

    def _take(self, line: bytes) -> bytes | None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            data = b"\n".join(self._data) if self._data else None
            self._data, self._size = [], 0
            return data
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            # With the line itself, so that empty ones do not add up to an event of any size.
            self._size += len(line) + 1
        return None
