"""The part of scripts/quickstart that runs after the build; run that instead.

Every step checks what it shows: exit status 1 if anything differed from what it should be.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
CHAT = "/v1/chat/completions"
INVALIDATED_TAG = "opentelemetry"

# File, number in it, tag, what is asked. Recorded exchanges, six JSON answers and six streams.
EXCHANGES = [
    ("chat_completions.json", 399, "architecture", "pros and cons of microservices"),
    ("chat_completions.json", 420, "opentelemetry", "a deep dive, summed up"),
    ("chat_completions.json", 431, "sql", "a SQL query from a question"),
    ("chat_completions.json", 424, "food", "avocado, as structured output"),
    ("chat_completions.json", 442, "essays", "answer from retrieved text"),
    ("chat_completions.json", 506, "korean", "a sentence in Korean"),
    ("chat_completions.sse", 77, "fashion", "ten lines on colorful socks"),
    ("chat_completions.sse", 88, "opentelemetry", "a joke"),
    ("chat_completions.sse", 150, "opentelemetry", "another joke"),
    ("chat_completions.sse", 151, "arithmetic", "1231 * 2331: a tool call"),
    ("chat_completions.sse", 152, "arithmetic", "1231 * 2331: its result"),
    ("chat_completions.sse", 154, "llm", "answer after a tool call"),
]


class Differs(Exception):
    """Something was not as it should be."""


class Exchange:
    """One request, and what came of it each time it was sent."""

    def __init__(self, record, file, index, tag, title):
        self.name = f"{file}/{index}"
        self.title = title
        self.tag = tag
        self.is_stream = record["format"] == "sse"
        self.body = record.get("request_raw") or json.dumps(record["request"])
        self.other_form = self.in_other_form(record["request"])
        self.first = None
        self.again = None
        self.after_crash = None
        self.sizes = None
        self.skipped = None

    def in_other_form(self, request):
        """The same question asked in the other form; None if usage, which JSON has, is missing."""
        if self.is_stream and not request.get("stream_options", {}).get("include_usage"):
            return None
        other = dict(request, stream=not self.is_stream)
        other.pop("stream_options", None)
        return json.dumps(other)


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status = status
        self.body = body
        self.ms = seconds * 1000
        self.cache_status = headers.get("cache-status", "")
        self.content_type = headers.get("content-type", "")
        saved = re.search(r"microusd=(\d+)", headers.get("larder-saved", ""))
        self.microusd = int(saved.group(1)) if saved else None

    def is_hit(self):
        return bool(re.search(r"larder;\s*hit", self.cache_status))

    def message(self):
        """Content, and the arguments of tool calls, put together from whichever form this is."""
        if not self.content_type.startswith("text/event-stream"):
            parts = [json.loads(self.body)["choices"][0]["message"]]
        else:
            data = re.findall(rb"^data: (\{.*)$", self.body, re.MULTILINE)
            parts = [choice["delta"] for line in data for choice in json.loads(line)["choices"]]
        return "".join((part.get("content") or "") +
                       "".join(call["function"].get("arguments") or ""
                               for call in part.get("tool_calls") or []) for part in parts)

    def key(self):
        found = re.search(r'key="([0-9a-f]{64})"', self.cache_status)
        return found.group(1) if found else None


def load_exchanges():
    """The records named in EXCHANGES, out of tests/data."""
    records = {}
    for file in {entry[0] for entry in EXCHANGES}:
        path = os.path.join(ROOT, "tests", "data", "recorded", file + ".jsonl.zst")
        text = subprocess.run(["zstd", "-dc", "--long=27", path], stdout=subprocess.PIPE,
                              check=True).stdout
        records[file] = text.decode().splitlines()
    return [Exchange(json.loads(records[file][index]), file, index, tag, title)
            for file, index, tag, title in EXCHANGES]


class Service:
    """A program that says `listening on URL` when it is ready. Its log goes to a file."""

    def __init__(self, arguments, log, environment=None):
        self.log = log
        with open(log, "ab") as file:
            self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=file,
                                            env=environment, cwd=ROOT, start_new_session=True)
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            self.process.wait()
            raise Differs(f"{os.path.basename(arguments[0])} did not start:\n" +
                          open(log, encoding="utf-8", errors="replace").read())
        self.url = line.split()[2]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()


class Demo:
    def __init__(self, arguments, directory):
        self.live = arguments.live
        self.fast = arguments.fast
        self.directory = directory
        self.cache = os.path.join(directory, "cache")
        self.stand_in = None
        self.gateway = None
        self.token = os.environ["OPENAI_API_KEY"] if self.live else "sk-stand-in"

    def start_stand_in(self):
        pace = ["--speed", "50"] if self.fast else []
        self.stand_in = Service([self.program("tests/support/provider_stand_in")] + pace,
                                os.path.join(self.directory, "stand-in.log"))
        return self.stand_in.url

    def start_gateway(self):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("LARDER_")}
        environment["LARDER__CACHE__DIRECTORY"] = self.cache
        if self.stand_in:
            environment["LARDER__PROVIDERS__OPENAI__BASE_URL"] = self.stand_in.url
            environment["LARDER__PROVIDERS__ANTHROPIC__BASE_URL"] = self.stand_in.url
        self.gateway = Service(
            [self.program("tools/larderd/larderd"), "--config", "config.json",
             "--listen", "127.0.0.1:0"], os.path.join(self.directory, "larderd.log"), environment)

    def program(self, path):
        return os.path.join(BUILD, path)

    def send(self, exchange, body=None):
        """Sends the request as an SDK would and reads the answer to its end."""
        headers = {"authorization": "Bearer " + self.token, "content-type": "application/json",
                   "larder-tags": "quickstart, " + exchange.tag}
        if not self.live:
            headers["x-recorded"] = exchange.name  # which of the recorded answers to replay
        address = urllib.parse.urlsplit(self.gateway.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        try:
            start = time.perf_counter()
            connection.request("POST", CHAT, (body or exchange.body).encode(), headers)
            response = connection.getresponse()
            body = response.read()
            seconds = time.perf_counter() - start
        finally:
            connection.close()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, body, seconds)

    def cachectl(self, *arguments):
        done = subprocess.run(
            [self.program("tools/cachectl/cachectl"), "--dir", self.cache, "--json", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Differs(f"cachectl {' '.join(arguments)}: exit {done.returncode}: "
                          f"{done.stderr.decode().strip()}")
        return json.loads(done.stdout)

    def stop(self):
        for service in (self.gateway, self.stand_in):
            if service:
                service.stop()


def expect(condition, exchange, what, answer):
    if not condition:
        raise Differs(f"{exchange.name}: {what}; status {answer.status}, "
                      f"Cache-Status: {answer.cache_status or 'none'}")


def same_answer(first, hit):
    """Equal bytes; of a live stream the random padding `obfuscation` is not kept."""
    padding = re.compile(rb'"obfuscation":"[^"]*",|,?"obfuscation":"[^"]*"')
    return first.body == hit.body or padding.sub(b"", first.body) == padding.sub(b"", hit.body)


def send_first(demo, exchanges):
    for exchange in exchanges:
        answer = demo.send(exchange)
        if demo.live and answer.status >= 400:
            exchange.skipped = f"the provider answered {answer.status}"
            continue
        expect(answer.status == 200, exchange, "should be answered", answer)
        expect(not answer.is_hit(), exchange, "should be a miss", answer)
        exchange.first = answer
    if all(exchange.skipped for exchange in exchanges):
        raise Differs("the provider answered none of the requests: " + exchanges[0].skipped)
    return [exchange for exchange in exchanges if not exchange.skipped]


def send_expecting_hit(demo, exchange):
    answer = demo.send(exchange)
    expect(answer.is_hit(), exchange, "should be a hit", answer)
    expect(same_answer(exchange.first, answer), exchange, "should have the first answer's bytes",
           answer)
    return answer


def ask_in_other_form(demo, exchanges):
    """Returns how many were asked; each must be a hit that says the same."""
    asked = [exchange for exchange in exchanges if exchange.other_form]
    for exchange in asked:
        answer = demo.send(exchange, exchange.other_form)
        expect(answer.is_hit(), exchange, "should be a hit in the other form too", answer)
        expect(answer.content_type != exchange.first.content_type, exchange,
               "should come in the other form", answer)
        expect(answer.message() == exchange.first.message(), exchange,
               "should say the same in the other form", answer)
    return len(asked)


def invalidate_one_tag(demo, exchanges):
    """Returns how many entries went; checks that just those of the tag did."""
    demo.cachectl("invalidate", "--tag", INVALIDATED_TAG)
    gone = 0
    for exchange in exchanges:
        answer = demo.send(exchange)
        covered = exchange.tag == INVALIDATED_TAG
        expect(answer.is_hit() != covered, exchange,
               "should have gone with its tag" if covered else "should have stayed", answer)
        gone += covered
    return gone


def note_sizes(demo, exchanges):
    for exchange in exchanges:
        entry = demo.cachectl("get", "--meta", exchange.again.key())
        exchange.sizes = (entry["raw_bytes"], entry["stored_bytes"])


def print_table(exchanges):
    head = ("request", "first ms", "again ms", "after the crash ms", "raw -> stored bytes",
            "USD saved")
    rows = []
    for exchange in exchanges:
        form = "stream" if exchange.is_stream else "JSON"
        saved = exchange.after_crash.microusd
        rows.append((f"{form:6}  {exchange.title}", f"{exchange.first.ms:.1f}",
                     f"{exchange.again.ms:.2f}", f"{exchange.after_crash.ms:.2f}",
                     f"{exchange.sizes[0]} -> {exchange.sizes[1]}",
                     "-" if saved is None else f"{saved / 1e6:.6f}"))
    total = sum(exchange.after_crash.microusd or 0 for exchange in exchanges)
    rows.append(("together", f"{sum(e.first.ms for e in exchanges):.1f}",
                 f"{sum(e.again.ms for e in exchanges):.2f}",
                 f"{sum(e.after_crash.ms for e in exchanges):.2f}",
                 f"{sum(e.sizes[0] for e in exchanges)} -> "
                 f"{sum(e.sizes[1] for e in exchanges)}", f"{total / 1e6:.6f}"))
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for number, row in enumerate([head] + rows):
        if number == 1 or number == len(rows):
            print("  ".join("-" * width for width in widths))
        print("  ".join([row[0].ljust(widths[0])] +
                        [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip())


def run(demo):
    exchanges = load_exchanges()
    if demo.live:
        print("provider: https://api.openai.com, with your OPENAI_API_KEY")
    else:
        print(f"provider: a stand-in on {demo.start_stand_in()} replays recorded answers")
    demo.start_gateway()
    print(f"gateway:  larderd on {demo.gateway.url}, cache in {demo.cache}")

    print(f"first:    sending {len(exchanges)} requests, each must be a miss")
    answered = send_first(demo, exchanges)
    for exchange in exchanges:
        if exchange.skipped:
            print(f"          left out: {exchange.title}: {exchange.skipped}")
    print("again:    the same requests, each must be a hit with the same bytes")
    for exchange in answered:
        exchange.again = send_expecting_hit(demo, exchange)
    note_sizes(demo, answered)

    print("crash:    kill -9 of larderd, and start it again")
    demo.gateway.kill()
    demo.start_gateway()
    for exchange in answered:
        exchange.after_crash = send_expecting_hit(demo, exchange)
    print("          each was a hit with the bytes of the first answer")
    print("forms:    JSON answers asked for as streams, streams as JSON")
    print(f"          {ask_in_other_form(demo, answered)} hits, the same text in the other form, "
          "from the same entries")
    print(f"tags:     cachectl invalidate --tag {INVALIDATED_TAG}")
    gone = invalidate_one_tag(demo, answered)
    print(f"          the {gone} entries with that tag went, the other "
          f"{len(answered) - gone} stayed")
    print()
    print_table(answered)
    print()


def print_how_to_use(demo, keep):
    if keep:
        url = demo.gateway.url
        if not demo.live:
            print("The gateway still asks the stand-in; with --live it asks the provider.")
        print(f"larderd runs on, process {demo.gateway.process.pid}; its cache and log are in "
              f"{demo.directory}. Point an SDK at it:")
    else:
        with open(os.path.join(ROOT, "config.json"), encoding="utf-8") as file:
            url = "http://" + json.load(file)["gateway"]["listen"]
        print("Start it with build/release/tools/larderd/larderd --config config.json, "
              "and point an SDK at it:")
    print(f"export OPENAI_BASE_URL={url}/v1")
    print(f"export ANTHROPIC_BASE_URL={url}")


def main():
    parser = argparse.ArgumentParser(prog="quickstart", description=__doc__)
    parser.add_argument("--live", action="store_true", help="ask the real provider")
    parser.add_argument("--keep", action="store_true", help="leave the gateway running")
    parser.add_argument("--fast", action="store_true", help="hurry the stand-in")
    arguments = parser.parse_args()
    if arguments.live and not os.environ.get("OPENAI_API_KEY"):
        print("quickstart: --live needs the environment variable OPENAI_API_KEY", file=sys.stderr)
        return 2
    # So that Ctrl-C and kill clean up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    directory = tempfile.mkdtemp(prefix="larder-quickstart-")
    demo = Demo(arguments, directory)
    keep = False
    try:
        run(demo)
        keep = arguments.keep
        print_how_to_use(demo, keep)
        return 0
    except KeyboardInterrupt:
        return 130
    except (Differs, OSError, http.client.HTTPException, subprocess.CalledProcessError) as error:
        print(f"\nquickstart: not as it should be: {error}", file=sys.stderr)
        if demo.gateway and os.path.exists(demo.gateway.log):
            with open(demo.gateway.log, encoding="utf-8", errors="replace") as log:
                print("last lines of larderd's log:\n" + "".join(log.readlines()[-15:]),
                      file=sys.stderr)
        return 1
    finally:
        if not keep:
            demo.stop()
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
