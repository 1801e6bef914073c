"""A message that comes without a sign is found at the next look, not at the end of the wait."""

import asyncio
import time
from queue import Empty

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from coursekit.kernels import PatientChannel


class DeafSocket(zmq.asyncio.Socket):
    """A socket whose first wait misses every message, as happens on a busy machine."""

    looks = 0

    async def poll(self, timeout=None, flags=zmq.POLLIN):
        type(self).looks += 1
        if self.looks == 1:
            await asyncio.sleep(timeout / 1000)
            return 0
        return await super().poll(timeout, flags)


async def receive(send, timeout):
    """Return (message or None, seconds waited) on a deaf socket."""
    context, session = zmq.asyncio.Context(), Session(key=b"")
    with zmq.Context.shadow(context.underlying).socket(zmq.PAIR) as near:
        far = DeafSocket(context, zmq.PAIR)
        DeafSocket.looks = 0
        far.linger = 0
        port = near.bind_to_random_port("tcp://127.0.0.1")
        far.connect(f"tcp://127.0.0.1:{port}")
        if send:
            session.send(near, "execute_reply", {"status": "ok"})
        start = time.monotonic()
        try:
            message = await PatientChannel(far, session).get_msg(timeout)
        except Empty:
            message = None
        far.close()
        waited = time.monotonic() - start
    context.destroy(linger=0)
    return message, waited


def test_a_missed_message_is_found_at_the_next_look():
    message, waited = asyncio.run(receive(send=True, timeout=60))
    assert message["content"] == {"status": "ok"}
    assert waited < 30


@pytest.mark.parametrize("timeout", [0, 0.2])
def test_without_a_message_the_wait_ends_in_time(timeout):
    message, waited = asyncio.run(receive(send=False, timeout=timeout))
    assert message is None
    assert waited >= timeout * 0.9
