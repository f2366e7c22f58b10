"""Real senders, as administrators use them: each line must be found by search, read and put to its owner."""

import contextlib
import gzip
import json
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import ssl
import subprocess
import unittest
from datetime import datetime, timedelta, timezone

from elasticsearch import Elasticsearch, helpers

from installation import (PATIENCE_S, POSTGRES, Installation, access_now, bsd_now, free_port, http_call, marker,
                          postgres_database, wait_for)

# What the senders believe to be the local time: they write it without a zone.
SENDER_ENVIRONMENT = {**os.environ, "TZ": "ICT-7"}


class Senders(unittest.TestCase):
    """One installation with two agencies, known by address, by listener and by token."""

    database_url = staticmethod(lambda: "")

    @classmethod
    def setUpClass(cls):
        cls.here = cls.enterClassContext(Installation(cls.database_url()))
        cls.one, cls.other = cls.here.agency("so-mot", "Sở Một"), cls.here.agency("so-hai", "Sở Hai")
        cls.system = cls.here.system(cls.one, "cong-dvc", "Cổng dịch vụ công", 3)
        source = cls.here.source
        source(cls.one, "UDP một", "syslog", system=cls.system, listener="udp", peers="127.0.0.1")
        source(cls.other, "UDP hai", "syslog", listener="udp", peers="127.0.0.2")
        source(cls.one, "TCP một", "syslog", system=cls.system, listener="tcp", peers="127.0.0.1")
        source(cls.other, "TCP hai", "syslog", listener="tcp", peers="127.0.0.2")
        cls.token = source(cls.one, "HTTP một", system=cls.system)[1]
        cls.intake = f"http://127.0.0.1:{cls.here.http}"

    def assert_owner(self, event, source, agency, system):
        """The record belongs to whom its sender's address, listener or token says."""
        self.assertEqual(event["source"], source)
        found = self.here.search(f'event_id:{event["id"]} agency_id:{agency}')
        self.assertEqual(len(found), 1, "not this agency's")
        self.assertEqual(event["system"], "Cổng dịch vụ công" if system else None)

    def assert_now(self, event, quality):
        at = datetime.fromisoformat(event["at"])
        self.assertLess(abs(datetime.now(timezone.utc) - at), timedelta(minutes=5), event["at"])
        self.assertEqual(event["time_quality"], quality)

    def assert_ssh_failure(self, user, source, quality):
        event = self.here.event(f"user:{user}")
        self.assert_owner(event, source, self.one, system=True)
        self.assert_now(event, quality)
        self.assertEqual(event["parser"], "linux_sshd")
        wanted = {"user": user, "src_ip": "203.0.113.9", "src_port": "50222", "status": "failure"}
        self.assertEqual({name: event["field"].get(name) for name in wanted}, wanted)
        self.assertIn(f"Failed password for invalid user {user}", event["raw"])
        self.assertEqual(event["class"], "authentication")
        return event


def ssh_failure(user):
    return f"Failed password for invalid user {user} from 203.0.113.9 port 50222 ssh2"


class Logger(Senders):
    """util-linux `logger`."""

    def log(self, *options, user=None):
        user = user or marker()
        subprocess.run(["logger", "--server", "127.0.0.1", "--tag", "sshd", "--id=8121", "--priority", "auth.info",
                        *options, "--", ssh_failure(user)], check=True, timeout=PATIENCE_S, env=SENDER_ENVIRONMENT)
        return user

    def test_every_framing_and_header(self):
        udp, tcp = ("--udp", "--port", str(self.here.udp)), ("--tcp", "--port", str(self.here.tcp))
        cases = [
            ((*udp, "--rfc3164"), "UDP một", "assumed_year"),
            ((*udp, "--rfc5424"), "UDP một", "stated"),
            ((*tcp, "--rfc3164"), "TCP một", "assumed_year"),
            ((*tcp, "--rfc5424"), "TCP một", "stated"),
            ((*tcp, "--rfc3164", "--octet-count"), "TCP một", "assumed_year"),
            ((*tcp, "--rfc5424", "--octet-count"), "TCP một", "stated"),
        ]
        for options, source, quality in cases:
            with self.subTest(" ".join(options)):
                event = self.assert_ssh_failure(self.log(*options), source, quality)
                self.assertEqual(event["field"]["pid"], "8121")
                self.assertEqual(event["field"]["host"], socket.gethostname().split(".")[0])

    def test_one_connection_carries_many_lines(self):
        users = [marker() for _ in range(50)]
        subprocess.run(["logger", "--server", "127.0.0.1", "--port", str(self.here.tcp), "--tcp", "--tag", "sshd",
                        "--octet-count"], input="".join(ssh_failure(user) + "\n" for user in users), text=True,
                       check=True, timeout=PATIENCE_S, env=SENDER_ENVIRONMENT)
        query = " OR ".join(f"user:{user}" for user in users)
        found = wait_for("fifty lines", lambda: len(events) == 50 and events
                         if (events := self.here.search(query)) else None)
        self.assertEqual(len({event["id"] for event in found}), 50)


