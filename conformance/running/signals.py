"""How a run is told to stop: Ctrl-C, SIGTERM and SIGHUP mean the same, at any time."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM act as Ctrl-C does, which works even where a shell has it ignored.

    So does SIGHUP, unless it is ignored (nohup): the terminal is gone, and nobody else
    will end the run. Recording is then ended, and what is recorded is judged; a second
    one ends at once, but for SIGHUP, which system and shell send one after the other.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, _as_ctrl_c),
    }
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:
        usual[hangup] = signal.signal(hangup, _hung_up(_terminals()))
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
    """Clear away the tasks that it tore through, without a word about them.

    What ends a task may swallow a KeyboardInterrupt: another one comes afterwards.
    """
    with _put_off():
        _cleared(interrupt)


@contextmanager
def _put_off() -> Iterator[None]:
    """Within it Ctrl-C does nothing, after it what it would have done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        signal.raise_signal(signal.SIGINT)


def _cleared(interrupt: KeyboardInterrupt) -> None:
    log, hook = logging.getLogger("asyncio"), sys.unraisablehook
    log.disabled, sys.unraisablehook = True, lambda _: None
    try:
        interrupt.__traceback__ = interrupt.__context__ = None
        gc.collect()
    finally:
        log.disabled, sys.unraisablehook = False, hook


def _terminals() -> list[int]:
    """The standard streams that are terminals."""
    return [number for number in range(3) if os.isatty(number)]


def _hung_up(terminals: list[int]) -> Callable[[int, FrameType | None], None]:
    """What SIGHUP does: nothing more is said to a terminal that is gone."""

    def handler(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        for gone in {*terminals}.difference(_terminals()):
            os.dup2(os.open(os.devnull, os.O_RDWR), gone)
        signal.raise_signal(signal.SIGINT)

    return handler


def _as_ctrl_c(_: int, __: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
