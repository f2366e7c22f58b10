"""Several machines as one platform, on loopback: one PostgreSQL, one S3 server, nodes in their roles.

    with Cluster() as here:
        web, intake = here.node("web1", "web"), here.node("log1", "intake")
        …
        intake.kill()

Every node is an `Installation` with ports of its own; what is made through one is seen by all.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from installation import (ADMINISTRATOR, BINARY, PASSWORD, PATIENCE_S, S3_SERVER, Installation, free_port, http_call,
                          postgres_database, wait_for)
from visitor import Visitor


# What all nodes share, and what makes tests quick.
SHARED = """
[cluster]
on = true
node = "{name}"
address = "127.0.0.1:{http}"
batch_ms = 100
[lake]
store = "s3://logs/tinh"
[lake.s3]
endpoint = "http://127.0.0.1:{s3}"
access_key_id = "luytre"
secret_access_key = "a secret of the tests"
"""


class Node(Installation):
    """One machine of several."""

    def __init__(self, cluster, name, role, extra_config=""):
        self.cluster, self.name, self.role = cluster, name, role
        super().__init__(cluster.database_url)
        shared = SHARED.format(name=name, http=self.http, s3=cluster.s3_port)
        self.config.write_text(self.config.read_text() + shared + extra_config)

    def spawn(self):
        with open(self.folder / "serve.log", "ab") as log:
            said = log.tell()
            self.process = subprocess.Popen([BINARY, "--config", str(self.config), "serve", "--role", self.role],
                                            stdout=log, stderr=log)
        return said

    def start(self):
        said = self.spawn()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} stopped:\n" + self.log()[-4000:])
            return "this machine is one of several" in self.log(said)

        wait_for(f"{self.name} to be one of several", ready)

    def is_up(self):
        return self.process.poll() is None


class OpenPage:
    """A page that an administrator has open on one machine: what its stream has told so far."""

    def __init__(self, node, path="/live"):
        visitor = Visitor(node).sign_in(ADMINISTRATOR, PASSWORD)
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        self.line = http.client.HTTPConnection("127.0.0.1", node.web, timeout=600)
        self.line.request("GET", path, headers={"Cookie": cookies})
        self.answer = self.line.getresponse()
        assert self.answer.status == 200, (path, self.answer.status)
        self.told = []
        self.listening = threading.Thread(target=self.listen, daemon=True)
        self.listening.start()

    def listen(self):
        try:
            for line in self.answer:
                if line.startswith(b"data:"):
                    self.told.append(line[5:].strip().decode())
        except (OSError, ValueError, http.client.HTTPException):
            pass  # The page was closed, or its machine is gone.

    def close(self):
        try:
            self.line.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # Its machine is gone already.
        self.listening.join(timeout=PATIENCE_S)
        self.line.close()


class Cluster:
    """The machines, and what they share. Use it as a context manager."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="luytre-e2e-cluster-"))
        self.database_url, self.s3_port = postgres_database(), free_port()
        self.nodes, self.token, self.s3 = {}, None, None

    def __enter__(self):
        root = self.folder / "s3"
        (root / "logs").mkdir(parents=True)
        self.s3 = subprocess.Popen([S3_SERVER, "--exact", "s3::a_stranger_is_refused"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL,
                                   env={**os.environ, "LUYTRE_TEST_S3": f"{root},{self.s3_port}"})
        wait_for("the S3 server", self.s3_answers)
        return self

    def s3_answers(self):
        try:
            return http_call("GET", f"http://127.0.0.1:{self.s3_port}/logs/x").status == 403
        except OSError:
            return False

    def __exit__(self, *_):
        try:
            for node in self.nodes.values():
                node.__exit__()
        finally:
            self.s3.kill()
            self.s3.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def node(self, name, role, extra_config=""):
        """Starts a machine; the first one gets the administrator."""
        node = self.nodes[name] = Node(self, name, role, extra_config)
        node.start()
        if self.token is None:
            node.run("user", "add", "--login", ADMINISTRATOR, "--name", "Kiểm Thử", "--role", "administrator",
                     "--password-stdin", given=PASSWORD + "\n")
            self.token = node.token_of(ADMINISTRATOR)
        node.token = self.token
        return node

    def adopt(self, installation, name, role):
        """Makes an installation that was alone, and is ended, a machine of these; its database is ours already."""
        node = self.nodes[name] = Node.__new__(Node)
        node.__dict__.update(installation.__dict__, cluster=self, name=name, role=role)
        shared = SHARED.format(name=name, http=node.http, s3=self.s3_port)
        alone = node.config.read_text()
        node.config.write_text(alone.replace('url = ""', f'url = "{self.database_url}"', 1) + shared)
        self.token = node.token
        return node

    def told(self, by):
        """Returns what `luytre nodes` tells, asked on a machine: each node's line by its name, and all of it."""
        done = subprocess.run([BINARY, "--config", str(by.config), "nodes", "--json"], text=True, capture_output=True,
                              timeout=PATIENCE_S)
        told = json.loads(done.stdout)
        return {line["name"]: line for line in told["nodes"]}, told

    def centre(self, by):
        """Returns the name of the node that has the central duties."""
        lines, _ = self.told(by)
        return next((name for name, line in lines.items() if line["is_centre"] and line["state"] == "alive"), None)

    def kill(self, name, how=signal.SIGKILL):
        self.nodes[name].kill(how)
