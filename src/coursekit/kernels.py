"""A kernel client that does not wait for ever.

On a busy machine the asyncio client now and then misses that a message has come, and then waits
for its whole time limit although the answer is there. Asking again each second cures it. Used
where a lesson is built and, through a class's settings, where nbgrader runs students' work.
"""

import time
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

SECONDS = 1.0  # between two looks


class PatientChannel(AsyncZMQSocketChannel):
    """A channel that looks again each second while it waits."""

    async def get_msg(self, timeout=None):
        """Return the next message; raise `queue.Empty` after `timeout` seconds without one."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SECONDS if end is None else min(SECONDS, max(0.0, end - time.monotonic()))
            try:
                return await super().get_msg(timeout=left)
            except Empty:
                if end is not None and time.monotonic() >= end:
                    raise


class PatientClient(AsyncKernelClient):
    """A client whose answers and outputs arrive on patient channels."""

    shell_channel_class = Type(PatientChannel)
    iopub_channel_class = Type(PatientChannel)


class PatientManager(AsyncKernelManager):
    """A kernel manager that makes patient clients."""

    client_factory = Type(PatientClient, klass=AsyncKernelClient)
