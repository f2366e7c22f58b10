"""One question, several machines: a node, a scheduler and two executors over PostgreSQL and a real S3 server answer SQL
as the node would alone; an executor that is killed and a scheduler that is started again change no answer."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

from installation import BINARY, PASSWORD, POSTGRES, S3_SERVER, Installation, free_port, http_call, postgres_database, wait_for
from visitor import Visitor

EVENTS = 6000

STORE = """
[lake]
store = "s3://logs/tinh"
flush_events = 1000
flush_interval_s = 1
query_timeout_s = 60
[lake.s3]
endpoint = "http://127.0.0.1:{s3}"
access_key_id = "luytre"
secret_access_key = "a secret of the tests"
"""

# What node, scheduler and executors agree on; any question is worth sending.
DISTRIBUTED = """
[lake.distributed]
scheduler = "127.0.0.1:{scheduler}"
listen = "127.0.0.1:{scheduler}"
secret_file = "{secret}"
executor_timeout_s = 7
rows_min = 0
"""

# So many comparisons that a machine is at it for a while.
LONG = ("SELECT count(*) FROM events a JOIN events b ON a.class_uid = b.class_uid "
        "WHERE a.raw || b.raw LIKE '%khong-co-tu-nay%' OR a.id = b.id")


class Process:
    """One of the processes that serve questions."""

    def __init__(self, folder, name, role, config, greeting):
        self.name, self.role, self.greeting = name, role, greeting
        self.config, self.log_file = folder / f"{name}.toml", folder / f"{name}.log"
        self.config.write_text(config)
        self.process = None
        self.start()

    def start(self):
        with open(self.log_file, "ab") as log:
            said = log.tell()
            self.process = subprocess.Popen([BINARY, "--config", str(self.config), "serve", "--role", self.role],
                                            stdout=log, stderr=log, env={**os.environ, "RUST_LOG": "info"})

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} stopped:\n{self.log()[-3000:]}")
            return self.greeting in self.log(said)

        wait_for(self.name, ready)

    def log(self, since=0):
        return self.log_file.read_bytes()[since:].decode(errors="replace")

    def tasks(self):
        """Returns how many tasks it has begun."""
        return self.log().count("Received task")

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=30)


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server")
class Distributed(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="luytre-e2e-distributed-")))
        s3, scheduler, secret = free_port(), free_port(), self.folder / "cluster.secret"
        secret.write_text("f" * 64)
        self.store = STORE.format(s3=s3) + DISTRIBUTED.format(scheduler=scheduler, secret=secret)
        (self.folder / "s3" / "logs").mkdir(parents=True)
        server = subprocess.Popen([S3_SERVER, "--exact", "s3::a_stranger_is_refused"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "LUYTRE_TEST_S3": f"{self.folder}/s3,{s3}"})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the S3 server", lambda: self.answers(s3))
        self.here = self.enterContext(Installation(postgres_database(), self.store))
        self.scheduler = self.process("scheduler", "scheduler", "", "scheduler: ")
        self.executors = [self.process(name, "executor", f"executor_listen = \"127.0.0.1:{free_port()}\"\n", "the scheduler is there")
                          for name in ("one", "two")]
        self.mine, self.other = self.here.agency("so-mot", "Sở Một"), self.here.agency("so-hai", "Sở Hai")
        now = datetime.now(timezone.utc)
        for agency, name in ((self.mine, "một"), (self.other, "hai")):
            source, token = self.here.source(agency, f"Nguồn {name}")
            for part in range(3):
                lines = [json.dumps({"@timestamp": (now - timedelta(seconds=number)).isoformat(), "number": number,
                                     "message": f"đăng nhập thất bại so{number}"})
                         for number in range(part * EVENTS // 6, (part + 1) * EVENTS // 6)]
                self.assertEqual(self.here.ingest(token, lines).status, 200)
            wait_for("all of them", lambda source=source: self.here.count(f"source_id:{source}") == EVENTS // 2)
        wait_for("the files", lambda: list((self.folder / "s3").rglob("*.parquet")))
        wait_for("questions to go there", lambda: self.sql("SELECT raw FROM events LIMIT 1") and self.tasks() > 0)

    @staticmethod
    def answers(port):
        try:
            return http_call("GET", f"http://127.0.0.1:{port}/logs/x").status == 403
        except OSError:
            return False

    def process(self, name, role, more, greeting):
        config = f"[site]\ndata_folder = \"{self.folder}/{name}\"\n{self.store}{more}"
        process = Process(self.folder, name, role, config, greeting)
        self.addCleanup(process.end)
        return process

    def tasks(self):
        return sum(executor.tasks() for executor in self.executors)

    def sql(self, question, token=None):
        """Returns the rows of an answer."""
        table = self.here.read("/search/sql", token=token, sql=question)["table"]
        return table["rows"]

    def asked(self, question, token=None):
        """Asks, and makes sure that the executors worked on it."""
        before = self.tasks()
        rows = self.sql(question, token)
        self.assertGreater(self.tasks(), before, f"the node answered by itself: {question}")
        return rows

    def officer(self):
        """Returns the token of someone who sees one agency."""
        made = self.here.api("POST", "/accounts", {"login": "can-bo", "name": "Cán Bộ", "role": "agency_officer",
                                                   "agency": self.mine})
        self.assertEqual(made.status, 201, made.body)
        Visitor(self.here).join(made.json()["value"], PASSWORD)
        return self.here.token_of("can-bo")

    def check(self):
        self.assertEqual(self.sql("SELECT count(*) FROM events WHERE raw <> ''"), [[str(EVENTS)]])
        self.assertEqual(self.sql("SELECT count(*) FROM events WHERE has_token(raw, 'so1234')"), [["2"]])

    def test_the_cluster_answers_whoever_has_the_right_to_ask(self):
        self.assertEqual(self.asked("SELECT count(*) FROM events WHERE raw <> ''"), [[str(EVENTS)]])
        self.assertEqual(self.asked("SELECT count(*) FROM events WHERE has_token(raw, 'so1234')"), [["2"]])
        by_name = "SELECT agencies.name, count(*) FROM events JOIN agencies ON agencies.id = events.agency_id " \
                  "GROUP BY agencies.name ORDER BY agencies.name"
        half = str(EVENTS // 2)
        self.assertEqual(self.asked(by_name), [["Sở Hai", half], ["Sở Một", half]])
        self.here.run("user", "add", "--login", "phan-tich", "--name", "Phân Tích", "--role", "analyst", "--password-stdin",
                      given=PASSWORD + "\n")
        self.assertEqual(self.asked(by_name, self.here.token_of("phan-tich")), [["Sở Hai", half], ["Sở Một", half]])
        # Who has no right to take events out has none to have the cluster do it.
        before = self.tasks()
        refused = self.here.api("GET", "/search/sql?sql=SELECT+raw+FROM+events", token=self.officer())
        self.assertEqual((refused.status, self.tasks()), (403, before))
        self.assertTrue(all(executor.tasks() > 0 for executor in self.executors), "both executors worked")
        # What is wrong with a question is told as ever.
        refused = self.here.api("GET", "/search/sql?sql=SELECT+no_such+FROM+events")
        self.assertEqual(refused.status, 422)

    def test_a_killed_executor_and_a_restarted_scheduler_change_no_answer(self):
        answered = []
        before = [executor.tasks() for executor in self.executors]
        asking = threading.Thread(target=lambda: answered.append(self.sql(LONG)))
        asking.start()
        wait_for("an executor to be at it", lambda: any(
            executor.tasks() > tasks for executor, tasks in zip(self.executors, before)))
        self.executors[0].end(signal.SIGKILL)
        asking.join(timeout=120)
        self.assertEqual(answered, [[[str(EVENTS)]]])
        self.check()
        self.asked("SELECT count(*) FROM events WHERE raw <> ''")
        self.scheduler.end(signal.SIGKILL)
        # Nobody to ask: the node answers by itself, and says so once.
        self.check()
        self.assertEqual(self.here.log().count("this node answers by itself"), 1)
        self.scheduler.start()
        wait_for("the executor to be back", lambda: self.executors[1].log().count("the scheduler is there") > 1)
        self.asked("SELECT count(*) FROM events WHERE raw <> ''")
        self.check()
        self.executors[0].start()
        self.check()
        self.assertEqual(self.executors[0].end(signal.SIGTERM), 0)
        self.assertEqual(self.scheduler.end(signal.SIGTERM), 0)


class Refused(unittest.TestCase):
    def test_ports_that_others_reach_want_a_closed_network(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "luytre.toml"
            config.write_text(f"[site]\ndata_folder = \"{folder}/data\"\n[lake.distributed]\nlisten = \"0.0.0.0:1\"\n")
            done = subprocess.run([BINARY, "--config", str(config), "serve", "--role", "scheduler"], text=True,
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn("closed_network = true", done.stderr)


if __name__ == "__main__":
    unittest.main()
