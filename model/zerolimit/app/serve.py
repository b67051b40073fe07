"""Serve the page on the loopback address, from installed packages alone."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib.util
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zerolimit.basics.errors import BadInput, quoted

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


ORPHANS = 3
"""Runs without a visitor that are kept for those ten minutes; more are freed when somebody comes."""
Header = tuple[bytes, bytes]


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
    except (OSError, ValueError):
        raise BadInput(f"host: {quoted(host)} is no address of this machine; leave it out for {LOOPBACK}") from None
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

    key = secrets.token_bytes(32)
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
            scope = {**scope, "headers": without_foreign_sessions(scope["headers"], key)}
        if scope["type"] == "websocket":
            threading.Thread(target=close_orphans, daemon=True).start()
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

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": with_our_session(message.get("headers", ()), key, scope["scheme"])}
            await send(message)

        await app(scope, receive, answer)

    names = [LOOPBACK, "localhost", "[::1]", "::1"] if is_loopback(host) else ["*"]
    return TrustedHostMiddleware(door, allowed_hosts=names)


SESSIONS = ("solara-session-id", "solara-session-id-lax")
"""Solara's cookies: the second is for a browser that refuses the first one's Secure on plain http. Ours needs no twin."""


def signed(session: str, key: bytes) -> str:
    """A session's id as its cookie has it: nobody else can make one up."""
    return f"{session}.{hmac.new(key, session.encode(), 'sha256').hexdigest()}"


def without_foreign_sessions(headers: Iterable[Header], key: bytes) -> list[Header]:
    """A request's headers with the session's id as Solara gave it, and without one that this server did not give."""
    kept: list[Header] = []
    for name, value in headers:
        if name == b"cookie":
            crumbs: list[str] = []
            for crumb in value.decode("latin-1").split(";"):
                cookie, _, text = crumb.strip().partition("=")
                session = text.rpartition(".")[0]
                if cookie not in SESSIONS:
                    crumbs.append(crumb.strip())
                elif cookie == SESSIONS[0] and hmac.compare_digest(signed(session, key).encode(), text.encode()):
                    crumbs.append(f"{cookie}={session}")
            value = "; ".join(crumbs).encode("latin-1")
        kept.append((name, value))
    return kept


def with_our_session(headers: Iterable[Header], key: bytes, scheme: str) -> list[Header]:
    """An answer's headers with the session's cookie signed, out of reach of scripts and of other sites' requests."""
    kept: list[Header] = []
    for name, value in headers:
        crumb, _, rest = value.decode("latin-1").partition("=")
        if name.lower() != b"set-cookie" or crumb not in SESSIONS:
            kept.append((name, value))
        elif crumb == SESSIONS[0]:
            ours = f"{crumb}={signed(rest.partition(';')[0], key)}; Path=/; HttpOnly; SameSite=Lax"
            kept.append((name, (ours + ("; Secure" if scheme == "https" else "")).encode("latin-1")))
    return kept


def close_orphans(most: int = ORPHANS) -> None:
    """Close all but the latest visitors' runs whose tab was closed, or lost its connection, without a word."""
    from solara.server.kernel_context import PageStatus, contexts

    left = [one for one in list(contexts.values()) if {*one.page_status.values()} == {PageStatus.DISCONNECTED}]
    for one in left[: max(0, len(left) - most)]:
        one.close()


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
