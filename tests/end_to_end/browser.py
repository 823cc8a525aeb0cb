"""A headless Chromium, driven over a pair of pipes (its DevTools protocol); standard library only."""
import base64
import collections
import fcntl
import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import zlib

PROGRAM = next((found for found in map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser",
                                                      "google-chrome")) if found), None)


class Page:
    """One page, and what it said and asked for while it was loaded."""

    def __init__(self, path, width=1200, height=900, is_phone=False):
        self.folder = tempfile.mkdtemp(prefix="tessera-browser-")
        self.events = collections.defaultdict(list)
        self.last = 0
        self.rest = b""
        self._start()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)
        self.url = path.resolve().as_uri()
        failed = self.call("Page.navigate", url=self.url).get("errorText")
        if failed:
            raise AssertionError(f"{self.url}: {failed}")
        self._wait_for("Page.loadEventFired")

    def _start(self):
        ours, theirs = {}, {}
        for number, is_input in ((3, True), (4, False)):
            reading, writing = os.pipe()
            near, far = (writing, reading) if is_input else (reading, writing)
            # Far from 3 and 4, which they become in the browser.
            ours[number], theirs[number] = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in (near, far))
            os.close(near)
            os.close(far)

        def place():
            for number, end in theirs.items():
                os.dup2(end, number)

        command = [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
                   f"--user-data-dir={self.folder}", "about:blank"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, close_fds=False,
                                        stderr=subprocess.DEVNULL, preexec_fn=place, start_new_session=True)
        for end in theirs.values():
            os.close(end)
        self.to_browser, self.from_browser = ours[3], ours[4]
        self.session = None

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _message(self, end):
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                raise AssertionError("the browser does not answer")
            piece = os.read(self.from_browser, 1 << 20)
            if not piece:
                raise AssertionError("the browser is gone")
            self.rest += piece
        text, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(text)
        if "method" in message:
            self.events[message["method"]].append(message["params"])
        return message

    def call(self, method, timeout=60, **parameters):
        self.last += 1
        request = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(request).encode() + b"\0")
        end = time.monotonic() + timeout
        while True:
            message = self._message(end)
            if message.get("id") == self.last:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]

    def _wait_for(self, event, timeout=60):
        end = time.monotonic() + timeout
        while not self.events[event]:
            self._message(end)

    def value(self, expression):
        """Of a piece of JavaScript; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def requests(self):
        """Everything it asked for besides itself and what it holds."""
        asked = [event["request"]["url"] for event in self.events["Network.requestWillBeSent"]]
        return [url for url in asked if url.split("#")[0] != self.url and not url.startswith("data:")]

    def complaints(self):
        """Errors and warnings of the console, and exceptions."""
        lines = [event["entry"]["text"] for event in self.events["Log.entryAdded"]]
        lines += [str(event["args"]) for event in self.events["Runtime.consoleAPICalled"]]
        return lines + [str(event["exceptionDetails"]) for event in self.events["Runtime.exceptionThrown"]]

    def screenshot(self):
        """(width, height, rows of bytes, 3 or 4 a pixel)"""
        return decode_png(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF")["data"])


def decode_png(data):
    """Eight bits a channel, not interlaced: what a browser writes."""
    at, packed, width, height, channels = 8, b"", 0, 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            channels = {2: 3, 6: 4}[colour]
            if depth != 8 or interlace:
                raise AssertionError("another kind of PNG")
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, size, rows, above = zlib.decompress(packed), width * channels, [], bytearray(width * channels)
    for y in range(height):
        kind, row = raw[y * (size + 1)], bytearray(raw[y * (size + 1) + 1:(y + 1) * (size + 1)])
        for x in range(size if kind else 0):
            left = row[x - channels] if x >= channels else 0
            corner = above[x - channels] if x >= channels else 0
            if kind == 4:
                nearest = min((abs(above[x] - corner), 0, left), (abs(left - corner), 1, above[x]),
                              (abs(left + above[x] - 2 * corner), 2, corner))[2]
            else:
                nearest = {1: left, 2: above[x], 3: (left + above[x]) // 2}[kind]
            row[x] = (row[x] + nearest) & 255
        rows.append(bytes(row))
        above = row
    return width, height, rows
