"""Several machines as one platform: two that take logs in, two with pages, one PostgreSQL, one S3 server. Killed with
`kill -9` in the middle of a load, nothing that was acknowledged is lost or doubled, and an alert comes once."""

import http.client
import itertools
import json
import re
import signal
import socket
import subprocess
import threading
import unittest
from datetime import datetime, timezone

from cluster import Cluster, OpenPage
from installation import BINARY, PATIENCE_S, POSTGRES, S3_SERVER, Installation, http_call, marker, wait_for

BATCH = 100
SENDERS = 3


class Load:
    """Senders that post batches of uniquely numbered records, each request under a key of its own, to whichever node
    takes them: they go where they are told, or to the other one if a node is gone, and never give up a batch."""

    def __init__(self, addresses, token, word):
        self.addresses, self.token, self.word = addresses, token, word
        self.numbers, self.batches = itertools.count(), itertools.count()
        self.acknowledged = set()
        self.lock, self.over, self.surprises = threading.Lock(), threading.Event(), []
        self.sent_elsewhere = 0
        self.threads = [threading.Thread(target=self.send, daemon=True) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self):
        at = 0
        while not self.over.is_set():
            with self.lock:
                batch, key = [next(self.numbers) for _ in range(BATCH)], f"{self.word}-{next(self.batches)}"
            now = datetime.now(timezone.utc).isoformat()
            lines = "".join(json.dumps({"@timestamp": now, "round": self.word, "number": number,
                                        "message": f"bản ghi giữa lúc tải {self.word}so{number}"}) + "\n" for number in batch)
            while True:
                try:
                    answer = http_call("POST", f"http://{self.addresses[at]}/ingest", lines.encode(),
                                       {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson",
                                        "Idempotency-Key": key})
                except (OSError, http.client.HTTPException):
                    at = 1 - at
                    self.over.wait(0.05)
                    continue
                if answer.status == 503 and answer.headers["luytre-node"]:
                    self.sent_elsewhere += 1
                    at = self.addresses.index(answer.headers["luytre-node"])
                    self.over.wait(0.05)
                    continue
                if answer.status in (429, 503):
                    self.over.wait(0.05)
                    continue
                break
            if answer.status != 200 or answer.json()["accepted"] != BATCH:
                self.surprises.append((answer.status, answer.body))
                return
            with self.lock:
                self.acknowledged.update(batch)

    def wait_for(self, more):
        """Waits until so many more records are acknowledged."""
        wanted = len(self.acknowledged) + more
        wait_for(f"{more} more records to be acknowledged", lambda: len(self.acknowledged) >= wanted or self.surprises)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=PATIENCE_S)


def numbered(node, query):
    """Returns the numbers of the records that a query finds, by every file of the lake."""
    return [int(event["fields"]["number"]) for event in node.export(query)]


