# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven through tests/browser/driver.mjs."""
import json
import os
import shutil
import subprocess

import pytest

from world import ROOT

FOLDER = ROOT / "build/browser"
SHOTS = FOLDER / "shots"


def chromium():
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def prepare():
    """Fetches what npm has to bring; skips, and says why, when there is no browser to be had."""
    missing = [name for name, path in (("chromium", chromium()), ("node", shutil.which("node")), ("npm", shutil.which("npm"))) if not path]
    if missing:
        pytest.skip(f"NO BROWSER TEST: {', '.join(missing)} not installed; see tests/browser/README.md")
    SHOTS.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests/browser" / name, FOLDER / name)
    if not (FOLDER / "node_modules/playwright-core").exists():
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            pytest.skip(f"NO BROWSER TEST: npm ci failed: {done.stdout[-300:]}")


class Browser:
    def __init__(self):
        prepare()
        self.process = subprocess.Popen(["node", str(ROOT / "tests/browser/driver.mjs"), str(FOLDER), chromium()], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert json.loads(self.process.stdout.readline() or "null") == {}, "the browser did not start"

    def do(self, code, argument=None):
        """Runs the body of an async function of page, context, complaints, require and argument; returns its value."""
        self.process.stdin.write(json.dumps({"code": code, "argument": argument}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def see(self, expression, argument=None):
        """Value of an expression inside of the page, with argument as "a"."""
        return self.do(f"return page.evaluate((a) => ({expression}), argument)", argument)

    def shot(self, name):
        self.do("await page.screenshot({ path: argument })", str(SHOTS / f"{name}.png"))

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
