"""Demonstration exports of three data holders; used by the command line and by tests only."""

from eucaim_pipelines.demo.exports import SEED, DemoExistsError, write_exports

__all__ = ["SEED", "DemoExistsError", "write_exports"]
