"""`make screenshots`: the pictures in docs/pictures, taken from a small demonstration that it starts and stops itself.

`make screenshots ADDRESS=http://127.0.0.1:8000` takes them from one that runs. Each page is taken in light, some in dark
and at the width of a telephone; colours are reduced so that the pictures stay small.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PICTURES = Path(__file__).parent / "pictures"
DESK, PHONE = (1280, 800), (390, 844)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
_PEOPLE, _READY = 20_000, 900.0  # people of the own demonstration; seconds in which it must be open
_LIMIT = 300_000  # bytes of one picture


@dataclass(frozen=True)
class Picture:
    """One page: who opens it, where, and in which looks. `then` is a link on the page to follow first, `press` a button,
    `at` what to scroll to.

    `prepare`: a page and a button on it to press first, where it is still there; then nothing may wait there any more.
    """

    name: str
    role: str
    path: str
    then: str = ""
    press: str = ""
    at: str = ""
    prepare: tuple[str, ...] = ()
    looks: tuple[str, ...] = ("light",)
    language: str = "en"


TWO_READY = ("/scenarios/", "Simulate the two ready ones")
SHOWN = (
    Picture("front", "", "/", looks=("light", "phone")),
    Picture("dashboard", "commander", "/", looks=("light", "dark", "phone")),
    Picture("situation", "epidemiologist", "/situation/", looks=("light", "dark", "phone")),
    Picture("situation-public", "", "/situation/public/", looks=("light", "phone")),
    Picture("map", "epidemiologist", "/map/", looks=("light", "dark")),
    Picture("cases", "epidemiologist", "/cases/", looks=("light",)),
    Picture("case", "tracer", "/cases/", then="main tbody a[href^='/cases/']", looks=("light",)),
    Picture("contacts", "tracer", "/tracing/", looks=("light", "dark", "phone")),
    Picture("traced-case", "tracer", "/tracing/", then="main a[href^='/tracing/cases/']", looks=("light", "dark")),
    Picture("clusters", "epidemiologist", "/tracing/clusters/", looks=("light",)),
    Picture("network", "epidemiologist", "/tracing/network/", looks=("light",)),
    Picture("scenarios", "epidemiologist", "/scenarios/", prepare=TWO_READY),
    Picture("scenario-form", "epidemiologist", "/scenarios/new/?template=masks_tracing", looks=("light", "phone")),
    Picture("scenario-compare", "epidemiologist", "/scenarios/compare/?plain", looks=("light", "phone"), prepare=TWO_READY),
    Picture("scenario-curves", "epidemiologist", "/scenarios/compare/?plain", at="city-chart", prepare=TWO_READY),
    Picture("scenario-map", "epidemiologist", "/scenarios/compare/?plain", at="scenario-map", prepare=TWO_READY),
    Picture("forecast", "epidemiologist", "/forecast/", looks=("light", "dark", "phone")),
    Picture("forecast-beds", "epidemiologist", "/forecast/beds/", looks=("light", "phone")),
    Picture("forecast-models", "epidemiologist", "/forecast/models/"),
    Picture("signals", "epidemiologist", "/signals/", looks=("light", "phone")),
    Picture("signal", "epidemiologist", "/signals/", then="main a[href^='/signals/']"),
    Picture("labs", "tracer", "/labs/"),
    Picture("labs-message", "tracer", "/labs/", then="main tbody a[href^='/labs/messages/']"),
    Picture("laboratories", "registrar", "/labs/laboratories/"),
    Picture("work-list", "tracer", "/followup/", looks=("light", "phone")),
    Picture(
        "follow-up", "tracer", "/followup/", then="main .contact-name a[href^='/followup/contacts/']", looks=("light", "phone")
    ),
    Picture("interviews", "tracer", "/followup/interviews/"),
    Picture(
        "interview", "tracer", "/followup/interviews/", press="form[action*='/interviews/start/'] button", looks=("phone",)
    ),
    Picture("indicators", "epidemiologist", "/followup/indicators/"),
    Picture("orders", "tracer", "/quarantine/", looks=("light", "phone")),
    Picture("order", "tracer", "/quarantine/?view=in_force", then="#order-list a[href^='/quarantine/orders/']"),
    Picture("fence", "tracer", "/quarantine/fence/", looks=("light", "phone")),
    Picture("fence-person", "tracer", "/quarantine/fence/", then="main a[href$='/fence/']"),
    Picture("outbox", "epidemiologist", "/notices/"),
    Picture("texts", "epidemiologist", "/notices/texts/"),
    Picture("warning", "epidemiologist", "/notices/warnings/new/"),
    Picture("person-questions", "registrar", "/people/questions/"),
    Picture("case-classification", "tracer", "/cases/", then="main tbody a[href^='/cases/']", at="#case-classification"),
    Picture("chains", "epidemiologist", "/chains/"),
    Picture("chain", "epidemiologist", "/chains/", then="main tbody a[href^='/chains/cases/']"),
    Picture("declaration", "", "/declarations/", looks=("phone",)),
    Picture("declarations", "epidemiologist", "/declarations/staff/"),
    Picture("venues", "operator", "/checkins/", looks=("light",)),
    Picture("check-in", "", "/checkins/in/", looks=("phone",)),
    Picture("my-data", "", "/people/mine/", looks=("phone",)),
    Picture("import", "registrar", "/import/cases/", looks=("light",)),
    Picture("rules", "auditor", "/about/rules/", looks=("light",)),
    Picture("dashboard-zh", "commander", "/", looks=("light",), language="zh-hant"),
    Picture("contacts-es", "tracer", "/tracing/", looks=("light",), language="es"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", default="", help="of a demonstration that runs; else one is started")
    parser.add_argument("--only", default="", help="pictures whose name begins so")
    given = parser.parse_args()
    if given.address and not answers(given.address):
        print(f"nothing answers at {given.address}")
        return 1
    with nullcontext(given.address) if given.address else own_demonstration() as address:
        take_all(address.rstrip("/"), given.only)
    return 0


def answers(address: str) -> bool:
    """Whether a platform is ready there."""
    try:
        urlopen(f"{address}/health/", timeout=10).close()  # noqa: S310 -- the address that was just typed
    except OSError:
        return False
    return True


@contextmanager
def own_demonstration() -> Iterator[str]:
    """A small demonstration on a free port, in a folder that is removed at the end; yields its address."""
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="epipolis-pictures-") as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        home = {"EPIPOLIS_HOME": folder, "EPIPOLIS_DATABASE_URL": ""}
        command = [sys.executable, "-m", "epipolis.server", "demo", "--people", str(_PEOPLE), "--port", str(port)]
        demonstration = subprocess.Popen(command, env=os.environ | home, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + _READY
            while not answers(f"http://127.0.0.1:{port}"):
                if demonstration.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the demonstration did not start")
                time.sleep(1)
            yield f"http://127.0.0.1:{port}"
        finally:
            demonstration.send_signal(signal.SIGTERM)
            demonstration.wait(60)


def take_all(address: str, only: str) -> None:
    """Every picture whose name begins with `only`, one after the other."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for picture in SHOWN:
            if picture.name.startswith(only):
                for look in picture.looks:
                    take(browser, address, picture, look)


