"""What is said of a run that was told to stop."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from asdf_pipeline.errors import StoppedError, StopUnitError
from asdf_pipeline.team.stop import Stop


@pytest.mark.parametrize(
    ("times", "kept"), [(1, "what is done is kept"), (2, "what was sealed is kept")]
)
def test_asked_twice_only_what_was_sealed_is_kept(times: int, kept: str) -> None:
    stop = Stop(alone=True)
    with stop.listening(lambda: None), contextlib.suppress(StopUnitError):
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(StoppedError, match=kept):
        stop.raise_if_asked("work")
