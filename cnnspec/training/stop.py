"""Being asked to stop: the first SIGINT or SIGTERM lets the step finish and be saved, the next ends all."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Training was asked to stop; `folder` holds `epoch` epochs and `step` steps of the next one."""

    def __init__(self, number: int, folder: Path | None, epoch: int, step: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.signal = number
        self.folder = folder
        self.epoch = epoch
        self.step = step


class StopRequest:
    """Notes the first signal; `number` is None until then."""

    def __init__(self) -> None:
        self.number: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM while training; only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def put_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def note(number: int, _frame: FrameType | None) -> None:
            self.number = number
            put_back()  # so the next one ends at once

        for number in SIGNALS:
            signal.signal(number, note)
        try:
            yield
        finally:
            put_back()
