"""A running luytre with its own folder and ports: what the tests of this folder talk to.

The program is the built one, started as an operator starts it. Nothing here reaches beyond loopback.
"""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from datetime import datetime, timedelta, timezone
from pathlib import Path

BINARY = os.environ["LUYTRE_BINARY"]

# A throw-away PostgreSQL (see scripts/postgres); empty where there is none.
POSTGRES = os.environ.get("LUYTRE_TEST_POSTGRES", "")


def _s3_server():
    """Returns the real S3 server of the lake's own tests, built beside the program; nothing where it is not built."""
    found = [path for path in (Path(BINARY).parent / "deps").glob("lake_in_store-*") if path.suffix == ""]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


S3_SERVER = _s3_server()

# How long anything may take before a test calls it failed, on the slowest machine at its busiest. Tests wait for a
# state, never for a time.
PATIENCE_S = 240

# Ports of tests: below those that the system gives out by itself, and none of scripts/postgres. Each process of tests has
# blocks of its own, so that none gives out what another gave to someone who does not listen yet.
PORTS = range(10_000, 32_000)
PORTS_IN_A_BLOCK = 1000
PORTS_LEFT, BLOCKS_HELD = [], []

# Vietnam's clock: the zone of log lines that name none.
VIETNAM = timezone(timedelta(hours=7))

# Everything the lake may hold, whatever clock the sender had.
ALL_TIME = {"from": "1960-01-01T00:00:00Z", "to": "2120-01-01T00:00:00Z"}

ADMINISTRATOR, PASSWORD = "kiemthu", "mat-khau-dai-cua-kiem-thu"


def block_of_ports():
    """Returns ports that are this process's as long as it lives: whoever has bound the block's name holds it."""
    for first in PORTS[::PORTS_IN_A_BLOCK]:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            held.bind(f"\0luytre-tests-ports-{first}")
        except OSError:
            held.close()
            continue
        BLOCKS_HELD.append(held)
        return random.sample(range(first, first + PORTS_IN_A_BLOCK), PORTS_IN_A_BLOCK)
    raise AssertionError("other tests hold all blocks of ports")


def free_port(kind=socket.SOCK_STREAM):
    """Returns a port that nobody has now, and that the system gives to nobody by itself."""
    while True:
        if not PORTS_LEFT:
            PORTS_LEFT.extend(block_of_ports())
        port = PORTS_LEFT.pop()
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def wait_for(what, condition, patience_s=PATIENCE_S):
    """Asks again and again until the condition gives something true, and returns that."""
    deadline = time.monotonic() + patience_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s} s for {what}")
        time.sleep(0.1)


def marker(word="dau"):
    """Returns a word that stands in no other record."""
    return word + "".join(random.choices("bcdfghjkmnpqrstvwxz", k=14))


def bsd_now():
    """Returns the moment as RFC 3164 writes it, on Vietnam's clock."""
    now = datetime.now(VIETNAM)
    return f"{now:%b} {now.day:2d} {now:%H:%M:%S}"


def access_now(days_ago=0):
    """Returns the moment, or the one so many days ago, as web servers write it."""
    return (datetime.now(VIETNAM) - timedelta(days=days_ago)).strftime("%d/%b/%Y:%H:%M:%S %z")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


def http_call(method, url, body=None, headers=None, read=True):
    """Returns the answer, whatever its status; follows no redirect. A stream is left unread."""
    parts = urllib.parse.urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)
    try:
        line.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
        answer = line.getresponse()
        return Answer(answer.status, answer.headers, answer.read() if read else b"")
    finally:
        line.close()


def postgres_database():
    """Returns the URL of a fresh database in the throw-away PostgreSQL."""
    name = marker("luytre_")
    subprocess.run(["psql", "-q", "-d", POSTGRES, "-c", f'create database "{name}"'], check=True, timeout=PATIENCE_S)
    return POSTGRES.rsplit("/", 1)[0] + f"/{name}"


