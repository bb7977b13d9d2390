"""`python -m eucaim_pipelines_tests.midi_b` prints the ten rows; `--failures` says what failed."""

import sys

from eucaim_pipelines_tests.midi_b.sample import SHARED
from eucaim_pipelines_tests.midi_b.scoring import midi_b

score = midi_b(SHARED)
sys.stdout.write(score.table() + "\n")
if "--failures" in sys.argv:
    for (action, keyword), count in sorted(score.failures.items()):
        sys.stdout.write(f"{action} {keyword} {count}\n")
    sys.stdout.write(f"{dict(score.not_released)}\n")
