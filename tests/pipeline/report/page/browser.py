"""A browser without a window, used as a reader uses one: by keys, clicks and taps."""

import json
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)


class Browser:
    """Chromium with one page."""

    def __init__(self, chromium: str, driver: str) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for flag in FLAGS.split():
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(driver))

    def show(self, page: Path, width: int = 1280, scheme: str = "light", media: str = "screen", at: str = "") -> None:
        """Open a file anew, as a touch screen where it is as narrow as a phone's."""
        is_phone = width < 600
        screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": is_phone}
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setDeviceMetricsOverride", **screen)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=is_phone)
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)
        self.driver.get("about:blank")
        self.messages(), self.requests()
        self.driver.get(page.as_uri() + at)

    def ask(self, command: str, **arguments: Any) -> Any:
        """A command of the protocol of Chromium's own tools."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function with this body returns."""
        return self.driver.execute_script(script, *arguments)

    def messages(self) -> list[str]:
        """Those of the console since the last call, errors of the page among them."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def first(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def tab_to(self, selector: str) -> None:
        """From where the focus is."""
        for _ in range(60):
            self.press(Keys.TAB)
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
        raise AssertionError(f"{selector} is not reached by the Tab key")

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def hover(self, element: WebElement) -> None:
        ActionChains(self.driver, duration=0).move_to_element(element).perform()

    def tap(self, element: WebElement) -> None:
        """With a finger."""
        actions = ActionBuilder(self.driver, mouse=PointerInput(POINTER_TOUCH, "finger"), duration=0)
        actions.pointer_action.move_to(element).pointer_down().pointer_up()
        actions.perform()

    def tree(self) -> list[dict[str, Any]]:
        """What a screen reader meets, in order: role, name and properties."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [
            {
                "role": node["role"]["value"],
                "name": node.get("name", {}).get("value", ""),
                **{each["name"]: each["value"].get("value") for each in node.get("properties", [])},
            }
            for node in nodes
            if not node["ignored"]
        ]

    def picture(self) -> Image.Image:
        """Of what is in view, in shades of grey."""
        return Image.open(BytesIO(b64decode(self.ask("Page.captureScreenshot")["data"]))).convert("L")
