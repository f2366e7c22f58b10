"""The platform at its full size, on loopback: PostgreSQL, an S3 server, two nodes that take logs in, one with pages, a
scheduler and two executors. One of each kind is killed with `kill -9` while records come in (the scheduler is started
again): nothing that was acknowledged is lost or doubled, and questions are answered throughout."""

import signal
import tempfile
import unittest
from pathlib import Path

from cluster import SHARED, Cluster
from installation import POSTGRES, S3_SERVER, free_port, http_call, marker, wait_for
from test_cluster import Load, numbered
from test_distributed import DISTRIBUTED, Process


@unittest.skipUnless(POSTGRES and S3_SERVER, "no PostgreSQL (scripts/postgres), or no S3 server (cargo build --workspace --tests)")
class Growing(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="luytre-e2e-growing-")))
        self.here = self.enterContext(Cluster())
        secret = self.folder / "cluster.secret"
        secret.write_text("e" * 64)
        self.distributed = DISTRIBUTED.format(scheduler=free_port(), secret=secret)
        self.scheduler = self.process("scheduler", "scheduler", "", "scheduler: ")
        self.executors = [self.process(name, "executor", f"executor_listen = \"127.0.0.1:{free_port()}\"\n", "the scheduler is there")
                          for name in ("one", "two")]
        self.pages = self.here.node("web1", "web", self.distributed)
        self.one, self.two = self.here.node("log1", "intake"), self.here.node("log2", "intake")
        source, token = self.pages.source(self.pages.agency(), "Nguồn tải")
        for node in (self.one, self.two):
            self.knows(node, token)
        self.load = Load([f"127.0.0.1:{node.http}" for node in (self.one, self.two)], token, marker("tai"))
        self.addCleanup(self.load.end)

    @staticmethod
    def knows(node, token):
        """Waits until a node has heard of the source, which was made elsewhere."""
        wait_for("the node to know the source", lambda: http_call("GET", f"http://127.0.0.1:{node.http}/", None,
                                                                  {"Authorization": f"Bearer {token}"}).status == 200)

    def process(self, name, role, more, greeting):
        shared = SHARED.format(name=name, http=0, s3=self.here.s3_port).replace("on = true", "on = false")
        config = f"[site]\ndata_folder = \"{self.folder}/{name}\"\n{shared}{self.distributed}{more}"
        process = Process(self.folder, name, role, config, greeting)
        self.addCleanup(process.end)
        return process

    def counted(self):
        """Returns how many records of the load SQL finds."""
        question = f"SELECT count(*) FROM events WHERE raw LIKE '%{self.load.word}%'"
        return int(self.pages.read("/search/sql", sql=question)["table"]["rows"][0][0])

    def tasks(self):
        return sum(executor.tasks() for executor in self.executors)

    def assert_answered(self, by_the_cluster=True):
        """Asks while records come in: whatever was acknowledged a moment before is counted."""
        sure, before = len(self.load.acknowledged), self.tasks()
        # A node that finds nobody in two seconds answers by itself, as it may on a busy machine.
        wait_for("what was acknowledged to be counted, by the executors where there are any",
                 lambda: self.counted() >= sure and (self.tasks() > before or not by_the_cluster))

    def test_one_of_each_kind_may_die_under_load(self):
        self.load.wait_for(2000)
        self.assertEqual(self.load.surprises, [])
        wait_for("questions to go to the executors", lambda: self.counted() and self.tasks() > 0)
        self.assert_answered()
        lines, _ = self.here.told(self.pages)
        holder = self.one if lines["log1"]["sources"] else self.two
        holder.kill(signal.SIGKILL)
        self.executors[0].end(signal.SIGKILL)
        self.load.wait_for(2000)
        self.assert_answered()
        self.scheduler.end(signal.SIGKILL)
        self.load.wait_for(500)
        self.assert_answered(by_the_cluster=False)
        self.scheduler.start()
        wait_for("the executor to be back", lambda: self.executors[1].log().count("the scheduler is there") > 1)
        self.load.wait_for(500)
        self.load.end()
        self.assertEqual(self.load.surprises, [])
        wait_for("all acknowledged records", lambda: self.pages.count(f"round:{self.load.word}") >= len(self.load.acknowledged))
        numbers = numbered(self.pages, f"round:{self.load.word}")
        self.assertEqual(len(numbers), len(set(numbers)), "a record is there twice")
        self.assertEqual(set(numbers), self.load.acknowledged)
        self.assertEqual(self.counted(), len(numbers), "the cluster counts the same")
        self.assert_answered()


if __name__ == "__main__":
    unittest.main()
