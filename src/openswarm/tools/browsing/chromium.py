"""The Chromium of this computer: where it is, how it is started, that it ends with its run.

The only module that imports playwright. Its driver talks to Chromium through a pipe and to us
through another; each ends when the other side of its pipe is gone, however that died.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from openswarm.core.errors import SettingsError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
ENGINE = "openswarm"
"""The name of `page.js` in selectors."""
START_S = 30.0
STOP_S = 10.0
NOTICE_S = 2.0
"""A browser that crashed fails what it is asked before its driver says that it is gone."""
NO_WAY = "socks5://nowhere.invalid:1"
"""The proxy of what no context asks for: there is none, so it goes nowhere."""
OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--mute-audio",
    "--dns-prefetch-disable",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--js-flags=--max-old-space-size=512",
)
"""Nothing but the proxy leads out, and a page's scripts get half a gigabyte."""
NOT_WANTED = ["--disable-popup-blocking"]
"""An option of playwright's own: only what an agent clicks may open a window."""
NO_NAMESPACES = {
    "user/max_user_namespaces": "0",
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}
"""Settings of the kernel, and the value at which Chromium's own sandbox cannot start."""


def find_chromium(wanted: str, environ: Mapping[str, str]) -> str:
    """The path of the Chromium to start: the wanted one, or the first on the PATH.

    Raises `SettingsError` that says what to install, for playwright too. Reads folders.
    """
    if find_spec("playwright") is None:
        raise SettingsError("the browser needs playwright: pip install 'openswarm[web]'")
    path = environ.get("PATH", os.defpath)
    if wanted:
        if found := shutil.which(wanted, path=path):
            return found
        raise SettingsError(f"there is no browser {wanted}; correct the setting web.browser")
    for name in NAMES:
        if found := shutil.which(name, path=path):
            return found
    raise SettingsError(
        "the browser needs Chromium: apt install chromium, or set web.browser to the path of one"
    )


def can_confine(kernel: Path = Path("/proc/sys")) -> bool:
    """Whether Chromium's own sandbox can start: not as root, not without user namespaces."""
    if os.geteuid() == 0:
        return False
    for name, denies in NO_NAMESPACES.items():
        file = kernel / name
        if file.exists() and file.read_text(encoding="ascii").strip() == denies:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser that runs, and the driver that it runs by."""

    driver: "Playwright"
    browser: "Browser"
    _gone: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.browser.on("disconnected", lambda _: self._gone.set())

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked for anything."""
        return self.browser.is_connected()

    async def has_crashed(self) -> bool:
        """Whether it is gone, asked after something failed: the news may be on its way."""
        with anyio.move_on_after(NOTICE_S):
            await self._gone.wait()
        return not self.is_alive

    async def stop(self) -> None:
        """Ends the browser and its driver, whatever state they are in."""
        with anyio.move_on_after(STOP_S, shield=True):
            try:
                await self.browser.close()
            except playwright_error():
                pass  # it crashed before
        with anyio.move_on_after(STOP_S, shield=True):
            await self.driver.stop()


async def start(path: str, environ: Mapping[str, str]) -> Chromium:
    """Starts the browser. Raises `SettingsError` with the reason when it does not start."""
    playwright = await anyio.to_thread.run_sync(import_module, "playwright.async_api")
    script = await anyio.Path(__file__).with_name("page.js").read_text(encoding="utf-8")
    confined = await anyio.to_thread.run_sync(can_confine)
    driver: Playwright = await playwright.async_playwright().start()
    try:
        await driver.selectors.register(ENGINE, script, content_script=True)
        browser = await driver.chromium.launch(
            executable_path=path,
            args=OPTIONS,
            ignore_default_args=NOT_WANTED,
            chromium_sandbox=confined,
            proxy={"server": NO_WAY},
            env=_environment(environ),
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=START_S * 1000,
        )
    except playwright_error() as error:
        await driver.stop()
        reason = str(error).partition("\n")[0][:300]
        raise SettingsError(f"{path} did not start: {reason}. Try it in a terminal") from None
    except BaseException:
        with anyio.move_on_after(STOP_S, shield=True):
            await driver.stop()
        raise
    return Chromium(driver, browser)


def playwright_error() -> type[Exception]:
    """What playwright raises: a timeout, a page that is gone, a connection that failed."""
    from playwright.async_api import Error

    return Error


def _environment(environ: Mapping[str, str]) -> dict[str, str | float | bool]:
    """What the browser's process knows of ours: no keys, no proxies."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "FONTCONFIG_FILE")
    return {name: environ[name] for name in names if name in environ}
