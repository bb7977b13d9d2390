"""What a person sees while a run works at the command line: steps, progress, and why it stopped.

Dagster's own event log keeps everything; this is only the terminal's view of it.
"""

import logging
import sys
from typing import Any

import dagster as dg

_ENGINE = ("Dependencies for step", "Skipping step")
"""How messages begin that tell of steps which did not run: what stopped them is shown already."""


class TerminalHandler(logging.Handler):
    """One short line per step and progress message; stack traces stay in Dagster's log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line for one record, if it has one."""
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        step = (meta.get("step_key") or "").replace("__", "/")
        message = str(meta.get("orig_message", ""))
        if event is None and not message.startswith(_ENGINE):
            line = f"    {message}"
        elif event is None:
            return
        elif event.is_step_start:
            line = f"  {step}"
        elif event.is_step_failure:
            data = event.step_failure_data.user_failure_data
            line = f"  {step} stopped: {data.description if data else 'see the run in Dagster'}"
        else:
            return
        print(line, file=sys.stderr, flush=True)  # noqa: T201


@dg.logger
def terminal(_: dg.InitLoggerContext) -> logging.Logger:
    """A console logger for runs at the command line."""
    logger = logging.Logger("eucaim_pipelines.terminal", logging.DEBUG)
    logger.addHandler(TerminalHandler())
    return logger
