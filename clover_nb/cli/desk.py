"""``clover-nb desk``: the desk as a web page of this machine, without a line of code in sight."""

from __future__ import annotations

import asyncio
import html
import secrets
import signal
import socket
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jinja2
from jupyter_server.auth.authorizer import AllowAllAuthorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.web import Application, RequestHandler
from traitlets.config import Config

from clover_nb.cli.desk_page import HEADERS, list_handlers
from clover_nb.cli.kernels import TRANSPORT, DeskKernelManager, private_folder
from clover_nb.cli.peers import OwnHTTPServer
from clover_nb.client import connect
from clover_nb.errors import CloverError, JournalError
from clover_nb.exit_codes import DONE, ERROR
from clover_nb.journal.registry import default_path
from clover_nb.journal.sqlite import make_private_file
from clover_nb.setting_sources import PRACTICE
from clover_nb.settings import Settings, hand_over_settings

if TYPE_CHECKING:
    import argparse

_TEMPLATES: Final = Path(__file__).parent / "templates"
_ADDRESS: Final = "127.0.0.1"
# Not among those that systems hand out for a moment.
_PORTS: Final = range(20_000, 32_000)
# Memory that kernels need no longer goes back to the system: of reading 100,000 customers, 60 MB.
_FRUGAL: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
# What a page may send to its kernel: words of its widgets, and no code.
_MESSAGES: Final = [
    "comm_open",
    "comm_close",
    "comm_msg",
    "comm_info_request",
    "kernel_info_request",
]


def serve_desk(arguments: argparse.Namespace) -> int:
    """Serve the desk on loopback, behind a token in its address, until Ctrl-C.

    With a socket it is served there, without a token: for a proxy that knows who asks.

    Settings are looked up here, once. The kernels are handed what was found, and look nothing up.

    Args:
        arguments: What the parser made of the options.

    Returns:
        The exit code.
    """
    try:
        clover = connect(writes=arguments.writes or None)
    except CloverError as error:
        print(error, file=sys.stderr)
        return ERROR
    try:
        if arguments.socket:
            sockets = [bind_unix_socket(arguments.socket, mode=0o600)]
        else:
            sockets = _bind_port(arguments.port)
    except (OSError, JournalError) as error:
        print(f"clover-nb desk: {error}", file=sys.stderr)
        return ERROR
    with clover, private_folder() as folder:
        asyncio.run(_run_server(clover.settings, sockets, folder, browser=not arguments.no_browser))
    return DONE


async def _run_server(
    settings: Settings, sockets: list[socket.socket], folder: Path, *, browser: bool
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    is_proxied = sockets[0].family != socket.AF_INET
    token = "" if is_proxied else secrets.token_hex(24)
    kernels = _kernel_manager(settings, folder, keeps_ready=not is_proxied)
    application = _make_application(settings, kernels, token)
    server = HTTPServer(application) if is_proxied else OwnHTTPServer(application)
    server.add_sockets(sockets)
    await kernels.prepare_kernel()
    if not is_proxied:
        url = f"http://{_ADDRESS}:{sockets[0].getsockname()[1]}/?token={token}"
        print(f"URL {url}", flush=True)
        if browser:
            webbrowser.open(_redirect_file(folder, url).as_uri())
    await stopped.wait()
    server.stop()
    await kernels.end_all()


def _kernel_manager(settings: Settings, folder: Path, *, keeps_ready: bool) -> DeskKernelManager:
    """Of no configuration but this, so that no file says otherwise.

    At a hub each person has a desk: there a kernel for a page that may never come costs too much.
    """
    return DeskKernelManager(
        config=Config({"KernelManager": {"transport": TRANSPORT}}),
        folder=str(folder),
        root_dir=str(folder),
        allowed_message_types=_MESSAGES,
        environment=_kernel_environment(settings, folder),
        keeps_ready=keeps_ready,
    )


class _ProxiedIdentity(IdentityProvider):
    """Lets in who comes through the socket: the proxy has found out who it is."""

    def get_user(self, handler: RequestHandler) -> User:
        """Somebody."""
        return self.generate_anonymous_user(handler)


def _make_application(settings: Settings, kernels: DeskKernelManager, token: str) -> Application:
    """The desk. Without a token it is behind a proxy, which knows who asks and by which host."""
    provider = IdentityProvider if token else _ProxiedIdentity
    identity = provider(token=token, cookie_options={"samesite": "Strict"})
    if identity.token != token:  # whatever the environment says of tokens
        raise RuntimeError("The desk would open without its token.")
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True)
    return Application(
        list_handlers(kernels, settings.checkout_url),
        base_url="/",
        kernel_manager=kernels,
        identity_provider=identity,
        authorizer=AllowAllAuthorizer(identity_provider=identity),
        cookie_secret=secrets.token_bytes(32),
        login_url="/",
        jinja2_env=templates,
        kernel_websocket_connection_class=ZMQChannelsWebsocketConnection,
        headers=HEADERS,
        is_proxied=not token,
        disable_check_xsrf=not token,  # the hub's cookie has this name; Origin and preflight do it
        allow_remote_access=not token,  # else another Host than this machine's is refused
        local_hostnames=["localhost"],
        log_function=lambda _: None,  # an address may hold the token
    )


def _kernel_environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Of the kernels; a practice journal lives as long as the desk."""
    journal = (
        {"journal": str(folder / "journal.sqlite3")} if settings.source == PRACTICE.name else {}
    )
    return hand_over_settings(settings, **journal) | _FRUGAL


def _bind_port(port: int | None) -> list[socket.socket]:
    """Listen at a port; at the user's own, if none is named.

    It is drawn at random once and then kept: a stranger's page can't know it, and links live.

    Raises:
        OSError: The named one is taken, or the file that keeps it can't be made.
        JournalError: This user has no home, where the file would be.
    """
    if port is not None:
        return bind_sockets(port, _ADDRESS)
    path = default_path().with_name("desk-port")
    if not path.exists():
        make_private_file(path)
        path.write_text(str(secrets.choice(_PORTS)), encoding="utf-8")
    try:
        return bind_sockets(int(path.read_text(encoding="utf-8")), _ADDRESS)
    except (OSError, ValueError):  # there is a desk already, or somebody else
        return bind_sockets(0, _ADDRESS)


def _redirect_file(folder: Path, url: str) -> Path:
    """A page that leads to the desk: other users see a browser's arguments, but not this."""
    path = folder / "desk.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><title>Customer desk</title>'
        f'<meta http-equiv="refresh" content="0;url={html.escape(url)}">',
        encoding="utf-8",
    )
    return path