class Addresses(Senders):
    """Who sent it is decided by the socket, not by what the line claims."""

    def test_the_senders_address_decides_the_agency(self):
        for kind, port, sources in [(socket.SOCK_DGRAM, self.here.udp, ("UDP một", "UDP hai")),
                                    (socket.SOCK_STREAM, self.here.tcp, ("TCP một", "TCP hai"))]:
            for address, agency, source in [("127.0.0.1", self.one, sources[0]), ("127.0.0.2", self.other, sources[1])]:
                with self.subTest(source), socket.socket(socket.AF_INET, kind) as line:
                    line.bind((address, 0))
                    line.connect(("127.0.0.1", port))
                    user = marker()
                    line.sendall(f"<38>{bsd_now()} may-cua-so-khac sshd[1]: {ssh_failure(user)}\n".encode())
                    event = self.here.event(f"user:{user}")
                    self.assert_owner(event, source, agency, system=agency == self.one)

    def test_an_unknown_sender_is_kept_and_named(self):
        word = marker()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind(("127.0.0.3", 0))
            line.sendto(f"<13>{bsd_now()} la la: {word}".encode(), ("127.0.0.1", self.here.udp))
        letter, = wait_for("the dead letter", lambda: [
            letter for letter in self.here.dead_letters(code="unknown-source") if word in letter["preview"]])
        self.assertEqual(letter["peer"], "127.0.0.3")
        self.assertEqual(self.here.search(f'"{word}"'), [])

    def test_a_wrong_token_is_refused(self):
        answer = self.here.ingest("khong-phai-token", ['{"a":1}'])
        self.assertEqual(answer.status, 401)
        self.assertIn("Basic", answer.headers["WWW-Authenticate"])


