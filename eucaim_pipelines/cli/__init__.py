"""The `eucaim` command: thin commands over the same functions that Dagster's assets call.

Exit codes: 0 done, 1 the data is at fault, 2 the call, a contract or a setting is, 3 the machine is.
What a command needs is imported when it is called, so that each starts at once.
"""

import os
import sys

import typer

from eucaim_pipelines.cli import (
    author,
    deidentify,
    demonstration,
    dictionary,
    materialising,
    operate,
    search,
    show,
    statement,
)
from eucaim_pipelines.errors import EucaimError, Fault

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A hospital repository's exports become EUCAIM Tier 1, 2 and 3 releases.",
)
quarantine = typer.Typer(no_args_is_help=True, help="What was held back, and why.")
app.add_typer(quarantine, name="quarantine")
audit = typer.Typer(no_args_is_help=True, help="What was done here, and whether its record holds.")
app.add_typer(audit, name="audit")

app.command("demo-export")(demonstration.demo_export)
app.command("demo")(demonstration.demo)
app.command("real")(demonstration.real)
app.command("deidentify")(deidentify.deidentify)
app.command("new-source")(author.new_source)
app.command("import-template")(author.import_template)
app.command("unmapped")(author.unmapped)
app.command("dictionary")(dictionary.dictionary)
app.command("keygen")(operate.keygen)
app.command("run")(operate.run)
app.command("push-catalogue")(operate.push_catalogue)
app.command("reports")(operate.reports)
app.command("serve")(search.serve)
app.command("serve-key")(search.serve_key)
app.command("verify")(operate.verify)
app.command("materialise")(materialising.materialise)
app.command("etl-bundle")(materialising.etl_bundle)
app.command("public-key")(statement.public_key)
app.command("status")(show.status)
app.command("verdict")(show.verdict)
app.command("explain")(show.explain)
quarantine.command("list")(show.quarantine_list)
audit.command("verify")(show.audit_verify)
audit.command("show")(show.audit_show)
audit.command("head")(show.audit_head)


def main() -> None:
    """Run the command line; errors of the domain become one sentence and an exit code."""
    sys.exit(_run())


def console() -> None:
    """Entry point of the installed command: as `main`, and then the process is gone at once.

    Threads of native libraries can abort an interpreter that takes itself down in order, after the work is
    done and with an exit code that says otherwise.
    """
    code = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run() -> int:
    try:
        app()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except EucaimError as error:
        print(f"eucaim: {error}", file=sys.stderr)  # noqa: T201
        return int(error.fault)
    except Exception as error:  # noqa: BLE001 - any message or trace may hold a value
        kind = type(error).__name__
        print(f"eucaim: {kind}; its message is withheld: it may hold a value.", file=sys.stderr)  # noqa: T201
        return int(Fault.MACHINE)
    return 0
