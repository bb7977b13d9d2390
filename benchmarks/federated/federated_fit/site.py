"""What runs at a site: it reads its own tree, and sends sums over all its people, or why it takes no part."""

from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from federated_fit import features

app = ClientApp()


@app.query()
def join(message: Message, context: Context) -> Message:
    """Say whether this site takes part."""
    try:
        _admitted(context)
        answer = "JOINED"
    except features.RefusedError as refused:
        answer = str(refused)
    return Message(RecordDict({"answer": ConfigRecord({"answer": answer})}), reply_to=message)


@app.train()
def newton(message: Message, context: Context) -> Message:
    """Gradient and Hessian at the weights that came; a site that refuses does so here too."""
    weights = message.content["weights"]["weights"].numpy()
    gradient, hessian = features.sums(_admitted(context), np.asarray(weights))
    sums = ArrayRecord({"gradient": Array(gradient), "hessian": Array(hessian)})
    return Message(RecordDict({"sums": sums}), reply_to=message)


def _admitted(context: Context) -> Path:
    tree = Path(str(context.node_config["tree"]))
    features.admit(tree, int(context.node_config["minimum-patients"]))
    return tree
