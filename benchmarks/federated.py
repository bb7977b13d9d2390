"""A federated fit over materialised trees of the clean demo, equal to the pooled one; two sites refuse.

Three demo datasets reach tier 3 and are laid out as three sites' data paths. Flower runs as real processes on
loopback, in an environment of its own: a link, one node for each site, and the application of `federated/`. A
fourth site has a tree of tier 1, a fifth too few patients. scikit-learn makes the pooled fit, on all rows.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent / ".federated"
REQUIREMENTS = ("flwr==1.42.0", "scikit-learn>=1.5,<2")
DATASETS = ("demo_breast_mg", "demo_lung_ct", "demo_prostate_mr")
MINIMUM_PATIENTS, FEW, TOLERANCE, RIDGE = 10, 5, 1e-6, 1.0
EXPECTED = ["JOINED"] * len(DATASETS) + ["TIER_TOO_LOW", "TOO_FEW_PATIENTS"]
POOLED = """
import json, sys
from pathlib import Path
import numpy as np
from sklearn.linear_model import LogisticRegression
from federated_fit.features import design
parts = [design(Path(tree)) for tree in sys.argv[2:]]
x, y = (np.concatenate(part) for part in zip(*parts))
fit = LogisticRegression(C=1 / float(sys.argv[1]), solver="newton-cholesky", tol=1e-12, max_iter=1000)
fit.fit(x[:, 1:], y)
labels = [[int((p[1] == 0).sum()), int(p[1].sum())] for p in parts]
print(json.dumps({"weights": [*fit.intercept_, *fit.coef_[0]], "labels": labels}))
"""


def main() -> None:
    """Make the sites, fit apart and together, compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--demo", type=Path, help="folder in which the clean demo was made; made if absent")
    chosen = options.parse_args()
    binaries = _environment()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        trees = _trees(chosen.demo or place / "demo", place)
        started = time.monotonic()
        apart = _federated(binaries, trees, place)
        seconds = time.monotonic() - started
        pooled = _pooled(binaries, trees[: len(DATASETS)])
    difference = max(abs(a - b) for a, b in zip(apart["weights"], pooled["weights"], strict=True))
    for dataset, (without, with_label) in zip(DATASETS, pooled["labels"], strict=True):
        print(f"{dataset:<18} {without + with_label:>3} people, {with_label} with the label")
    print(f"answers of {len(trees)} sites: {', '.join(apart['answers'])}")
    print(
        f"{apart['steps']} Newton steps in {seconds:.0f} s; weights {[round(w, 6) for w in apart['weights']]}"
    )
    print(f"largest difference from the pooled fit: {difference:.1e} (at most {TOLERANCE:.0e})")
    everywhere = all(min(each) > 0 for each in pooled["labels"])
    sys.exit(0 if difference <= TOLERANCE and apart["answers"] == EXPECTED and everywhere else 1)


def _environment() -> Path:
    """Flower and scikit-learn, installed once."""
    binaries = ENVIRONMENT / "bin"
    if not (ENVIRONMENT / ".ready").exists():
        print(f"Setting up {ENVIRONMENT.name} (once)", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        pip = [str(binaries / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        (ENVIRONMENT / ".ready").touch()
    return binaries


def _trees(demo: Path, place: Path) -> list[Path]:
    """Three sites of tier 3, one of tier 1, and one of few patients."""
    if not (demo / "release").is_dir():
        _eucaim({}, "demo-export", str(demo), "--clean")
        _eucaim({}, "demo", str(demo))
    release = {"EUCAIM_RELEASE": str(demo / "release")}
    trees = [place / dataset for dataset in DATASETS]
    for tree in trees:
        _eucaim(release, "materialise", tree.name, str(tree))
    view = (trees[0] / "clinical_mandatory_view.csv").read_text(encoding="utf-8").splitlines()
    few = [line.split(",")[1].strip('"') for line in view[1 : FEW + 1]]
    (place / "few.txt").write_text("\n".join(few))
    low, small = place / "low", place / "small"
    _eucaim(release, "materialise", DATASETS[0], str(low), "--tier", "1")
    _eucaim(release, "materialise", DATASETS[0], str(small), "--patients", str(place / "few.txt"))
    return [*trees, low, small]


def _eucaim(more: Mapping[str, str], *arguments: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EUCAIM_")}
    command = [str(Path(sys.executable).with_name("eucaim")), *arguments]
    subprocess.run(command, check=True, env=kept | dict(more), stdout=subprocess.DEVNULL)


def _federated(binaries: Path, trees: list[Path], place: Path) -> dict:
    """The fit over sites: link, nodes and application on loopback, nothing reported to anybody."""
    port = _port()
    home = place / "flower"
    home.mkdir()
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    environment = os.environ | {
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "PATH": f"{binaries}:{os.environ['PATH']}",
    }
    link = [
        *(str(binaries / "flower-superlink"), "--insecure", "--disable-runtime-dependency-installation"),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with ExitStack() as running:
        running.enter_context(_process(link, environment, place / "link.log"))
        _wait_for(port, place / "link.log")
        for number, tree in enumerate(trees):
            node = [
                *(str(binaries / "flower-supernode"), "--insecure", "--superlink", f"127.0.0.1:{port}"),
                *("--host", "127.0.0.1", "--port", str(_port())),
                *("--node-config", f'tree="{tree}" minimum-patients={MINIMUM_PATIENTS}'),
            ]
            running.enter_context(_process(node, environment, place / f"node-{number}.log"))
        result = place / "result.json"
        run = [
            *(str(binaries / "flwr"), "run", str(HERE / "federated"), "here", "--stream"),
            *("--run-config", f'result="{result}" sites={len(trees)} ridge={RIDGE}'),
        ]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=900, check=False)
        if not result.exists():
            sys.exit(f"The fit gave no result.\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return json.loads(result.read_text())


def _pooled(binaries: Path, trees: list[Path]) -> dict:
    environment = os.environ | {"PYTHONPATH": str(HERE / "federated")}
    command = [str(binaries / "python"), "-c", POOLED, str(RIDGE), *map(str, trees)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """A process that runs while the block does, and what it started with it."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=dict(environment), stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)


def _wait_for(port: int, log: Path) -> None:
    for _ in range(120):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    sys.exit(f"Flower's link did not start.\n{log.read_text()[-3000:]}")


def _port() -> int:
    """A free port of loopback."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    main()
