"""One question, several machines: a node, a scheduler and two executors over PostgreSQL and a real S3 server answer SQL
as the node would alone; an executor that is killed and a scheduler that is started again change no answer."""

import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from installation import (BINARY, PASSWORD, PATIENCE_S, POSTGRES, S3_SERVER, Installation, free_port, http_call,
                          postgres_database, wait_for)
from visitor import Visitor

EVENTS = 6000

STORE = """
[lake]
store = "s3://logs/tinh"
flush_events = 1000
flush_interval_s = 1
query_timeout_s = 240
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


def certificates(folder, name, issued_by=None):
    """Makes a CA, or takes one that it made before, and a certificate of it for 127.0.0.1; returns the CA and the keys of
    `[lake.distributed]`."""
    now = datetime.now(timezone.utc)

    def write(what, data):
        (folder / f"{name}.{what}").write_bytes(data)
        return folder / f"{name}.{what}"

    def certificate(subject, key, signer, issuer, is_ca):
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        made = (x509.CertificateBuilder().subject_name(named).issuer_name(issuer or named).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=2))
                .add_extension(x509.BasicConstraints(is_ca, None), critical=True))
        if not is_ca:
            alone = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            made = made.add_extension(alone, critical=False)
        return made.sign(signer, hashes.SHA256())

    key = ec.generate_private_key(ec.SECP256R1())
    if issued_by is None:
        ca_key = ec.generate_private_key(ec.SECP256R1())
        issued_by = (ca_key, certificate(f"CA {name}", ca_key, ca_key, None, True))
    ca_key, ca = issued_by
    own = certificate(name, key, ca_key, ca.subject, False)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return issued_by, {"certificate": write("pem", own.public_bytes(pem)), "key": write("key", private),
                       "ca": write("ca", ca.public_bytes(pem))}


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
        return self.process.wait(timeout=PATIENCE_S)


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server")
class Farm(unittest.TestCase):
    """A node, a scheduler and two executors; has no tests of its own."""

    def tls(self):
        """Returns lines for `[lake.distributed]`."""
        return ""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="luytre-e2e-distributed-")))
        s3, scheduler, secret = free_port(), free_port(), self.folder / "cluster.secret"
        secret.write_text("f" * 64)
        self.store = STORE.format(s3=s3) + DISTRIBUTED.format(scheduler=scheduler, secret=secret) + self.tls()
        (self.folder / "s3" / "logs").mkdir(parents=True)
        server = subprocess.Popen([S3_SERVER, "--exact", "s3::a_stranger_is_refused"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, "LUYTRE_TEST_S3": f"{self.folder}/s3,{s3}"})
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("the S3 server", lambda: self.answers(s3))
        self.scheduler_port = scheduler
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
        """Asks until the executors have worked on it: a node that finds nobody in two seconds answers by itself, as it may
        on a busy machine."""
        before = self.tasks()
        return wait_for(f"the executors to work on {question}",
                        lambda: (rows := self.sql(question, token)) and self.tasks() > before and rows)

    def officer(self):
        """Returns the token of someone who sees one agency."""
        made = self.here.api("POST", "/accounts", {"login": "can-bo", "name": "Cán Bộ", "role": "agency_officer",
                                                   "agency": self.mine})
        self.assertEqual(made.status, 201, made.body)
        Visitor(self.here).join(made.json()["value"], PASSWORD)
        return self.here.token_of("can-bo")

    def check(self):
        """Asks what has one answer, whoever works it out."""
        self.assertEqual(self.sql("SELECT count(*) FROM events WHERE raw <> ''"), [[str(EVENTS)]])
        self.assertEqual(self.sql("SELECT count(*) FROM events WHERE has_token(raw, 'so1234')"), [["2"]])


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server")
class Distributed(Farm):
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
        # Whoever has time takes a task: on a busy machine one may take all of a question.
        wait_for("both executors to work", lambda: self.sql("SELECT count(*) FROM events WHERE raw <> ''")
                 and all(executor.tasks() > 0 for executor in self.executors))
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
        asking.join(timeout=PATIENCE_S)
        self.assertEqual(answered, [[[str(EVENTS)]]])
        self.check()
        self.asked("SELECT count(*) FROM events WHERE raw <> ''")
        self.scheduler.end(signal.SIGKILL)
        # Nobody to ask: the node answers by itself, and says so once.
        said = len(self.here.log().encode())
        self.check()
        self.assertEqual(self.here.log(said).count("this node answers by itself"), 1)
        self.scheduler.start()
        wait_for("the executor to be back", lambda: self.executors[1].log().count("the scheduler is there") > 1)
        self.asked("SELECT count(*) FROM events WHERE raw <> ''")
        self.check()
        self.executors[0].start()
        self.check()
        self.assertEqual(self.executors[0].end(signal.SIGTERM), 0)
        self.assertEqual(self.scheduler.end(signal.SIGTERM), 0)


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server")
class Encrypted(Farm):
    def tls(self):
        self.ca, self.files = certificates(self.folder, "machine")
        return "".join(f'{field} = "{path}"\n' for field, path in self.files.items())

    def knock(self, files):
        """Returns the first bytes that the scheduler says to who shows such a certificate, or nothing."""
        context = ssl.create_default_context(cafile=str(self.files["ca"]))
        context.set_alpn_protocols(["h2"])
        if files:
            context.load_cert_chain(files["certificate"], files["key"])
        with socket.create_connection(("127.0.0.1", self.scheduler_port), timeout=PATIENCE_S) as line:
            with context.wrap_socket(line, server_hostname="127.0.0.1") as line:
                line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
                return line.recv(9)

    def test_machines_show_each_other_certificates(self):
        self.assertEqual(self.asked("SELECT count(*) FROM events WHERE raw <> ''"), [[str(EVENTS)]])
        # A stage that reads what another one made: executors fetch from each other.
        by_class = "SELECT class_uid, count(*) FROM events GROUP BY class_uid ORDER BY count(*) DESC LIMIT 1"
        self.assertEqual(self.asked(by_class)[0][1], str(EVENTS))
        # Who shows one of the cluster's CA is heard; nobody else is, nor in plain text.
        self.assertEqual(len(self.knock(certificates(self.folder, "another", self.ca)[1])), 9)
        for files in (None, certificates(self.folder, "stranger")[1]):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.knock(files)
        with socket.create_connection(("127.0.0.1", self.scheduler_port), timeout=PATIENCE_S) as line:
            line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            try:
                self.assertNotIn(b"\0\0\0\4", line.recv(64), "the scheduler speaks plain HTTP/2")
            except ConnectionError:
                pass
        # An executor with another's certificate is not let in: it finds no scheduler.
        tasks = [executor.tasks() for executor in self.executors]
        for executor in self.executors:
            self.assertEqual(executor.end(signal.SIGTERM), 0)
        _, strange = certificates(self.folder, "executor")
        lines = "".join(f'{field} = "{path}"\n' for field, path in strange.items())
        outside = self.executors[0]
        outside.config.write_text(outside.config.read_text().replace(
            "".join(f'{field} = "{path}"\n' for field, path in self.files.items()), lines))
        outside.greeting = "executor: "
        outside.start()
        self.check()
        self.assertEqual([executor.tasks() for executor in self.executors], tasks)
        self.assertIn("this node answers by itself", self.here.log())


class Refused(unittest.TestCase):
    def test_ports_that_others_reach_want_a_closed_network(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "luytre.toml"
            config.write_text(f"[site]\ndata_folder = \"{folder}/data\"\n[lake.distributed]\nlisten = \"0.0.0.0:1\"\n")
            done = subprocess.run([BINARY, "--config", str(config), "serve", "--role", "scheduler"], text=True,
                                  capture_output=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 1)
            self.assertIn("closed_network = true", done.stderr)

    def test_a_certificate_that_is_missing_or_another_ones_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            _, good = certificates(folder, "machine")
            _, other = certificates(folder, "other")
            nowhere = folder / "none.pem"
            for change, role, said in (
                    ({"certificate": nowhere}, "scheduler", f"`lake.distributed.certificate`: {nowhere}"),
                    ({"key": nowhere}, "executor", f"`lake.distributed.key`: {nowhere}"),
                    ({"ca": nowhere}, "executor", f"`lake.distributed.ca`: {nowhere}"),
                    ({"key": other["key"]}, "scheduler", f"`lake.distributed.key`: {other['key']}"),
                    ({"ca": other["ca"]}, "scheduler", f"`lake.distributed.certificate`: {good['certificate']}"),
                    ({"key": None}, "scheduler", "`key` is missing")):
                files = {**good, **change}
                lines = "".join(f'{field} = "{file}"\n' for field, file in files.items() if file)
                config = folder / "luytre.toml"
                config.write_text(f"[site]\ndata_folder = \"{folder}/data\"\n" + STORE.format(s3=1)
                                  + "[lake.distributed]\nscheduler = \"127.0.0.1:1\"\n" + lines)
                done = subprocess.run([BINARY, "--config", str(config), "serve", "--role", role], text=True,
                                      capture_output=True, timeout=PATIENCE_S)
                with self.subTest(said):
                    self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                    self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
