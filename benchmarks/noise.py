"""Whether the noise of answers has the distribution of OpenDP's Laplace mechanism: a two-sample test.

OpenDP lives in an environment of its own: `python benchmarks/noise.py OTHER_ENV/bin/python`.
"""

import subprocess
import sys

import numpy as np
from scipy.stats import ks_2samp

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.search.control import SCALE, Control

DRAWS = 20_000
_OPENDP = f"""
import opendp.prelude as dp
dp.enable_features("contrib")
draw = dp.m.make_laplace(dp.atom_domain(T=float, nan=False), dp.absolute_distance(T=float), {SCALE!r})
for _ in range({DRAWS}): print(draw(0.0))
"""


def main(python: str) -> None:
    """Draw from both, compare, print."""
    told = subprocess.run([python, "-c", _OPENDP], capture_output=True, text=True, check=True)  # noqa: S603
    theirs = np.array([float(line) for line in told.stdout.split()])
    control = Control(SiteKey(bytes(range(32))))
    ours = np.array([control.noise("subjects", str(number).encode()) for number in range(DRAWS)])
    compared = ks_2samp(ours, theirs)
    print(f"standard deviation {ours.std():.3f} and {theirs.std():.3f}, p = {compared.pvalue:.2f}")
    if compared.pvalue < 0.001:
        sys.exit("The distributions differ.")


if __name__ == "__main__":
    main(sys.argv[1])
