"""The desk's page: who may see it, what it may load, and the kernel behind it."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import FileFindHandler, JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.websocket import WebSocketProtocol, WebSocketProtocol13
from voila.configuration import VoilaConfiguration
from voila.paths import collect_static_paths
from voila.utils import get_page_config, get_voila_labextensions_path

if TYPE_CHECKING:
    from clover_nb.cli.kernels import DeskKernelManager

_CODE: Final = "from clover_nb import forms\n\nforms.desk()"
_OUTPUTS: Final = ("display_data", "execute_result")
_START_SECONDS: Final = 60
_KERNEL: Final = r"/api/kernels/(?P<kernel_id>\w+-\w+-\w+-\w+-\w+)"
# Where jupyter-server-proxy shows what it leads to; it sets this itself, whatever a browser sent.
_PREFIX: Final = "X-Forwarded-Context"
# What draws widgets; an extension that is installed for JupyterLab has no business here.
_EXTENSIONS: Final = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
]

#: Of every answer. The page says what it loads; what else there is loads nothing.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page_policy(nonce: str, sockets: str, checkout: str | None) -> str:
    """The page's Content-Security-Policy. SECURITY.md says why each exception is there.

    Args:
        nonce: Of the page's own scripts.
        sockets: Where the page's kernel is.
        checkout: The address of the script of the card fields, and of their frames.
    """
    frames = checkout or "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' blob: {checkout or ''}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self' {sockets}",
            f"frame-src {frames}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ]
    )


class PageHandler(JupyterHandler):
    """The page. Nothing of its address counts but the token, which it takes out of there.

    Behind a proxy there is no token: who comes through its socket is let in.
    """

    def initialize(self, *, kernels: DeskKernelManager, checkout: str | None) -> None:
        """Take what the server knows.

        Args:
            kernels: Starts the page's kernel.
            checkout: The address of the script of the card fields.
        """
        self._kernels, self._checkout = kernels, checkout
        self._nonce = secrets.token_urlsafe(16)

    @allow_unauthenticated
    async def get(self) -> None:
        """Log in, or start a kernel and send the page."""
        if self._is_proxied and _PREFIX not in self.request.headers:
            self.set_status(HTTPStatus.NO_CONTENT)  # the proxy asks whether the desk is there
        elif self.current_user is not None and self.token_authenticated:
            self._send_page("opened.html.j2", nonce=self._nonce)  # with a cookie from now on
        elif self.current_user is None or not self._is_own():
            self._send_message(
                HTTPStatus.FORBIDDEN,
                "The desk doesn't open by a stranger's link",
                "If you mean to open it:"
                if self._is_proxied
                else "If you have opened the address that clover-nb desk has printed in this "
                "browser, since it was started:",
            )
        elif kernel_id := await self._kernels.start_page_kernel():
            await self._open_desk(kernel_id)
        else:
            self._send_message(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Too many pages are open",
                "The desk is open in as many pages as it keeps at once. Close one that you don't "
                "need, wait a few seconds, and:",
            )

    @property
    def _is_proxied(self) -> bool:
        return bool(self.settings["is_proxied"])

    @property
    def _base_url(self) -> str:
        """What the addresses in the page begin with: the proxy tells where it shows the desk."""
        return f"{self.request.headers.get(_PREFIX, '')}/" if self._is_proxied else "/"

    def _is_own(self) -> bool:
        """Whether a person has come by the address bar or by a link of the desk's own.

        Other local servers count as the same site for cookies, whatever their port.
        """
        return self.request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    async def _open_desk(self, kernel_id: str) -> None:
        self._set_headers()
        try:
            opening = self.get_template("desk_opening.html.j2")
            self.write(opening.render(nonce=self._nonce, base_url=self._base_url))
            await self.flush()
            outputs = await _run_cell(self._kernels.get_kernel(kernel_id))
            widgets = self.get_template("desk_widgets.html.j2")
            config = self._page_config(kernel_id)
            self.write(widgets.render(outputs=outputs, config=config, base_url=self._base_url))
        finally:
            self._kernels.notify_disconnect(kernel_id)  # it has a connection of its own now
            self._kernels.prepare_next()

    def _set_headers(self) -> None:
        schemes = ("ws", "wss") if self._is_proxied else ("ws",)
        sockets = " ".join(f"{scheme}://{self.request.host}" for scheme in schemes)
        policy = page_policy(self._nonce, sockets, self._checkout)
        self.set_header("Content-Security-Policy", policy)
        self.set_header("Cache-Control", "no-store")

    def _page_config(self, kernel_id: str) -> dict[str, Any]:
        config: dict[str, Any] = get_page_config(
            base_url=self._base_url,
            settings=self.settings,
            log=self.log,
            voila_configuration=VoilaConfiguration(extension_allowlist=_EXTENSIONS),
        )
        mine = {"kernelId": kernel_id, "jupyterLabTheme": "light", "fullMathjaxUrl": ""}
        return config | mine

    def _send_message(self, status: HTTPStatus, title: str, text: str) -> None:
        self.set_status(status)
        self._send_page("message.html.j2", title=title, text=text)

    def _send_page(self, template: str, **values: str) -> None:
        self._set_headers()
        self.finish(self.get_template(template).render(values, base_url=self._base_url))

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ANN401, ARG002  tornado's
        """Say that something went wrong, without what the visitor sent."""
        status = HTTPStatus(status_code)
        self._send_message(status, status.phrase, "The desk can't be shown.")


async def _run_cell(kernel: Any) -> list[dict[str, Any]]:  # noqa: ANN401  a kernel's manager
    """Run the desk's one cell, and give its outputs as the page's script takes them."""
    messages: list[dict[str, Any]] = []
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=_START_SECONDS)
        reply = await client.execute_interactive(
            _CODE,
            store_history=False,
            allow_stdin=False,
            output_hook=messages.append,
        )
    finally:
        client.stop_channels()
    if reply["content"]["status"] != "ok":
        message = f"The desk can't be shown: {reply['content'].get('evalue', '')}"
        return [{"data": {"text/plain": message}, "metadata": {}}]
    return [message["content"] for message in messages if message["msg_type"] in _OUTPUTS]


class SocketHandler(KernelWebsocketHandler):
    """The page's connection to its kernel, for pages of this server alone."""

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Tornado's part, without pings: Jupyter Server sends them.

        Its times are milliseconds, which tornado would take for seconds, and warn of on the
        person's terminal.
        """
        protocol = super().get_websocket_protocol()
        if isinstance(protocol, WebSocketProtocol13):
            protocol.params.ping_interval = None
        return protocol

    def check_origin(self, origin: str | None = None) -> bool:
        """Whether the page that connects is one of this server's; a program says so itself."""
        mine = [f"http://{self.request.host}"]
        if self.settings["is_proxied"]:  # which may speak HTTPS
            mine.append(f"https://{self.request.host}")
        return origin in mine and bool(super().check_origin(origin))


def list_handlers(kernels: DeskKernelManager, checkout: str | None) -> list[tuple[Any, ...]]:
    """What is served, and nothing else: page, scripts, and the way to a kernel.

    Args:
        kernels: Starts a kernel for each page.
        checkout: The address of the script of the card fields.
    """
    page = {"kernels": kernels, "checkout": checkout}
    scripts = {"path": collect_static_paths(["voila", "nbconvert"], "lab")}
    extensions = {"path": get_voila_labextensions_path()}
    return [
        (r"/", PageHandler, page),
        (r"/voila/static/(.*)", FileFindHandler, scripts),
        (r"/voila/labextensions/(.*)", FileFindHandler, extensions),
        (_KERNEL, KernelHandler),
        (rf"{_KERNEL}/channels", SocketHandler),
    ]
