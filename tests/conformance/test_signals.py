"""A run is stopped once, and a second Ctrl-C is never lost."""

import signal

import pytest

from aios_conformance.conformance.running.signals import stopped_by_signals, swept


class Impatient:
    """Is pressed Ctrl-C upon when it is cleared away."""

    def __init__(self) -> None:
        self.itself = self  # only the collector clears it away

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_a_second_ctrl_c_while_the_first_is_swept_is_not_lost() -> None:
    with stopped_by_signals():
        Impatient()
        with pytest.raises(KeyboardInterrupt):
            swept(KeyboardInterrupt())


def test_sigterm_acts_as_ctrl_c_and_only_meanwhile() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
