"""What the operator does on the server's own console, and the first minutes of an installation."""

import json
import os
import random
import re
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from installation import BINARY, PASSWORD, PATIENCE_S, Installation, access_now, marker, wait_for
from visitor import Visitor

BAD_RULE = "title: A rule that is none\nlogsource:\n  category: webserver\ndetection:\n  word:\n    a: b\n"


def call(*arguments, environment=None):
    """Calls the program by itself and returns exit code, standard output and standard error."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE_S,
                          env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class FirstMinutes(unittest.TestCase):
    def setUp(self):
        self.here = Installation()
        self.addCleanup(self.here.__exit__)
        self.here.start()

    def test_the_link_makes_the_first_administrator_once(self):
        link = re.search(r"http://\S+/invite/(\S+)", self.here.log())
        self.assertIsNotNone(link, self.here.log())
        address = f"/invite/{link.group(1)}"
        visitor = Visitor(self.here)
        self.assertEqual(visitor.get(address).status, 200)
        given = {"login": "quan-tri", "name": "Quản Trị", "password": "ngan", "again": "ngan"}
        self.assertEqual(visitor.post(address, given).status, 422, "too short")
        given.update(password=PASSWORD, again=PASSWORD)
        answer = visitor.post(address, given)
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/account/second-factor"))
        self.assertEqual(visitor.get("/account/second-factor").status, 200)
        self.assertEqual(visitor.get("/accounts").status, 200)
        other = Visitor(self.here)
        self.assertEqual(other.get(address).status, 409, "the link is spent")
        given["login"] = "ke-gian"
        self.assertEqual(other.post(address, given).status, 409)
        # A later start offers no second way in.
        length = len(self.here.log().encode())
        self.here.kill()
        self.here.start()
        self.assertNotIn("/invite/", self.here.log(length))
        self.assertEqual(visitor.get("/accounts").status, 200, "a restart signs nobody out")


class State(unittest.TestCase):
    def setUp(self):
        self.here = self.enterContext(Installation())
        self.agency = self.here.agency()
        self.token = self.here.source(self.agency, "Nguồn")[1]

    def send(self, count):
        words = [marker() for _ in range(count)]
        self.assertEqual(self.here.ingest(self.token, [json.dumps({"message": word}) for word in words]).status, 200)
        for word in words:
            self.here.event(f'"{word}"')
        return words

    def test_a_backup_taken_while_running_comes_back(self):
        words = self.send(20)
        copy = self.here.folder / "copy"
        self.here.run("backup", str(copy))
        later = self.send(1)
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "luytre.toml"
            config.write_text(self.here.config.read_text().replace(f"{self.here.folder}/data", f"{folder}/data"))
            code, out, err = call("--config", config, "restore", copy)
            self.assertEqual(code, 0, out + err)
            self.here.kill()
            self.here.config = config
            self.here.start()
            for word in words:
                self.here.event(f'"{word}"')
            self.assertEqual(self.here.search(f'"{later[0]}"'), [], "the copy is of its moment")
            self.assertEqual(self.here.read(f"/agencies/{self.agency}")["row"]["name"], "Sở Thử")
            code, out, err = call("--config", config, "restore", copy)
            self.assertEqual(code, 1, "a folder in use is not overwritten")
            self.here.kill()

    def test_what_an_interrupted_backup_left_is_not_restored(self):
        words = self.send(20)
        dice = random.Random(20261128)
        whole = 0
        for number in range(8):
            copy, folder = self.here.folder / f"copy-{number}", self.here.folder / f"restored-{number}"
            process = subprocess.Popen([BINARY, "--config", str(self.here.config), "backup", str(copy)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if number:
                time.sleep(dice.uniform(0, 0.4))
                process.kill()
            process.wait()
            config = self.here.folder / f"restored-{number}.toml"
            config.write_text(self.here.config.read_text().replace(f"{self.here.folder}/data", str(folder)))
            code, out, err = call("--config", config, "restore", copy)
            if code:
                self.assertIn("holds no backup", err)
                self.assertFalse(folder.exists() and list(folder.iterdir()), "nothing of it was taken over")
                continue
            whole += 1
            code, out, err = call("--config", config, "lake", "verify")
            self.assertEqual(code, 0, out + err)
        self.assertGreater(whole, 0, "the first was not interrupted")
        # All but its name: the last step is what makes it a backup.
        copy = self.here.folder / "copy-0"
        (copy / "luytre.db").rename(copy / "unfinished.db")
        code, _, err = call("--config", config, "restore", copy)
        self.assertEqual(code, 1)
        self.assertIn("holds no backup", err)
        for word in words:
            self.here.event(f'"{word}"')

    def test_an_interrupted_restore_does_not_start(self):
        self.send(20)
        copy, folder = self.here.folder / "copy", self.here.folder / "restored"
        self.here.run("backup", str(copy))
        config = self.here.folder / "restored.toml"
        config.write_text(self.here.config.read_text().replace(f"{self.here.folder}/data", str(folder)))
        # What cannot be read: all is as it was.
        spool = copy / "spool"
        kept = spool.rename(copy / "kept")
        spool.write_text("no folder")
        code, out, err = call("--config", config, "restore", copy)
        self.assertEqual((code, list(folder.iterdir())), (1, []), out + err)
        spool.unlink()
        kept.rename(spool)
        self.assertEqual(call("--config", config, "restore", copy)[0], 0)
        # Killed before the last step.
        (folder / "luytre.db").rename(folder / "unfinished.db")
        for command in (["serve"], ["lake", "verify"], ["restore", copy]):
            code, out, err = call("--config", config, *command)
            self.assertEqual(code, 1, out)
            self.assertRegex(err, "was interrupted|is not empty|there is no database")
        self.assertEqual(sorted(path.name for path in folder.glob("*.db")), ["unfinished.db"])

    def test_the_audit_trail_proves_itself(self):
        self.send(1)
        self.assertRegex(self.here.run("audit", "verify"), r"^\d+ entries, the chain is whole")
        actions = json.dumps(self.here.read("/audit"))
        for action in ("agency", "source", "search"):
            self.assertIn(action, actions)
        self.assertNotIn(self.token, actions, "no secret in the trail")
        self.here.kill()
        with sqlite3.connect(self.here.folder / "data/luytre.db") as database:
            table = next(name for (name,) in database.execute("select name from sqlite_master where type = 'table'")
                         if "audit" in name)
            database.execute("pragma writable_schema = on")
            triggers = [name for (name,) in database.execute(
                "select name from sqlite_master where type = 'trigger' and tbl_name = ?", (table,))]
            for trigger in triggers:
                database.execute(f'drop trigger "{trigger}"')
            second = f'select min(rowid) + 1 from "{table}"'
            changed = database.execute(f"update \"{table}\" set action = 'nothing' where rowid = ({second})")
            self.assertEqual(changed.rowcount, 1)
        self.assertTrue(triggers, "the database itself refuses changes of the trail")
        code, out, _ = call("--config", self.here.config, "audit", "verify")
        self.assertEqual(code, 3)
        self.assertIn("the chain breaks at entry", out)


class Console(unittest.TestCase):
    """Commands that need no server."""

    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_help_and_wrong_calls(self):
        code, out, _ = call("--help")
        self.assertEqual(code, 0)
        for command in ("serve", "demo", "hunt", "search", "rules", "sources", "user", "backup", "restore", "audit",
                        "config", "bench", "completion"):
            self.assertIn(command, out)
            self.assertEqual(call(command, "--help")[0], 0, command)
        self.assertEqual(call("nosuchcommand")[0], 2)
        self.assertEqual(call("hunt")[0], 2)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("luytre", call("completion", shell)[1])

    def test_the_configuration_is_checked(self):
        config = self.folder / "luytre.toml"
        example = Path(__file__).parents[2] / "luytre.example.toml"
        self.assertEqual(call("--config", example, "config", "check")[0], 0)
        cases = [("[web]\nlisten = \"here\"\n", "listen"), ("[web]\nlisen = 1\n", "lisen"),
                 ("[[intake.syslog]]\nname = \"t\"\ntransport = \"tls\"\nlisten = \"127.0.0.1:1\"\n", "certificate"),
                 ("[rules]\nfolders = [\"/khong/co\"]\n", "/khong/co")]
        for text, word in cases:
            with self.subTest(word):
                config.write_text(text)
                code, out, err = call("--config", config, "config", "check")
                self.assertEqual(code, 1, out)
                self.assertIn(word, err)
        config.write_text("")
        code, out, _ = call("--config", config, "config", "show", environment={"LUYTRE_WEB__LISTEN": "127.0.0.1:9"})
        self.assertEqual(code, 0)
        self.assertIn('listen = "127.0.0.1:9"', out)

    def test_rules_are_checked_before_they_are_trusted(self):
        self.assertEqual(call("rules", "check")[0], 0)
        code, out, _ = call("rules", "test")
        self.assertEqual(code, 0, out[-2000:])
        bad = self.folder / "xau.yml"
        bad.write_text(BAD_RULE)
        code, out, _ = call("rules", "check", self.folder)
        self.assertEqual(code, 3)
        self.assertRegex(out, r"xau\.yml:\d+:\d+")
        self.assertIn("condition", out)

    def test_a_hunt_finds_the_attack_in_files(self):
        log = self.folder / "access.log"
        quiet = f'198.51.100.9 - - [{access_now()}] "GET /index.html HTTP/1.1" 200 31 "-" "Mozilla/5.0"\n'
        log.write_text(quiet * 50 + f'203.0.113.66 - - [{access_now()}] "GET /upload/anh.php?cmd=whoami HTTP/1.1" '
                       '200 31 "-" "Mozilla/5.0"\n' + quiet)
        (self.folder / "rac.evtx").write_bytes(b"khong phai evtx" * 10)
        code, out, err = call("hunt", self.folder, "--format", "jsonl")
        self.assertEqual(code, 0, err)
        found = [json.loads(line) for line in out.splitlines()]
        self.assertTrue(any("web_shell_command" in json.dumps(one) or "Operating system command" in json.dumps(one)
                            for one in found), out)
        self.assertTrue(all(set("time level rule_id rule_title file record".split()) <= set(one) for one in found))
        self.assertIn("rac.evtx", err)
        self.assertIn("rules in force", err)
        self.assertEqual(call("hunt", self.folder, "--fail-on", "high")[0], 3)
        self.assertEqual(call("hunt", self.folder, "--rules", self.folder)[0], 1, "no rule at all is no hunt")
        for form in ("table", "timeline", "csv", "html"):
            code, out, _ = call("hunt", self.folder, "--format", form, "--lang", "en", environment={"NO_COLOR": "1"})
            self.assertEqual(code, 0)
            self.assertNotIn("\x1b[", out)
            self.assertIn("web script", out)

    def test_every_source_reads_its_own_sample(self):
        code, out, _ = call("sources", "test")
        self.assertEqual(code, 0, out[-2000:])


if __name__ == "__main__":
    unittest.main()