def take(browser: Any, address: str, picture: Picture, look: str) -> None:
    """Take one picture and write it, small."""
    width, height = PHONE if look == "phone" else DESK
    scheme = "dark" if look == "dark" else "light"
    looks = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "has_touch": look == "phone"}
    context = browser.new_context(base_url=address, reduced_motion="reduce", **looks)
    context.add_cookies([{"name": "django_language", "value": picture.language, "url": address}])
    page = context.new_page()
    if picture.role:
        page.goto("/accounts/login/")
        page.locator(f"form[action*='/demonstration/'][action*='{picture.role}'] button").first.click()
        page.wait_for_url(f"{address}/")
    if picture.prepare:
        press_first(page, *picture.prepare)
    page.goto(picture.path)
    if picture.then and not page.locator(picture.then).count():
        print(f"{picture.name}: nothing to open on {picture.path}")
        context.close()
        return
    if picture.then:
        page.goto(page.locator(picture.then).first.get_attribute("href"))
    if picture.press:
        with page.expect_navigation():
            page.locator(picture.press).first.click()
    for island in ("city-chart", "city-map", "scenario-map"):
        if page.locator(island).count():
            page.wait_for_selector(f"{island}[data-drawn]", state="attached", timeout=30_000)
    if picture.at:
        page.locator(picture.at).first.evaluate(
            "found => (found.closest('section') || found).scrollIntoView({block: 'center'})"
        )
    else:
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1_200)
    name = picture.name if look == "light" else f"{picture.name}-{look}"
    size = write_small(page.screenshot(), PICTURES / f"{name}.png")
    print(f"{name}.png {size // 1000} kB")
    context.close()


def press_first(page: Any, path: str, button: str) -> None:
    """Press a button once, and wait until everything that the list then shows has been done."""
    page.goto(path)
    if page.get_by_role("button", name=button).count():
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()
        page.goto(path)
    while page.locator(".badge.bg-blue-lt").count():
        page.wait_for_timeout(1_000)
        page.goto(path)


def write_small(shot: bytes, path: Path) -> int:
    """Write a picture with all its colours where they fit; return its size in bytes."""
    from PIL import Image

    whole = Image.open(BytesIO(shot)).convert("RGB")
    for colours in (0, 256, 64):
        out = BytesIO()
        less = whole.quantize(colours, dither=Image.Dither.NONE) if colours else whole
        less.save(out, "PNG", optimize=True)
        if out.tell() <= _LIMIT:
            break
    path.write_bytes(out.getvalue())
    return out.tell()


if __name__ == "__main__":
    sys.exit(main())
