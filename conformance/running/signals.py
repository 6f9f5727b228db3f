"""How a run is told to stop: Ctrl-C and SIGTERM mean the same, at any time."""

import gc
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM act as Ctrl-C does, which works even where a shell has it ignored.

    Recording is then ended, and what is recorded is judged; a second one ends at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _as_ctrl_c),
    }
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it the first Ctrl-C raises KeyboardInterrupt: no event loop waits for it.

    An event loop would only end its task at the next step, and judging has none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def swept(interrupt: KeyboardInterrupt) -> None:
    """Clear away the tasks that it tore through, without a word about them."""
    log, hook = logging.getLogger("asyncio"), sys.unraisablehook
    log.disabled, sys.unraisablehook = True, lambda _: None
    try:
        interrupt.__traceback__ = interrupt.__context__ = None
        gc.collect()
    finally:
        log.disabled, sys.unraisablehook = False, hook


def _as_ctrl_c(_: int, __: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
