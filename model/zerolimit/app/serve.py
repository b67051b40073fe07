"""Serve the page on the loopback address, from installed packages alone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from zerolimit.errors import BadInput

LOOPBACK = "127.0.0.1"
PORT = 8765
NEEDED = ("solara", "solara_assets", "mesa.visualization", "uvicorn")
SETTINGS = {
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_MODE": "production",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_THEME_TITLE": "zerolimit",
    "SOLARA_THEME_VARIANT": "light",
    "SOLARA_KERNEL_CULL_TIMEOUT": "10m",
    "SOLARA_KERNEL_MAX_COUNT": "100",
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "False",
}
"""Solara's: no telemetry, no banner, and a run whose tab was closed without a word is freed after ten minutes.

The variant "auto" leaves the page blank (solara 1.64); document.vue asks the browser instead.
"""


def check_installed() -> None:
    """The extra `app` is there, or BadInput."""
    for name in NEEDED:
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise BadInput(f"the page needs {name}, which is not installed; install it with: pip install 'zerolimit[app]'")


def listening(host: str, port: int) -> socket.socket:
    """A bound socket; BadInput where the port is taken or the address is not this machine's."""
    if not 0 <= port <= 65_535:
        raise BadInput(f"port: {port} is not in 0 to 65,535 (0: any that is free)")
    try:
        kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise BadInput(f"host: {host!r} is no address of this machine; leave it out for {LOOPBACK}") from None
    bound = socket.socket(kind, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen(128)
    except OSError as error:
        bound.close()
        why = "is in use" if error.errno in (98, 48, 10048) else f"cannot be used: {(error.strerror or str(error)).lower()}"
        raise BadInput(f"port: {port} on {host} {why}; take another with --port, or --port 0 for any that is free") from None
    return bound


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def guarded(app: Any, host: str) -> Any:
    """Solara's application behind our own doors: asset files from installed packages only, no other site's requests."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import PlainTextResponse
    from starlette.staticfiles import StaticFiles

    assets = StaticFiles(directory=cdn_folder())
    ours = StaticFiles(directory=Path(__file__).parent / "static")
    doors = {"/_solara/cdn/": assets, "/zerolimit/": ours}

    async def door(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = dict(scope["headers"])
            origin = headers.get(b"origin", b"").decode("latin-1")
            if origin and origin.partition("://")[2] != headers.get(b"host", b"").decode("latin-1"):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await PlainTextResponse("another site's request", 403)(scope, receive, send)
                return
        if scope["type"] == "http":
            for path, files in doors.items():
                if scope["path"].startswith(path):
                    inside = {**scope, "path": scope["path"][len(path) - 1 :], "root_path": ""}
                    try:
                        await files(inside, receive, send)
                    except Exception as error:
                        status = getattr(error, "status_code", 404)
                        await PlainTextResponse("not found", status)(scope, receive, send)
                    return
            if scope["path"].startswith("/resourcez"):
                await PlainTextResponse("not found", 404)(scope, receive, send)
                return
        await app(scope, receive, send)

    names = [LOOPBACK, "localhost", "[::1]", "::1"] if is_loopback(host) else ["*"]
    return TrustedHostMiddleware(door, allowed_hosts=names)


def cdn_folder() -> Path:
    """Where solara-assets has its scripts."""
    import solara.server.settings

    return Path(solara.server.settings.assets.proxy_cache_dir)


def serve(scenario: str = "baseline", *, host: str = LOOPBACK, port: int = PORT, browser: bool = True) -> None:
    """Serve until Ctrl-C; says the address."""
    check_installed()
    bound = listening(host, port)
    os.environ.update(SETTINGS, SOLARA_APP="zerolimit.app.page")
    warnings.filterwarnings("ignore", category=UserWarning, module="solara")
    logging.getLogger("solara").setLevel(logging.ERROR)
    import uvicorn
    from solara.server import starlette

    from zerolimit.app import page

    page.begins_with["base"] = scenario
    number = bound.getsockname()[1]
    shown = f"[{host}]" if ":" in host else LOOPBACK if host in ("0.0.0.0", "") else host
    address = f"http://{shown}:{number}"
    config = uvicorn.Config(
        guarded(starlette.app, host), log_level="error", ws="websockets-sansio" if has_sansio() else "auto"
    )
    server = uvicorn.Server(config)
    if not is_loopback(host):
        print(f"Warning: anybody who can reach {host} can use this page; there is no password", file=sys.stderr)
    print(f"zerolimit is served at {address}  (Ctrl-C ends it)", flush=True)
    if browser:
        import webbrowser

        threading.Timer(1.0, webbrowser.open, [address]).start()
    closed = getattr(signal, "SIGHUP", None)
    if (
        closed is not None
        and signal.getsignal(closed) != signal.SIG_IGN
        and threading.current_thread() is threading.main_thread()
    ):
        signal.signal(closed, server.handle_exit)  # a terminal that is closed, like SIGTERM and Ctrl-C, which uvicorn knows
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve(sockets=[bound]))


def has_sansio() -> bool:
    """Whether uvicorn has the newer WebSocket implementation."""
    return importlib.util.find_spec("uvicorn.protocols.websockets.websockets_sansio_impl") is not None