def failed_sign_in(address, number):
    now = datetime.now(timezone.utc).strftime("%b %d %H:%M:%S")
    return f"<38>{now} may01 sshd[{number}]: Failed password for root from {address} port {1024 + number} ssh2"


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server (cargo build --workspace --tests)")
class Several(unittest.TestCase):
    def setUp(self):
        self.here = self.enterContext(Cluster())
        self.first = self.here.node("web1", "web")
        wait_for("the first to have the central duties", lambda: self.here.centre(self.first) == "web1")
        self.second = self.here.node("web2", "web")
        self.one, self.two = self.here.node("log1", "intake"), self.here.node("log2", "intake")
        self.addresses = [f"127.0.0.1:{node.http}" for node in (self.one, self.two)]
        self.agency = self.first.agency()
        self.source, self.token = self.first.source(self.agency, "Nguồn tải")
        for node in (self.one, self.two):
            self.knows(node, self.token)

    def knows(self, node, token):
        """Waits until a node has heard of a source that was made elsewhere."""
        wait_for("the node to know the source", lambda: http_call("GET", f"http://127.0.0.1:{node.http}/", None,
                                                                  {"Authorization": f"Bearer {token}"}).status == 200)

    def holder(self):
        """Returns the node that takes the records of some source, and the other one."""
        lines, _ = self.here.told(self.second)
        held = [name for name in ("log1", "log2") if lines[name]["sources"]]
        self.assertEqual(len(held), 1, lines)
        return (self.one, self.two) if held == ["log1"] else (self.two, self.one)

    def assert_exactly_once(self, load, node):
        query = f"round:{load.word}"
        wait_for("all acknowledged records", lambda: node.count(query) >= len(load.acknowledged))
        numbers = numbered(node, query)
        self.assertEqual(len(numbers), len(set(numbers)), "a record is there twice")
        self.assertEqual(set(numbers), load.acknowledged)
        one = max(load.acknowledged)
        self.assertEqual(len(node.search(f"{load.word}so{one}")), 1, "the index finds it")

    def test_killed_under_load_nothing_is_lost_or_doubled(self):
        load = Load(self.addresses, self.token, marker("tai"))
        self.addCleanup(load.end)
        load.wait_for(3000)
        # The node that takes the records dies: its sender goes to the other, which takes over.
        holder, other = self.holder()
        holder.kill(signal.SIGKILL)
        load.wait_for(3000)
        lines, _ = self.here.told(self.second)
        self.assertEqual((lines[other.name]["sources"], lines[holder.name]["state"]), (1, "silent"), lines)
        self.assert_told_of(holder)
        # The node with the central duties dies: the other takes over.
        self.first.kill(signal.SIGKILL)
        load.wait_for(1000)
        wait_for("the central duties to be taken over", lambda: self.here.centre(self.second) == "web2")
        self.assert_told_of(self.first)
        # And the dead come back, the first under its old name.
        holder.start()
        load.wait_for(1000)
        load.end()
        self.assertEqual(load.surprises, [])
        self.assert_exactly_once(load, self.second)
        wait_for("detection to catch up", lambda: self.caught_up())
        told = json.loads(subprocess.run([BINARY, "--config", str(self.second.config), "lake", "verify", "--json"],
                                         text=True, capture_output=True, timeout=PATIENCE_S).stdout)
        self.assertEqual((told["in_order"], told["chain_first_bad"]), (True, None), told)
        self.assertIn("the chain is whole", self.second.run("audit", "verify"))

    def assert_told_of(self, node):
        """Waits for the alert about a dead machine; there must be no second one."""
        found = wait_for("the alert about a dead machine",
                         lambda: self.second.alerts("luytre-node", entity=node.name))
        self.assertEqual(len(found), 1, found)

    def caught_up(self):
        _, told = self.here.told(self.second)
        return told["judged"] == told["last_change"]

    def test_an_alert_over_a_takeover_comes_once(self):
        address = "203.0.113.77"
        sent = itertools.count()

        def fail(times):
            for _ in range(times):
                wait_for("the record to be taken", lambda: http_call(
                    "POST", f"http://{self.addresses[0]}/ingest", failed_sign_in(address, next(sent)).encode(),
                    {"Authorization": f"Bearer {self.token}", "Content-Type": "text/plain"}).status == 200)

        # Half of what the rule counts before the node that counts dies, half after.
        fail(6)
        wait_for("them to be found", lambda: self.second.count(f"src_ip:{address}") == 6)
        self.first.kill(signal.SIGKILL)
        wait_for("the central duties to be taken over", lambda: self.here.centre(self.second) == "web2")
        rule = self.second.rule_id("ssh_password_guessing")
        self.assertEqual(self.second.alerts(rule), [])
        fail(6)
        wait_for("the alert", lambda: self.second.alerts(rule))
        # Whoever takes over again judges some of it again.
        self.first.start()
        self.second.kill(signal.SIGKILL)
        wait_for("the central duties to be taken back", lambda: self.here.centre(self.first) == "web1")
        fail(1)
        wait_for("all of it to be found", lambda: self.first.count(f"src_ip:{address}") == 13)
        wait_for("detection to catch up", lambda: self.judged_by_first())
        alerts = self.first.alerts(rule)
        self.assertEqual(len(alerts), 1, alerts)

    def judged_by_first(self):
        _, told = self.here.told(self.first)
        return told["judged"] == told["last_change"]

    def open(self, node, path="/live"):
        page = OpenPage(node, path)
        self.addCleanup(page.close)
        return page

    def test_pages_of_every_node_are_told_at_once(self):
        with_duties, without = self.open(self.first), self.open(self.second)
        address, sent = "203.0.113.78", itertools.count()

        def fail(times, address):
            for _ in range(times):
                wait_for("the record to be taken", lambda: http_call(
                    "POST", f"http://{self.addresses[0]}/ingest", failed_sign_in(address, next(sent)).encode(),
                    {"Authorization": f"Bearer {self.token}", "Content-Type": "text/plain"}).status == 200)

        # Raised by the one with the central duties, told on both.
        fail(12, address)
        for page in (with_duties, without):
            wait_for("the page to be told of the alert", lambda page=page: "/alerts" in page.told)
        # Handled on the other one, told on both.
        rule = self.second.rule_id("ssh_password_guessing")
        alert = self.second.alerts(rule)[0]["id"]
        with_duties.told.clear()
        without.told.clear()
        self.assertLess(self.second.api("POST", f"/alerts/{alert}/acknowledge", {}).status, 300)
        for page in (with_duties, without):
            wait_for("the page to be told of the change", lambda page=page: "/alerts" in page.told)
        # The database hangs up on who listens: they call again, and pages are told that they may have missed something.
        without.told.clear()
        ended = subprocess.run(["psql", "-qtA", "-d", self.here.database_url, "-c",
                                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = "
                                "current_database() and (query like 'LISTEN %' or query = 'SELECT 1')"], text=True,
                               capture_output=True, timeout=PATIENCE_S)
        # Who has heard nothing for a while has asked for a sign of life since it began to listen.
        self.assertGreaterEqual(int(ended.stdout), 2, ended)
        wait_for("the page to be told that it may be old", lambda: "*" in without.told)
        without.told.clear()
        fail(12, "203.0.113.79")
        wait_for("the page to be told of the next alert", lambda: "/alerts" in without.told)

    def test_a_live_tail_of_any_node_shows_what_any_node_stores(self):
        word = marker("duoi")
        tails = [self.open(node, f"/search/live?q={word}") for node in (self.first, self.second)]
        sent = 0

        def arrives():
            # A tail begins where the lake is when it is first looked after: what was sent before may not be shown.
            nonlocal sent
            sent += 1
            self.one.ingest(self.token, [json.dumps({"message": f"{word} so{sent}"})])
            return all(any(word in told for told in tail.told) for tail in tails)

        wait_for("the records to be shown", arrives)
        for tail in tails:
            shown = [line["id"] for told in tail.told for line in json.loads(told)]
            self.assertEqual(len(shown), len(set(shown)), "a record is shown twice")

    def test_a_sender_is_told_who_takes_its_records(self):
        self.assertEqual(self.one.ingest(self.token, ['{"message": "một"}']).status, 200)
        refused = self.two.ingest(self.token, ['{"message": "hai"}'])
        self.assertEqual((refused.status, refused.headers["luytre-node"]), (503, self.addresses[0]))
        self.assertIn(self.addresses[0], refused.json()["error"]["reason"])
        self.assertTrue(refused.headers["Retry-After"])
        # The same request again is taken once.
        key = {"Idempotency-Key": marker()}
        for _ in range(3):
            self.assertEqual(self.one.ingest(self.token, ['{"message": "motlanthoi"}'], **key).status, 200)
        wait_for("it to be found", lambda: self.second.count("motlanthoi"))
        self.assertEqual(self.second.count("motlanthoi"), 1)
        # A node that ends in order lets go at once.
        self.one.kill(signal.SIGTERM)
        self.assertEqual(self.two.ingest(self.token, ['{"message": "ba"}']).status, 200)
        lines, _ = self.here.told(self.second)
        self.assertEqual((lines["log1"]["state"], lines["log2"]["sources"]), ("ended", 1), lines)

    def test_a_stream_goes_on_at_the_other_node(self):
        source, _ = self.first.source(self.agency, "Tường lửa", "syslog", listener="tcp", peers="127.0.0.1")
        word, sent = marker("dong"), itertools.count()

        def lines(count):
            now = datetime.now(timezone.utc).strftime("%b %d %H:%M:%S")
            return b"".join(f"<134>{now} fw kern: {word} so={next(sent)}\n".encode() for _ in range(count))

        def stream(node, count):
            try:
                with socket.create_connection(("127.0.0.1", node.tcp), timeout=PATIENCE_S) as line:
                    line.sendall(lines(count))
                    line.shutdown(socket.SHUT_WR)
                    # Closed by the node after everything is kept, or at once where another takes the source.
                    return line.recv(1)
            except ConnectionError:
                # At once may be before the last line.
                return b""

        def known():
            stream(self.one, 1)
            return self.second.count(word)

        wait_for("the stream's source to be known", known)
        before = next(sent)
        stream(self.one, 500)

        def found():
            return [re.search(r"so=(\d+)", event["raw"] if "raw" in event else event["message"]).group(1)
                    for event in self.second.export(f"source_id:{source} {word}")]

        own = {str(number) for number in range(before + 1, before + 501)}
        wait_for("the records", lambda: own <= set(found()))
        # The other node closes while this one lives.
        there = self.second.count(word)
        self.assertEqual(stream(self.two, 100), b"")
        self.one.kill(signal.SIGKILL)
        wait_for("the other to take the stream", lambda: stream(self.two, 1) == b"" and self.second.count(word) > there)
        # One answer: what the other took may be stored while it is asked.
        shown = found()
        self.assertEqual(len(shown), len(set(shown)), "a record is there twice")
        self.assertLessEqual(own, set(shown))


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server (cargo build --workspace --tests)")
class Grown(unittest.TestCase):
    def test_an_embedded_installation_goes_on_as_several(self):
        here = self.enterContext(Cluster())
        alone = self.enterContext(Installation())
        agency = alone.agency()
        source, token = alone.source(agency, "Nguồn cũ")
        word, address = marker("cu"), "203.0.113.99"

        def send(node, first, count):
            now = datetime.now(timezone.utc).isoformat()
            lines = [json.dumps({"@timestamp": now, "number": number, "message": f"bản ghi {word}"})
                     for number in range(first, first + count)]
            wait_for("the records to be taken", lambda: node.ingest(token, lines).status == 200)

        def fail(node, first, count):
            for number in range(first, first + count):
                wait_for("the record to be taken", lambda: node.ingest(
                    token, [failed_sign_in(address, number)], "text/plain").status == 200)

        send(alone, 0, 1000)
        fail(alone, 0, 6)
        alone.settled(source)
        running = subprocess.run([BINARY, "--config", str(alone.config), "database", "copy", "--to", here.database_url],
                                 text=True, capture_output=True, timeout=PATIENCE_S)
        self.assertIn("is running", running.stderr)
        alone.kill(signal.SIGTERM)
        self.assertIn("reads the same in both", alone.run("database", "copy", "--to", here.database_url))
        node = here.adopt(alone, "tinh1", "all")
        with self.assertRaisesRegex(AssertionError, "lake move --to store"):
            node.start()
        self.assertIn("0 stay where they are", node.run("lake", "move", "--to", "store"))
        node.start()
        log = here.node("log1", "intake")
        web = here.node("web1", "web")
        # Another machine finds what the one had, and detection goes on where it was.
        self.assertEqual(sorted(numbered(web, word)), list(range(1000)))
        self.assertEqual(web.alerts(web.rule_id("ssh_password_guessing")), [])
        fail(node, 6, 6)
        wait_for("the alert", lambda: web.alerts(web.rule_id("ssh_password_guessing")))
        node.kill(signal.SIGTERM)
        wait_for("the central duties to be handed over", lambda: here.centre(web) == "web1")
        send(log, 1000, 500)
        wait_for("all records", lambda: web.count(word) == 1500)
        self.assertEqual(sorted(numbered(web, word)), list(range(1500)))
        self.assertEqual(len(web.alerts(web.rule_id("ssh_password_guessing"))), 1)
        told = json.loads(web.run("lake", "verify", "--json"))
        self.assertEqual((told["in_order"], told["chain_first_bad"]), (True, None), told)
        self.assertIn("the chain is whole", web.run("audit", "verify"))
        repair = subprocess.run([BINARY, "--config", str(web.config), "lake", "repair"], text=True, capture_output=True,
                                timeout=PATIENCE_S)
        self.assertIn("is running", repair.stderr)
        # Nobody runs it as the only machine beside the others.
        web.config.write_text(web.config.read_text().replace("on = true", "on = false"))
        alone = subprocess.run([BINARY, "--config", str(web.config), "serve"], text=True, capture_output=True, timeout=PATIENCE_S)
        self.assertIn("is running", alone.stdout + alone.stderr)


class Refused(unittest.TestCase):
    def serve(self, *more, role="intake"):
        here = Installation(extra_config="\n".join(more))
        self.addCleanup(here.__exit__)
        done = subprocess.run([BINARY, "--config", str(here.config), "serve", "--role", role], text=True,
                              capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        return done.stdout + done.stderr

    def test_a_role_needs_what_all_share(self):
        self.assertIn("`database.url`", self.serve())
        self.assertIn("`database.url`", self.serve(role="web"))

    @unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
    def test_a_role_needs_a_store(self):
        here = Installation(POSTGRES)
        self.addCleanup(here.__exit__)
        done = subprocess.run([BINARY, "--config", str(here.config), "serve", "--role", "intake"], text=True,
                              capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn("`lake.store`", done.stderr)


if __name__ == "__main__":
    unittest.main()
