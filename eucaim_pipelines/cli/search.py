"""Commands of federated search: answer queries, and make the keys of those who may ask.

What is answered is decided in the package `search`; imports happen when a command is called.
"""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eucaim_pipelines.resources.searchable import SearchNode
    from eucaim_pipelines.search.service import Service
    from eucaim_pipelines.settings import Settings

_LOOK_AGAIN_SECONDS = 5


def serve(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; without it the setting's.")
    ] = None,
) -> None:
    """Answer federated search over the released datasets of this node, until it is stopped."""
    import uvicorn

    from eucaim_pipelines.errors import MachineError
    from eucaim_pipelines.search.service import build
    from eucaim_pipelines.settings import load_settings

    settings = load_settings()
    node, service = assembled(settings)
    failed = node.refresh()
    if failed:
        typer.echo(f"Not read, tried again every {_LOOK_AGAIN_SECONDS} s: {', '.join(failed)}", err=True)
    where = port or settings.search_port
    typer.echo(f"Federated search: http://{settings.search_host}:{where}/search, described at /docs")
    stop = threading.Event()
    looking = threading.Thread(target=node.keep_looking, args=(_LOOK_AGAIN_SECONDS, stop), daemon=True)
    looking.start()
    # No access log: it would hold the parameters of queries.
    config = uvicorn.Config(
        build(service),
        host=settings.search_host,
        port=where,
        access_log=False,
        log_level="critical",
        server_header=False,
    )
    server = uvicorn.Server(config)
    try:
        server.run()
    except SystemExit:  # how uvicorn says that it could not begin
        raise MachineError(
            f"Port {where} of {settings.search_host} cannot be used. Name another one with --port."
        ) from None
    finally:
        stop.set()


def assembled(settings: "Settings") -> "tuple[SearchNode, Service]":
    """The node of the settings and its service.

    Raises
    ------
    SiteKeyError
        Without the site's key nothing is answered.
    """
    from eucaim_pipelines.cli.headless import Site
    from eucaim_pipelines.resources.searchable import SearchNode
    from eucaim_pipelines.search.clients import Budget, Clients, RequestLog
    from eucaim_pipelines.search.criteria import load_criteria
    from eucaim_pipelines.search.service import Service

    site = Site(settings)
    key, criteria = site.pseudonymisation.site_key(), load_criteria(site.contracts.folder)
    node = SearchNode(settings.restricted, settings.sources, site.store, site.contracts, criteria, key)
    service = Service(
        node=node,
        clients=Clients(settings.restricted),
        budget=Budget(settings.restricted, settings.search_queries_per_day),
        log=RequestLog(settings.restricted),
        criteria=criteria,
        provider=settings.search_provider,
        provider_icon=settings.search_provider_icon,
    )
    return node, service


def serve_key(
    name: Annotated[str, typer.Argument(help="The client's name, as the log of requests shows it.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Take its key away instead.")] = False,
) -> None:
    """Make the API key of a client of `eucaim serve`, in place of any before; told once, kept as a digest."""
    from eucaim_pipelines.search.clients import Clients
    from eucaim_pipelines.settings import load_settings

    clients = Clients(load_settings().restricted)
    if revoke:
        clients.remove(name)
        typer.echo(f"{name} may no longer ask.")
        return
    if clients.knows(name):
        typer.echo(f"{name} had a key: it no longer holds.", err=True)
    typer.echo(clients.add(name))
