"""A browser driven by chromedriver, over the W3C protocol: JSON on HTTP."""

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
WIDE, PHONE = (1000, 900), (390, 844)


class Browser:
    """One window."""

    def __init__(self, session: str):
        self._session = session

    def open(self, url: str) -> None:
        call("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Runs a function body in the page's JavaScript; returns its value."""
        body = {"script": script, "args": list(arguments)}
        return call("POST", f"{self._session}/execute/sync", body)

    def wait_for(self, script: str, *arguments: Any) -> Any:
        """Repeats `run` until its value is true."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if value := self.run(f"return {script}", *arguments):
                return value
            time.sleep(0.05)
        page = self.run("return document.body.innerText")
        raise TimeoutError(f"{script} did not come true. The page:\n{page}")

    def find(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        found = call("POST", f"{self._session}/element", body)
        return f"{self._session}/element/{next(iter(found.values()))}"

    def click(self, selector: str) -> None:
        call("POST", f"{self.find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Replaces the text of a field, as by keyboard."""
        element = self.find(selector)
        call("POST", f"{element}/clear", {})
        call("POST", f"{element}/value", {"text": text})

    def screenshot(self, path: Path) -> None:
        picture = call("GET", f"{self._session}/screenshot")
        path.write_bytes(base64.b64decode(picture))


@contextlib.contextmanager
def browser(
    size: tuple[int, int] = WIDE, dark: bool = False
) -> Iterator[Browser]:
    """Starts a headless Chromium without a network except localhost."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [str(CHROMEDRIVER), f"--port={port}", "--silent"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    arguments = [
        *("--headless", "--no-sandbox", "--disable-gpu"),
        *("--disable-dev-shm-usage", "--disable-background-networking"),
        *("--no-first-run", "--disable-component-update", "--hide-scrollbars"),
        f"--window-size={size[0]},{size[1]}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    if dark:
        arguments.append("--blink-settings=preferredColorScheme=0")
    options: dict[str, Any] = {"binary": CHROMIUM, "args": arguments}
    if size == PHONE:
        # Only an emulated phone can be so narrow, not a window.
        metrics = {"width": size[0], "height": size[1], "pixelRatio": 2.0}
        options["mobileEmulation"] = {"deviceMetrics": metrics}
    wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
    session = None
    try:
        _wait_until_ready(address)
        made = call("POST", f"{address}/session", {"capabilities": wanted})
        session = f"{address}/session/{made['sessionId']}"
        yield Browser(session)
    finally:
        if session:
            call("DELETE", session)
        driver.terminate()
        driver.wait()


def call(method: str, url: str, body: dict | None = None) -> Any:
    request = urllib.request.Request(
        url,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as response:
            return json.load(response)["value"]
    except urllib.error.HTTPError as error:
        said = json.load(error)["value"]["message"]
        raise RuntimeError(f"{method} {url}: {said}") from error


def _wait_until_ready(address: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if call("GET", f"{address}/status")["ready"]:
                return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)
