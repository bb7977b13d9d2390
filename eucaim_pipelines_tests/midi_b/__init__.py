"""MIDI-B's ten actions (MICCAI 2024 Medical Image De-Identification Benchmark) on real objects.

An implementation of our own, from the benchmark's published rules; identities and answer keys are made here.
"""
