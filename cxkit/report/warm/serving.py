"""A child of the warm parent as a kernel for another process: `serve` runs in the child."""

from __future__ import annotations

import asyncio
import os
import socket

from cxkit.report.warm import cells
from cxkit.report.warm.wire import Packed, Wire, unpack


def serve(address: str, folder: str, environment: dict[str, str]) -> None:
    """Connect to the process that waits at `address` and run its cells until it hangs up.

    Args:
        address: Path of a Unix socket; the first connection is the shell channel, the second one iopub.
        folder: Where the cells run.
        environment: Environment variables of the process that asked.

    Raises:
        RuntimeError: Outside a child of a warm parent that called `cells.prepare`.
    """
    kernel = cells.pristine()
    if kernel is None:
        raise RuntimeError("there is no unused kernel in this process; preload cxkit.report.warm.cells:prepare")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.environ.setdefault("MPLBACKEND", cells.BACKEND)
    with socket.socket(socket.AF_UNIX) as shell, socket.socket(socket.AF_UNIX) as iopub:
        shell.connect(address)
        iopub.connect(address)
        wires = {"shell": Wire(shell), "iopub": Wire(iopub)}

        def deliver(channel: str, packed: Packed) -> None:
            wires[channel].send(packed)

        kernel.open(deliver)
        asyncio.run(_loop(kernel, wires["shell"]))
    kernel.close()


async def _loop(kernel: cells.CellKernel, shell: Wire) -> None:
    while (packed := await shell.receive()) is not None:
        await kernel.handle(unpack(packed, kernel.session))
