"""A headless Chromium to open pages in: asked through its DevTools pipe.

https://chromedevtools.github.io/devtools-protocol/: messages are JSON, each ended by a
zero byte, on the file descriptors 3 and 4 of the browser.
"""

import base64
import io
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

TIMEOUT = 60.0  # seconds that the browser may take for an answer
NAMES = ("chromium", "chromium-browser", "google-chrome")
EXECUTABLE = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
]


class Browser:
    """One process; a context manager."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # Two steps, lest one of the pipes is 3 or 4 already and is overwritten.
        theirs_in, theirs_out = self._moved(theirs_in), self._moved(theirs_out)
        command = (
            f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out} '
            f"{theirs_in}<&- {theirs_out}>&-"
        )
        profile = f"--user-data-dir={self._folder.name}"
        self._process = subprocess.Popen(
            ["bash", "-c", command, EXECUTABLE, *FLAGS, profile, "about:blank"],
            pass_fds=[theirs_in, theirs_out],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self.events = b"", 0, []
        return self

    @staticmethod
    def _moved(descriptor):
        import fcntl

        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20)
        os.close(descriptor)
        return moved

    def __exit__(self, *exception):
        self._process.terminate()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def ask(self, method, session=None, **params):
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        end = time.monotonic() + TIMEOUT
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], end - time.monotonic())
            assert ready, "the browser does not answer"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser has ended"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path, width=1280, dark=False):
        """Load a file as a page of so many pixels' width."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, target, path, width, dark)


class Page:
    """An open page.

    Attributes
    ----------
    requests : list of str
        URLs of all that was loaded, the page itself first.
    errors : list of str
        What the console has, and exceptions of scripts.
    """

    def __init__(self, browser, target, path, width, dark):
        self._browser = browser
        self._target = target
        self._session = browser.ask(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.resize(width)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=path.as_uri())
        while self.evaluate("document.readyState") != "complete":
            time.sleep(0.02)
        # A frame drawn, and what is asked for at idle.
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))"
        )

    def ask(self, method, **params):
        return self._browser.ask(method, self._session, **params)

    def resize(self, width, height=900):
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def evaluate(self, expression):
        """The value of JavaScript, awaited."""
        result = self.ask(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def image(self):
        """The whole page as an array of shape (height, width, channels)."""
        from matplotlib.image import imread

        return imread(io.BytesIO(self.png()))[..., :3]

    def png(self):
        """The whole page as a PNG file."""
        shot = self.ask(
            "Page.captureScreenshot", captureBeyondViewport=True, format="png"
        )
        return base64.b64decode(shot["data"])

    def pdf(self):
        """The page as it is printed."""
        printed = self.ask("Page.printToPDF", printBackground=True)
        return base64.b64decode(printed["data"])

    def _events(self, method):
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]

    @property
    def requests(self):
        sent = self._events("Network.requestWillBeSent")
        return [event["request"]["url"] for event in sent]

    @property
    def errors(self):
        logged = [e["entry"]["text"] for e in self._events("Log.entryAdded")]
        called = [str(e["args"]) for e in self._events("Runtime.consoleAPICalled")]
        thrown = [
            str(e["exceptionDetails"]) for e in self._events("Runtime.exceptionThrown")
        ]
        return logged + called + thrown

    def close(self):
        self._browser.ask("Target.closeTarget", targetId=self._target)
