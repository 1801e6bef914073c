"""Messages between processes that do not trust each other: a length, then JSON. Never pickle."""

import json
import socket
import struct

LONGEST = 64 << 20  # bytes of one message


class Broken(Exception):
    """The other side ended or sent what is no message."""


def pack(message):
    """Return a message (anything JSON can say) as bytes."""
    body = json.dumps(message).encode("ascii")
    return struct.pack(">I", len(body)) + body


def send(channel, message, fds=()):
    """Send a message, with file descriptors if given; raises Broken."""
    data = pack(message)
    try:
        if fds:
            sent = socket.send_fds(channel, [data], list(fds))
            data = data[sent:]
        channel.sendall(data)
    except OSError as error:
        raise Broken(str(error)) from None


def receive(channel, most=LONGEST):
    """Return (message, file descriptors) from a blocking channel; raises Broken."""
    fds = []
    size = struct.unpack(">I", _exactly(channel, 4, fds))[0]
    if size > most:
        raise Broken(f"a message of {size} bytes")
    try:
        return json.loads(_exactly(channel, size, fds)), fds
    except (ValueError, RecursionError):
        raise Broken("what came is no message") from None


def _exactly(channel, size, fds):
    parts = []
    while size:
        try:
            data, more, _, _ = socket.recv_fds(channel, min(size, 1 << 20), 8)
        except OSError as error:
            raise Broken(str(error)) from None
        fds += more
        if not data:
            raise Broken("the other side ended")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


class Inbox:
    """Puts messages together from pieces, for a channel that is read without waiting."""

    def __init__(self, most=LONGEST):
        self._data, self._most = bytearray(), most

    def feed(self, data):
        """Take what came; yield each message that is complete; raises Broken."""
        self._data += data
        while len(self._data) >= 4:
            size = struct.unpack(">I", self._data[:4])[0]
            if size > self._most:
                raise Broken(f"a message of {size} bytes")
            if len(self._data) < 4 + size:
                return
            body = bytes(self._data[4 : 4 + size])
            del self._data[: 4 + size]
            try:
                yield json.loads(body)
            except (ValueError, RecursionError):
                raise Broken("what came is no message") from None