class Balanced(unittest.TestCase):
    """Behind a load balancer the sender is whom its PROXY header names."""

    def test_a_source_is_known_by_the_address_in_the_header(self):
        port = free_port()
        listener = f"""
[[intake.syslog]]
name = "balanced"
transport = "tcp"
listen = "127.0.0.1:{port}"
proxy_protocol_from = ["127.0.0.0/8"]
"""
        second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 7, 127, 0, 0, 1]) + b"\x12\x67\x15\x8a"
        with Installation(extra_config=listener) as here:
            here.source(here.agency(), "Sau cân bằng tải", "syslog", listener="balanced", peers="203.0.113.7")
            for header in (b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 5514\r\n", second):
                word = marker()
                with socket.create_connection(("127.0.0.1", port)) as line:
                    line.sendall(header + f"<13>{bsd_now()} la la: {word}\n".encode())
                self.assertEqual(here.event(f'"{word}"')["source"], "Sau cân bằng tải")
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
                line.sendall(b"<13>no header\n")
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(line.recv(1), b"", "it is closed")
            self.assertEqual(here.search('"no header"'), [])


class Lost(unittest.TestCase):
    """Datagrams that the kernel drops while the program does not read them."""

    def test_a_loss_is_an_alert_and_on_the_duty_page(self):
        with Installation() as here:
            here.source(here.agency(), "Tường lửa", "syslog", listener="udp", peers="127.0.0.1")
            here.process.send_signal(signal.SIGSTOP)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                # More than the largest buffer takes that a listener asks for.
                for _ in range(1500):
                    line.sendto(b"x" * 60_000, ("127.0.0.1", here.udp))
            here.process.send_signal(signal.SIGCONT)
            alert, = wait_for("the alert", lambda: here.alerts("luytre-intake"))
            self.assertEqual(alert["entity"], "udp")
            listener, = here.read("/duty")["udp"]
            self.assertEqual((listener["name"], listener["is_losing"]), ("udp", True))
            self.assertGreater(listener["dropped"], 0)
            wait_for("the rest", lambda: sum(
                here.read("/duty")["udp"][0][name] for name in ("received", "dropped")) == 1500)


class Rsyslog(Senders):
    """rsyslogd with its own configuration, in the foreground, reading a socket and a file."""

    def rsyslog(self, action):
        folder = self.here.folder / marker("rsyslog")
        folder.mkdir()
        (folder / "work").mkdir()
        followed = folder / "ung-dung.log"
        followed.write_text("")
        config = folder / "rsyslog.conf"
        config.write_text(f"""
global(workDirectory="{folder}/work" localHostname="may-rsyslog")
module(load="imuxsock" sysSock.use="off")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imuxsock" socket="{folder}/log")
input(type="imfile" file="{followed}" tag="sshd:" facility="auth" severity="info")
action(type="omfwd" target="127.0.0.1" {action})
""")
        with open(folder / "out", "wb") as out:
            daemon = subprocess.Popen([shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", "-n", "-f", str(config),
                                       "-i", str(folder / "pid")], stdout=out, stderr=out, env=SENDER_ENVIRONMENT)

        def stop():
            daemon.terminate()
            daemon.wait(timeout=PATIENCE_S)

        self.addCleanup(stop)

        def ready():
            self.assertIsNone(daemon.poll(), (folder / "out").read_text(errors="replace"))
            return (folder / "log").exists()

        wait_for("rsyslogd's socket", ready)
        return folder / "log", followed

    def test_every_way_of_forwarding(self):
        udp, tcp = self.here.udp, self.here.tcp
        modern = 'template="RSYSLOG_SyslogProtocol23Format"'
        cases = [
            (f'protocol="udp" port="{udp}"', "UDP một", "assumed_year"),
            (f'protocol="udp" port="{udp}" {modern}', "UDP một", "stated"),
            (f'protocol="tcp" port="{tcp}"', "TCP một", "assumed_year"),
            (f'protocol="tcp" port="{tcp}" tcp_framing="octet-counted" {modern}', "TCP một", "stated"),
        ]
        for action, source, quality in cases:
            with self.subTest(action):
                # rsyslog's own default template writes RFC 3164 with the zone it runs in.
                unix, followed = self.rsyslog(action)
                by_socket, by_file = marker(), marker()
                subprocess.run(["logger", "--socket", str(unix), "--tag", "sshd", "--id=77", "--priority", "auth.info",
                                "--", ssh_failure(by_socket)], check=True, timeout=PATIENCE_S, env=SENDER_ENVIRONMENT)
                event = self.assert_ssh_failure(by_socket, source, quality)
                self.assertEqual(event["field"]["host"], "may-rsyslog")
                with open(followed, "a") as log:
                    log.write(ssh_failure(by_file) + "\n")
                self.assert_ssh_failure(by_file, source, quality)


class PythonLogging(Senders):
    """Python's own handlers, as applications use them."""

    def say(self, handler, text):
        log = logging.getLogger(marker("log"))
        log.propagate = False
        log.setLevel(logging.INFO)
        log.addHandler(handler)
        log.warning(text)
        handler.close()

    def test_syslog_handler(self):
        for kind, port, source in [(socket.SOCK_DGRAM, self.here.udp, "UDP một"),
                                   (socket.SOCK_STREAM, self.here.tcp, "TCP một")]:
            with self.subTest(source):
                word = marker()
                handler = logging.handlers.SysLogHandler(
                    ("127.0.0.1", port), logging.handlers.SysLogHandler.LOG_LOCAL0, kind)
                handler.setFormatter(logging.Formatter("ung-dung[%(process)d]: %(levelname)s %(message)s"))
                self.say(handler, f"Đăng nhập thất bại {word}")
                event = self.here.event(f'"{word}"')
                self.assert_owner(event, source, self.one, system=True)
                self.assertEqual(event["time_quality"], "collected", "the handler writes no time")
                self.assertEqual(event["field"]["facility"], "local0")
                self.assertEqual(event["field"]["process_name"], "ung-dung")
                self.assertEqual(event["field"]["pid"], str(os.getpid()))
                self.assertEqual(event["field"]["message"], f"WARNING Đăng nhập thất bại {word}")
                self.assertNotIn("\0", event["raw"], "the handler's NUL is framing")

    def test_many_records_over_one_nul_framed_stream(self):
        words = [marker() for _ in range(30)]
        handler = logging.handlers.SysLogHandler(("127.0.0.1", self.here.tcp), socktype=socket.SOCK_STREAM)
        log = logging.getLogger(marker("log"))
        log.propagate = False
        log.addHandler(handler)
        for word in words:
            log.error("mot-dong: %s", word)
        handler.close()
        for word in words:
            self.here.event(f'"{word}"')

    def test_http_handler(self):
        word = marker()
        handler = logging.handlers.HTTPHandler(f"127.0.0.1:{self.here.http}", "/ingest", method="POST",
                                               credentials=("luytre", self.token))
        self.say(handler, f"Lỗi thanh toán {word}")
        event = self.here.event(f'"{word}"')
        self.assert_owner(event, "HTTP một", self.one, system=True)
        self.assertEqual(event["field"]["levelname"], "WARNING")


class Http(Senders):
    """Shippers that post: lines, gzip, `_bulk`, and the official Elasticsearch client."""

    def test_gzipped_ndjson(self):
        words = [marker() for _ in range(3)]
        lines = [{"@timestamp": datetime.now(timezone.utc).isoformat(), "message": f"Từ chối {word}",
                  "source": {"ip": "198.51.100.7"}, "user": {"name": word}} for word in words]
        body = gzip.compress("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
        answer = self.here.ingest(self.token, body, **{"Content-Encoding": "gzip"})
        self.assertEqual((answer.status, answer.json()["accepted"]), (200, 3))
        for word in words:
            event = self.here.event(f"user:{word}")
            self.assert_owner(event, "HTTP một", self.one, system=True)
            self.assert_now(event, "stated")
            self.assertEqual(event["field"]["src_ip"], "198.51.100.7")
            self.assertEqual(event["field"]["message"], f"Từ chối {word}")

    def test_plain_lines(self):
        word = marker("tep")
        line = f'198.51.100.8 - an [{access_now()}] "GET /{word}?id=1 HTTP/1.1" 404 31 "-" "Mozilla/5.0"'
        self.assertEqual(self.here.ingest(self.token, [line], "text/plain").status, 200)
        event = self.here.event(f"url_path:/{word}")
        self.assert_owner(event, "HTTP một", self.one, system=True)
        wanted = {"src_ip": "198.51.100.8", "http_status": "404", "http_method": "GET", "url_query": "id=1"}
        self.assertEqual({name: event["field"].get(name) for name in wanted}, wanted)

    def bulk(self, body, path="/_bulk", **headers):
        return http_call("POST", self.intake + path, body, {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson", **headers})

    def test_filebeats_way_in(self):
        """What Filebeat asks before it delivers, then a gzipped bulk with one document that is none."""
        basic = {"Authorization": f"Bearer {self.token}"}
        greeting = http_call("GET", self.intake + "/", headers=basic)
        self.assertEqual(greeting.headers["X-Elastic-Product"], "Elasticsearch")
        self.assertGreaterEqual(int(greeting.json()["version"]["number"].split(".")[0]), 8)
        license = http_call("GET", self.intake + "/_license?human=false", headers=basic).json()["license"]
        self.assertEqual((license["status"], license["type"]), ("active", "basic"))
        for method, path in [("GET", "/_ilm/policy/filebeat"), ("HEAD", "/_index_template/filebeat-8.17.0"),
                             ("PUT", "/_index_template/filebeat-8.17.0"), ("GET", "/_data_stream/filebeat-8.17.0"),
                             ("PUT", "/_data_stream/filebeat-8.17.0")]:
            answer = http_call(method, self.intake + path, b"{}" if method == "PUT" else None,
                               {**basic, "Content-Type": "application/json"})
            self.assertEqual(answer.status, 200, (method, path, answer.body))
        good, bad, late = marker(), marker(), marker()
        record = {"@timestamp": datetime.now(timezone.utc).isoformat(),
                  "agent": {"type": "filebeat", "version": "8.17.0"},
                  "host": {"name": "may-web-01"}, "log": {"file": {"path": "/var/log/auth.log"}, "offset": 1},
                  "event": {"dataset": "system.auth"}, "ecs": {"version": "8.0.0"}}
        action = json.dumps({"create": {"_index": "filebeat-8.17.0"}})
        body = "\n".join([action, json.dumps({**record, "message": good}), action, f'{{"message": "{bad}"',
                          action, json.dumps({**record, "message": late})]) + "\n"
        answer = self.bulk(gzip.compress(body.encode()), **{"Content-Encoding": "gzip"})
        self.assertEqual(answer.status, 200)
        told = answer.json()
        self.assertTrue(told["errors"])
        self.assertEqual([item["create"]["status"] for item in told["items"]], [201, 400, 201])
        self.assertEqual(told["items"][1]["create"]["error"]["type"], "document_parsing_exception")
        for word in (good, late):
            event = self.here.event(f'"{word}"')
            self.assert_owner(event, "HTTP một", self.one, system=True)
            self.assertEqual(event["field"]["host"], "may-web-01")
        letters = wait_for("the refused document", lambda: [
            letter for letter in self.here.dead_letters(code="bad-json") if bad in letter["preview"]])
        self.assertIn("bulk item refused", letters[0]["detail"])

    def test_the_official_client(self):
        client = Elasticsearch(self.intake, api_key=("luytre", self.token), http_compress=True, max_retries=0)
        self.addCleanup(client.close)
        self.assertEqual(client.info()["tagline"], "You Know, for Search")
        self.assertTrue(client.ping())
        word = marker()
        actions = [{"_op_type": "create", "_index": "logs-app-default",
                    "_source": {"@timestamp": datetime.now(timezone.utc), "message": f"{word} số {number}",
                                "client": {"ip": "198.51.100.20"}}} for number in range(1200)]
        self.assertEqual(helpers.bulk(client, actions), (1200, []))
        wait_for("1200 events", lambda: self.here.count(f'"{word}"') == 1200)
        one = self.here.event(f'"{word} số 77"')
        self.assert_owner(one, "HTTP một", self.one, system=True)
        self.assertEqual(one["field"]["message"], f"{word} số 77")
        single = marker()
        self.assertEqual(client.index(index="logs", document={"message": single})["result"], "created")
        self.here.event(f'"{single}"')
        refused, errors = helpers.bulk(client, [{"_op_type": "delete", "_index": "logs", "_id": "1"}],
                                       raise_on_error=False)
        self.assertEqual((refused, len(errors)), (0, 1))


class Tls(unittest.TestCase):
    """Syslog over TLS (RFC 5425), with and without a certificate of the sender."""

    @classmethod
    def setUpClass(cls):
        cls.ports = free_port(), free_port()
        listener = '''
[[intake.syslog]]
name = "{name}"
transport = "tls"
listen = "127.0.0.1:{port}"
certificate = "{{folder}}/server.pem"
key = "{{folder}}/server.key"
'''
        config = listener.format(name="tls", port=cls.ports[0]) + listener.format(name="mtls", port=cls.ports[1])
        cls.here = Installation("", config + 'client_ca = "{folder}/sender.pem"\n')
        for name in ("server", "sender"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:false",
                            "-keyout", cls.here.folder / f"{name}.key", "-out", cls.here.folder / f"{name}.pem"],
                           check=True, capture_output=True, timeout=PATIENCE_S)
        cls.enterClassContext(cls.here)
        agency = cls.here.agency()
        for name in ("tls", "mtls"):
            cls.here.source(agency, f"Nguồn {name}", "syslog", listener=name, peers="127.0.0.1")

    @contextlib.contextmanager
    def connected(self, port, sender=False):
        """A connection to a listener; nothing is read before its handshake is over, so hold it until the record is there."""
        context = ssl.create_default_context(cafile=self.here.folder / "server.pem")
        if sender:
            context.load_cert_chain(self.here.folder / "sender.pem", self.here.folder / "sender.key")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
                yield line

    @staticmethod
    def send(line, text):
        record = f"<38>1 {datetime.now(timezone.utc).isoformat()} may sshd 8121 - - {text}".encode()
        line.sendall(str(len(record)).encode() + b" " + record)

    def test_encrypted_lines_arrive(self):
        for port, name, sender in ((self.ports[0], "tls", False), (self.ports[1], "mtls", True)):
            user = marker()
            with self.connected(port, sender) as line:
                self.send(line, ssh_failure(user))
                event = self.here.event(f"user:{user}")
            self.assertEqual((event["source"], event["parser"]), (f"Nguồn {name}", "linux_sshd"))

    def test_who_shows_no_certificate_gets_nothing_in(self):
        user = marker()
        # In TLS 1.3 the refusal comes after the client's side of the handshake.
        with self.assertRaises((ssl.SSLError, ConnectionError)), self.connected(self.ports[1]) as line:
            self.send(line, ssh_failure(user))
            if not line.recv(1):
                raise ConnectionError("closed by the listener")
        with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=PATIENCE_S) as line:
            line.sendall(f"<38>{bsd_now()} may sshd[1]: {ssh_failure(user)}\n".encode())
            try:
                self.assertIn(line.recv(100)[:1], (b"", b"\x15"), "an alert, or the end")
            except ConnectionError:
                pass
        proof = marker()
        with self.connected(self.ports[0]) as line:
            self.send(line, ssh_failure(proof))
            self.here.event(f"user:{proof}")
        self.assertEqual(self.here.search(f"user:{user}"), [])


class Files(Senders):
    """Files on this server: appended to, rotated by renaming, emptied in place."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.logs = cls.here.folder / "logs"
        cls.logs.mkdir()
        cls.here.source(cls.one, "Tệp một", "file", system=cls.system, path=str(cls.logs / "*.log"))

    def line(self, user):
        return f"{bsd_now()} may-chu sshd[9]: {ssh_failure(user)}\n"

    def write(self, path, users, mode="a"):
        with open(path, mode) as log:
            log.writelines(self.line(user) for user in users)

    def assert_followed(self, users):
        for user in users:
            self.assert_ssh_failure(user, "Tệp một", "assumed_year")

    def test_appended_renamed_and_emptied(self):
        path = self.logs / "auth.log"
        first, second, renamed, fresh, emptied = ([marker() for _ in range(3)] for _ in range(5))
        self.write(path, first)
        self.assert_followed(first)
        self.write(path, second)
        self.assert_followed(second)
        # A writer keeps the renamed file open until it is told to begin a new one.
        path.rename(self.logs / "auth.log.1")
        self.write(self.logs / "auth.log.1", renamed)
        self.write(path, fresh)
        self.assert_followed(renamed + fresh)
        # copytruncate: the same file, emptied and written anew.
        self.write(path, emptied, "w")
        self.assert_followed(emptied)
        self.assert_followed(first + second + renamed + fresh)

    def test_a_line_counts_when_it_ends(self):
        path = self.logs / "nua.log"
        user, next_user = marker(), marker()
        with open(path, "a") as log:
            log.write(self.line(user)[:40])
            log.flush()
            self.write(self.logs / "khac.log", [next_user])
            self.assert_followed([next_user])
            self.assertEqual(self.here.search(f"user:{user}"), [])
            log.write(self.line(user)[40:])
        self.assert_ssh_failure(user, "Tệp một", "assumed_year")

    def test_a_restart_neither_loses_nor_doubles(self):
        path = self.logs / "khoi-dong.log"
        before, during = [marker() for _ in range(5)], [marker() for _ in range(5)]
        self.write(path, before)
        self.assert_followed(before)
        self.here.kill()
        self.write(path, during)
        self.here.start()
        self.assert_followed(before + during)


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class SendersOnPostgres(Http):
    """The same posts with state in PostgreSQL."""

    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
