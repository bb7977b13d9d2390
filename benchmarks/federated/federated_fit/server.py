"""What runs between the sites: it adds up their sums and takes Newton steps; it never sees a row."""

import json
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from federated_fit.features import FEATURES

app = ServerApp()
STEPS, SMALL = 25, 1e-10
_WAIT_SECONDS = 300


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Ask who takes part, fit, and write weights, steps and answers to the file that the run names."""
    config = context.run_config
    nodes = _nodes(grid, int(config["sites"]))
    ask = {n: RecordDict({"ask": ConfigRecord({"ask": "join"})}) for n in nodes}
    told = {n: str(c["answer"]["answer"]) for n, c in _exchange(grid, MessageType.QUERY, ask).items()}
    joined = [node for node, answer in told.items() if answer == "JOINED"]
    penalty = float(config["ridge"]) * np.diag([0.0] + [1.0] * (len(FEATURES) - 1))
    weights, step, steps = np.zeros(len(FEATURES)), np.ones(len(FEATURES)), 0
    while np.abs(step).max() >= SMALL and steps < STEPS:
        steps += 1
        sent = RecordDict({"weights": ArrayRecord({"weights": Array(weights)})})
        sums = [c["sums"] for c in _exchange(grid, MessageType.TRAIN, dict.fromkeys(joined, sent)).values()]
        gradient = sum(s["gradient"].numpy() for s in sums) + penalty @ weights
        hessian = sum(s["hessian"].numpy() for s in sums) + penalty
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
    result = {"weights": weights.tolist(), "steps": steps, "answers": sorted(told.values())}
    Path(str(config["result"])).write_text(json.dumps(result))


def _nodes(grid: Grid, wanted: int) -> list[int]:
    until = time.monotonic() + _WAIT_SECONDS
    while len(nodes := sorted(grid.get_node_ids())) < wanted:
        if time.monotonic() > until:
            raise TimeoutError("not every site is connected")
        time.sleep(0.5)
    return nodes


def _exchange(grid: Grid, kind: str, contents: dict[int, RecordDict]) -> dict[int, RecordDict]:
    """Send each node its content and wait for all answers; a site that fails stops the fit."""
    sent = [Message(content, dst_node_id=node, message_type=kind) for node, content in contents.items()]
    replies = list(grid.send_and_receive(sent, timeout=_WAIT_SECONDS))
    if len(replies) != len(sent) or any(reply.has_error() for reply in replies):
        raise RuntimeError("a site gave no answer")
    return {reply.metadata.src_node_id: reply.content for reply in replies}