class Installation:
    """One luytre with its data folder. Use it as a context manager.

    `{folder}` in the extra configuration stands for that folder.
    """

    def __init__(self, database_url="", extra_config=""):
        self.folder = Path(tempfile.mkdtemp(prefix="luytre-e2e-"))
        self.web, self.http = free_port(), free_port()
        self.udp, self.tcp = free_port(socket.SOCK_DGRAM), free_port()
        self.process = None
        self.token = None
        self.config = self.folder / "luytre.toml"
        self.config.write_text(
            f"""
[site]
province = "Tỉnh Thử"
data_folder = "{self.folder}/data"
[web]
listen = "127.0.0.1:{self.web}"
second_factor = "optional"
[database]
url = "{database_url}"
[intake]
file_poll_ms = 100
[intake.http]
listen = "127.0.0.1:{self.http}"
[[intake.syslog]]
name = "udp"
transport = "udp"
listen = "127.0.0.1:{self.udp}"
[[intake.syslog]]
name = "tcp"
transport = "tcp"
listen = "127.0.0.1:{self.tcp}"
{extra_config.replace("{folder}", str(self.folder))}
"""
        )

    def __enter__(self):
        try:
            self.start()
            self.run("user", "add", "--login", ADMINISTRATOR, "--name", "Kiểm Thử", "--role", "administrator",
                     "--password-stdin", given=PASSWORD + "\n")
            self.token = self.token_of(ADMINISTRATOR)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.kill(signal.SIGTERM)
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments, given=None):
        """Runs a luytre command on this installation and returns what it printed."""
        done = subprocess.run([BINARY, "--config", str(self.config), *arguments], input=given, text=True,
                              capture_output=True, timeout=PATIENCE_S)
        if done.returncode != 0:
            raise AssertionError(f"luytre {arguments} answered {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def spawn(self):
        """Starts the program and does not wait for it; returns how long its log was before."""
        with open(self.folder / "serve.log", "ab") as log:
            said = log.tell()
            self.process = subprocess.Popen([BINARY, "--config", str(self.config), "serve"], stdout=log, stderr=log)
        return said

    def start(self):
        said = self.spawn()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError("luytre stopped:\n" + self.log()[-4000:])
            try:
                answers = http_call("GET", f"http://127.0.0.1:{self.web}/healthz").status == 200
            except OSError:
                return False
            # Its greeting comes last: links, and what was recovered.
            return answers and "pages: http" in self.log(said)

        wait_for("the platform to answer", ready)

    def kill(self, how=signal.SIGKILL):
        """Ends the process and returns its exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            return self.process.wait(timeout=PATIENCE_S)
        return None

    def is_up(self):
        """Returns whether it is still the same process, and answers."""
        return self.process.poll() is None and self.page("GET", "/healthz").status == 200

    def log(self, since=0):
        """Returns what the program said, from a length of its log on."""
        return (self.folder / "serve.log").read_bytes()[since:].decode(errors="replace")

    def memory_peak_kib(self):
        """Returns the most memory that the process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))

    # --- the API and the pages

    def token_of(self, login):
        """Returns an API token of an account."""
        return self.run("user", "token", "--login", login, "--days", "1").strip().splitlines()[-1]

    def page(self, method, path, body=None, headers=None, read=True):
        """Calls an address as a browser without a session does."""
        return http_call(method, f"http://127.0.0.1:{self.web}{path}", body, headers, read)

    def api(self, method, path, given=None, token=None, read=True):
        """Calls the API, as an administrator unless a token is given."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Accept": "application/json"}
        body = None
        if given is not None:
            body, headers["Content-Type"] = json.dumps(given).encode(), "application/json"
        return self.page(method, f"/api/v1{path}", body, headers, read)

    def read(self, path, token=None, **query):
        """Returns what the API tells of an address."""
        words = urllib.parse.urlencode(query)
        answer = self.api("GET", path + (f"?{words}" if words else ""), token=token)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json()

    def make(self, path, given):
        """Makes something and returns its id, and all that was answered."""
        made = self.api("POST", path, given)
        assert made.status in (200, 201), (path, made.status, made.body)
        made = made.json()
        return made.get("id") or made["location"].rsplit("/", 1)[-1], made

    def agency(self, code="so-thu", name="Sở Thử", parent=None):
        return self.make("/agencies", {"code": code, "name": name, "kind": "department", "parent": parent})[0]

    def system(self, agency, code, name, level):
        return self.make("/systems", {"agency": agency, "code": code, "name": name, "level": level,
                                      "state": "running", "in_use_since": "2024-01-01",
                                      "duty_phone": "0203 000 000"})[0]

    def source(self, agency, name, kind="http", parser="auto", **more):
        """Connects a log source; returns its id and, for HTTP, its token."""
        given = {"agency": agency, "name": name, "kind": kind, "parser": parser, **more}
        made, answer = self.make("/sources", given)
        return made, answer.get("token")

    # --- records in, events out

    def ingest(self, token, lines, kind="application/x-ndjson", **headers):
        body = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
        return http_call("POST", f"http://127.0.0.1:{self.http}/ingest", body,
                         {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers})

    def search(self, query, token=None, **when):
        """Returns the events that a query finds, all pages of them."""
        results = self.read("/search", token=token, q=query, **(when or ALL_TIME))["results"]
        events = results["events"]
        while results["next"]:
            results = self.api("GET", results["next"], token=token).json()["results"]
            events += results["events"]
        return events

    def export(self, query):
        """Returns the events that a query finds as the lake keeps them, up to the limit of a file."""
        words = urllib.parse.urlencode({"q": query, **ALL_TIME})
        answer = self.api("GET", f"/search/export.ndjson?{words}")
        assert answer.status == 200, answer.body
        return [json.loads(line) for line in answer.body.splitlines()]

    def count(self, query):
        """Returns how many events a query finds."""
        return self.read("/search", q=query, **ALL_TIME)["results"]["total"]

    def event(self, query):
        """Waits until a query finds an event, and returns it; there must be no second one."""
        found = wait_for(f"the event {query}", lambda: self.search(query))
        assert len(found) == 1, f"{query} found {len(found)} events"
        event = found[0]
        event["field"] = {field["name"]: field["value"] for field in event["fields"]}
        return event

    def dead_letters(self, **query):
        """Returns the newest dead letters that fit."""
        return self.read("/dead-letters", rows=500, **query)["rows"]

    def dead_letter_bytes(self, letter):
        return self.api("GET", f"/dead-letters/{letter['id']}/bytes").body

    def settled(self, source):
        """Waits until nothing of a source is on its way; returns (received, in the lake, dead)."""
        def counts():
            told = self.read(f"/sources/{source}")
            received, read, dead = told["row"]["received"], told["decoded"], told["row"]["dead"]
            return (received, read, dead) if received == read + dead else None

        return wait_for(f"received = read + dead of {source}", counts)

    def rule_id(self, name):
        """Returns the id of a loaded rule, by its file's name."""
        rows = self.read("/rules")["rules"]
        return next(row["id"] for row in rows if row["path"].endswith(f"/{name}.yml") and row["level"] not in
                    (None, "informational"))

    def alerts(self, rule=None, token=None, **query):
        """Returns the alerts that fit, whatever their state."""
        query = {"state": "all", "order": "newest", **query}
        if rule:
            query["rule"] = rule
        return self.read("/alerts", token=token, **query)["alerts"]
