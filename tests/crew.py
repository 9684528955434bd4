"""Several processes on this machine, as torchrun starts them, but forked from one that has torch already."""

import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import forked

SECONDS = 300
"""How long they may take; far more than they do."""


def run(work: Callable[..., Any], *arguments: Any, size: int = 2) -> list[Any]:
    """Return what `work(*arguments)` returns in each of `size` processes: plain values or arrays."""
    context = forked.context()
    port = free_port()
    started = []
    for rank in range(size):
        ours, theirs = context.Pipe()
        environment = dict(os.environ) | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        environment |= dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank))
        environment |= dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(size))
        process = context.Process(target=_main, args=(theirs, environment, work, arguments), daemon=True)
        process.start()
        theirs.close()
        started.append((process, ours))
    try:
        return [_answer(ours) for _, ours in started]
    finally:
        for process, ours in started:
            ours.close()
            process.kill()
            process.join()
            process.close()


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answer(pipe: Connection) -> Any:
    assert pipe.poll(SECONDS), "a process hangs"
    kind, value = pipe.recv()
    assert kind == "result", value
    return value


def _main(
    pipe: Connection, environment: dict[str, str], work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    import traceback

    import torch

    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(1)
    try:
        pipe.send(("result", work(*arguments)))
    except Exception:  # noqa: BLE001  # the test shows it
        pipe.send(("error", traceback.format_exc()))
