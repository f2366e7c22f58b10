"""Attacks sent live: alerts within seconds, as bad as the system is important, and what people do with them."""

import json
import random
import socket
import time
import unittest

from installation import POSTGRES, Installation, access_now, bsd_now, marker, postgres_database, wait_for

# From the last line of an attack to its alert on the page, on a machine that is not busy with other things.
ALERT_WITHIN_S = 10

OWN_RULE = """
title: Our own word in a request
id: {id}
name: own_word
status: test
description: Fires on a word that only this test sends.
logsource:
  category: webserver
detection:
  word:
    cs-uri-stem|contains: '{word}'
  condition: word
level: {level}
"""

BAD_RULE = """title: A rule that is none
id: 8b9b0c2e-47c2-4f2d-9a2b-0d8a5b6c7d8e
logsource:
  category: webserver
detection:
  word:
    cs-uri-stem|nosuchmodifier: 'x'
  condition: word
level: high
"""


# Addresses of this run.
GIVEN = set()


def public_address():
    """Returns an address that no other test of this run uses: alerts group by it."""
    while (address := f"198.51.{random.randint(0, 255)}.{random.randint(1, 254)}") in GIVEN:
        pass
    GIVEN.add(address)
    return address


def web_shell(address, path="/upload/anh.php"):
    return f'{address} - - [{access_now()}] "GET {path}?cmd=whoami HTTP/1.1" 200 31 "-" "Mozilla/5.0"'


class Detection(unittest.TestCase):
    database_url = staticmethod(lambda: "")

    @classmethod
    def setUpClass(cls):
        cls.here = Installation(cls.database_url(), '[rules]\nfolders = ["{folder}/rules"]')
        cls.rules = cls.here.folder / "rules"
        cls.rules.mkdir()
        cls.enterClassContext(cls.here)
        cls.agency = cls.here.agency()
        cls.level, cls.token = {}, {}
        for level in (1, 3, 5):
            cls.level[level] = cls.here.system(cls.agency, f"cong-{level}", f"Cổng cấp {level}", level)
            cls.token[level] = cls.here.source(cls.agency, f"Web cấp {level}", system=cls.level[level])[1]
        cls.here.source(cls.agency, "Máy chủ", "syslog", system=cls.level[3], listener="udp", peers="127.0.0.1")

    def send(self, level, *lines):
        answer = self.here.ingest(self.token[level], lines, "text/plain")
        self.assertEqual(answer.status, 200, answer.body)

    def alert(self, rule, level, address):
        """Waits for the alert of a rule about an address on the system of a level."""
        rule = self.here.rule_id(rule)
        found = wait_for(f"alert {rule}", lambda: self.here.alerts(rule, system=self.level[level], entity=address))
        self.assertEqual(len(found), 1, "one alert for one address")
        return found[0]

    def test_a_web_shell_is_seen_within_seconds(self):
        took_s = []
        while not took_s or took_s[-1] > ALERT_WITHIN_S:
            self.assertLess(len(took_s), 5, f"late time and again: {took_s} s")
            address = public_address()
            began = time.monotonic()
            self.send(3, web_shell(address))
            row = self.alert("web_shell_command", 3, address)
            took_s.append(time.monotonic() - began)
        self.assertEqual((row["severity"], row["level"], row["state"]), ("high", 3, "new"))
        self.assertEqual((row["agency"], row["place"]), ("Sở Thử", "Cổng cấp 3"))
        self.assertRegex(row["number"], r"^CB-\d{4}-\d{5}$")
        def whole():
            page = self.here.read(f"/alerts/{row['id']}")
            return page if page["events"] else None

        # The alert is durable a moment before the batch that completed it can be searched.
        page = wait_for("the event behind the alert", whole)
        self.assertTrue(page["why"]["vi"] and page["why"]["en"])
        matched = {match["field"]: match["value"] for match in page["matched"]}
        self.assertIn("cmd=whoami", matched["cs-uri-query"])
        self.assertEqual([event["raw"].split()[0] for event in page["events"]], [address])
        self.assertTrue(any(field["hit"] for field in page["events"][0]["fields"]), "what matched is marked")
        self.assertTrue(page["first_steps"])
        self.assertEqual((page["system"]["level"], page["system"]["phone"]), (3, "0203 000 000"))
        self.assertIn("attack.t1505.003", page["tags"])

    def test_what_an_incident_has_shown_is_looked_for_from_one_press_on(self):
        address, indicator = public_address(), public_address()
        self.send(3, web_shell(address))
        row = self.alert("web_shell_command", 3, address)
        incident, _ = self.here.make("/incidents", {"alert": [row["id"]], "title": "Mã điều khiển từ xa"})
        number = self.here.read(f"/incidents/{incident}")["incident"]["number"]
        self.send(3, f'{indicator} - - [{access_now()}] "GET /truoc.html HTTP/1.1" 200 31 "-" "Mozilla/5.0"')
        place = f"/incidents/{incident}/observables"
        text = indicator.replace(".", "[.]") + " github.com"
        self.assertEqual(self.here.api("POST", place, {"text": text, "note": "máy chủ điều khiển"}).status, 200)
        ours = {one["kind"]: one for one in self.here.read(place)["observables"]}
        refused = self.here.api("POST", f"{place}/{ours['domain']['id']}/watch", {})
        self.assertEqual(refused.status, 422, refused.body)
        self.assertIn("github", refused.body.decode() if isinstance(refused.body, bytes) else refused.body)
        pressed = self.here.api("POST", f"{place}/{ours['ip']['id']}/watch", {})
        self.assertEqual(pressed.status, 200, pressed.body)
        watched = {one["kind"]: one["is_watched"] for one in self.here.read(place)["observables"]}
        self.assertEqual(watched, {"ip": True, "domain": False})

        def met():
            # The list is read again within moments of the press; an event before that is an ordinary one.
            self.send(3, f'{indicator} - - [{access_now()}] "GET /sau.html HTTP/1.1" 200 31 "-" "Mozilla/5.0"')
            return self.here.alerts("luytre-indicator-ip", system=self.level[3], entity=indicator)

        found = wait_for("an alert on the indicator", met)
        self.assertEqual(found[0]["severity"], "high")
        page = wait_for("why", lambda: (page := self.here.read(f"/alerts/{found[0]['id']}"))["matched"] and page)
        self.assertTrue(any(f"{number}, máy chủ điều khiển" in one["pattern"] for one in page["matched"]), page["matched"])
        listed = self.here.read("/indicators", incident=incident)["indicators"]
        self.assertEqual([(one["source"], one["state"]) for one in listed], [(number, "in-force")])
        gone = self.here.api("POST", f"/indicators/{listed[0]['id']}/withdraw", {"reason": "hết dùng"})
        self.assertEqual(gone.status, 200, gone.body)
        self.assertEqual(self.here.read("/indicators", incident=incident)["indicators"], [])

    def test_an_ordinary_day_is_quiet(self):
        address = public_address()
        lines = [f'{address} - - [{access_now()}] "GET /tin-tuc/bai-{n}.html HTTP/1.1" 200 5120 "-" "Mozilla/5.0"'
                 for n in range(100)]
        lines.append(f'{address} - - [{access_now()}] "GET /index.php?id=7&trang=2 HTTP/1.1" 200 31 "-" "Mozilla/5.0"')
        last = public_address()
        self.send(3, *lines, web_shell(last))
        self.alert("web_shell_command", 3, last)
        self.assertEqual(self.here.alerts(entity=address), [])

    def test_more_of_the_same_grows_one_alert(self):
        address = public_address()
        for _ in range(5):
            self.send(3, web_shell(address))
        row = self.alert("web_shell_command", 3, address)
        grown = wait_for("five findings", lambda: (page := self.here.read(f"/alerts/{row['id']}"))
                         and page["alert"]["findings"] == len(page["events"]) == 5 and page)
        self.assertEqual(len(grown["events"]), 5)

    def test_passwords_guessed_then_found(self):
        address, user = public_address(), marker()
        rule = self.here.rule_id("ssh_success_after_guessing")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            def say(text):
                line.sendto(f"<38>{bsd_now()} may-chu-01 sshd[8121]: {text}".encode(), ("127.0.0.1", self.here.udp))

            for port in range(12):
                say(f"Failed password for {user} from {address} port {50000 + port} ssh2")
            guessing = self.alert("ssh_password_guessing", 3, address)
            self.assertEqual(guessing["severity"], "medium")
            self.assertEqual(self.here.alerts(rule, entity=address), [], "nobody is in yet")
            say(f"Accepted password for {user} from {address} port 50099 ssh2")
        found = self.alert("ssh_success_after_guessing", 3, address)
        self.assertEqual(found["severity"], "critical")
        def all_at_hand():
            events = self.here.read(f"/alerts/{found['id']}")["events"]
            said = " ".join(event["raw"] for event in events)
            return "Accepted password" in said and "Failed password" in said

        wait_for("the events behind the alert", all_at_hand)

    def test_severity_follows_the_systems_level(self):
        address = public_address()
        for level, severity in ((1, "medium"), (3, "high"), (5, "critical")):
            self.send(level, web_shell(address))
            self.assertEqual(self.alert("web_shell_command", level, address)["severity"], severity)
        worst_first = self.here.read("/alerts", state="all", entity=address,
                                     rule=self.here.rule_id("web_shell_command"))["alerts"]
        self.assertEqual([row["level"] for row in worst_first], [5, 3, 1])

    def test_an_alert_becomes_an_incident_with_one_press(self):
        address = public_address()
        self.send(5, web_shell(address))
        row = self.alert("web_shell_command", 5, address)
        incident, _ = self.here.make("/incidents", {"alert": [row["id"]]})
        page = self.here.read(f"/incidents/{incident}")
        self.assertEqual([one["id"] for one in page["alerts"]], [row["id"]])
        self.assertEqual([one["id"] for one in page["systems"]], [self.level[5]])
        self.assertEqual(page["agency"]["name"], "Sở Thử")
        self.assertEqual((page["incident"]["severity"], page["incident"]["state"]), ("critical", "open"))
        self.assertRegex(page["incident"]["number"], r"^SC-\d{4}-\d{4}$")
        kinds = [line["kind"] for line in page["timeline"]]
        self.assertIn("occurred", kinds)
        self.assertIn("detected", kinds)
        self.assertTrue(self.here.read(f"/alerts/{row['id']}")["alert"]["in_incident"])
        again = self.here.api("POST", "/incidents", {"alert": [row["id"]]})
        self.assertIn(again.status, (409, 422), "an alert is in one incident at most")
        empty = self.here.api("POST", f"/incidents/{incident}/close", {})
        self.assertEqual(empty.status, 422, "no incident ends without cause, impact and lessons")
        self.assertEqual(sorted(empty.json()["fields"]), ["cause", "cost", "follow_up", "impact", "lessons"])
        for step, given in (("contain", {}), ("deadlines", {"obligation": "full", "reference": "01/CAT-ANM"}), ("note", {"text": "Đã chặn địa chỉ nguồn"}),
                            ("close", {"cause": "Tệp tải lên không được kiểm tra", "impact": "Một trang bị sửa đổi",
                                       "lessons": "Kiểm tra tệp trước khi lưu",
                                       "cost": "Hai giờ công", "follow_up": "Rà soát các trang khác"})):
            answer = self.here.api("POST", f"/incidents/{incident}/{step}", given)
            self.assertEqual(answer.status, 200, (step, answer.body))
        self.assertEqual(self.here.read(f"/incidents/{incident}")["incident"]["state"], "closed")

    def test_an_alert_ends_only_with_a_reason(self):
        address = public_address()
        self.send(3, web_shell(address))
        place = f"/alerts/{self.alert('web_shell_command', 3, address)['id']}"

        def press(step, given=None):
            return self.here.api("POST", f"{place}/{step}", given or {}).status

        self.assertEqual(press("acknowledge"), 200)
        self.assertEqual(press("acknowledge"), 409, "a step that changes nothing is refused")
        self.assertEqual(press("assign", {"assignee": "me"}), 200)
        self.assertEqual(press("start"), 200)
        self.assertEqual(press("comment", {"text": "Đang gọi cho đơn vị"}), 200)
        self.assertEqual(press("close", {"outcome": "false", "reason": " "}), 422)
        self.assertEqual(press("close", {"outcome": "false", "reason": "Đợt kiểm thử đã báo trước"}), 200)
        page = self.here.read(place)
        self.assertEqual(page["closure"]["reason"], "Đợt kiểm thử đã báo trước")
        # Names of accounts made this very moment are known a little later.
        wait_for("the assignee's name", lambda: self.here.read(place)["alert"]["assignee"] == "Kiểm Thử")
        self.assertIn("Đang gọi cho đơn vị", [line["text"] for line in page["history"]])
        self.assertEqual(press("reopen"), 200)
        self.assertEqual(self.here.read(place)["alert"]["state"], "in_progress")

    def test_an_exception_hides_what_it_names_and_nothing_else(self):
        known, unknown = public_address(), public_address()
        rule = self.here.rule_id("web_shell_command")
        given = {"rule": rule, "system": self.level[3], "condition": f"src_ip:{known}", "days": 7,
                 "reason": "Máy quét của trung tâm, đã thống nhất lịch"}
        for wrong in ({"reason": "ok"}, {"days": 0}, {"days": 9999}, {"condition": 'src_ip:"'},
                      {"system": "", "condition": ""}):
            self.assertEqual(self.here.api("POST", "/exceptions", {**given, **wrong}).status, 422, wrong)
        self.assertEqual(self.here.api("POST", "/exceptions", given).status, 201)
        self.send(3, web_shell(known, "/kiem-thu.php"))
        self.send(3, web_shell(unknown, "/kiem-thu.php"))
        self.send(5, web_shell(known, "/kiem-thu.php"))
        self.alert("web_shell_command", 3, unknown)
        self.alert("web_shell_command", 5, known)
        self.assertEqual(self.here.alerts(rule, system=self.level[3], entity=known), [])
        row = next(row for row in self.here.read("/exceptions", rule=rule)["exceptions"] if known in row["condition"])
        self.assertEqual(row["hidden"], 1, "what is hidden is counted")
        self.assertEqual(self.here.api("POST", f"/exceptions/{row['id']}/end", {}).status, 200)
        self.send(3, web_shell(known, "/kiem-thu.php"))
        self.alert("web_shell_command", 3, known)

    def test_the_command_line_tells_what_was_switched_on_the_page(self):
        source, token = self.here.source(self.agency, "Máy chủ SSH", system=self.level[3])
        line = f"<38>{bsd_now()} may-chu-02 sshd[812]: Accepted password for an from 10.1.1.5 port 50099 ssh2"
        self.assertEqual(self.here.ingest(token, [line], "text/plain").status, 200)

        def told():
            lines = self.here.run("baselines", "status").splitlines()
            return next((line for line in lines if line.startswith("ssh_login_network ") and source in line), "")

        self.assertIn(" learning ", wait_for("what was learned to be stored", told))
        baseline = next(row["id"] for row in self.here.read("/rules")["rules"] if row["path"].endswith("/ssh_login_network.yml"))
        for state, word in (("off", " off "), ("on", " learning ")):
            given = {"baseline": baseline, "source": source, "state": state}
            # No further event comes: the page hears of what was learned all the same.
            wait_for("the page to know it", lambda: self.here.api("POST", "/rules/baselines", given).status == 200)
            self.assertIn(word, told())

    def rows(self, word):
        return self.here.read("/rules", q=word)["rules"]

    def test_coverage_looks_back_as_far_as_is_chosen(self):
        name = f"Web tuần {marker()}"
        source, token = self.here.source(self.agency, name)
        line = f'{public_address()} - - [{access_now(days_ago=3)}] "GET / HTTP/1.1" 200 31 "-" "Mozilla/5.0"'
        self.assertEqual(self.here.ingest(token, [line], "text/plain").status, 200)
        wait_for("the old line", lambda: self.here.count(f"source_id:{source}") == 1)
        for asked, is_seen in (("", False), ("24h", False), ("7d", True), ("30d", True)):
            page = self.here.read("/rules/coverage", range=asked)
            self.assertEqual((name in [one["name"] for one in page["sources"]], page["partial"]), (is_seen, False), asked)
        self.assertEqual(self.here.api("GET", "/rules/coverage?range=2y").status, 422)
        place = ("--address", f"127.0.0.1:{self.here.web}", "--token", self.here.token)
        told = json.loads(self.here.run("rules", "coverage", "--range", "30d", "--json", *place))
        self.assertEqual(sum(told["status"].values()), len(told["rules"]) + told["status"]["refused"])

    def test_rules_of_the_operators_folder_are_taken_while_running(self):
        word, own = marker("chu"), "3c3f1b52-5a0e-4d2e-9d55-5f7d9f0a1b2c"
        built_in = self.here.read("/rules")["loaded"]
        (self.rules / "xau.yml").write_text(BAD_RULE)
        (self.rules / "rieng.yml").write_text(OWN_RULE.format(id=own, word=word, level="high"))
        loaded = wait_for("the rule", lambda: self.rows(own))
        self.assertEqual(loaded[0]["level"], "high")
        page = self.here.read("/rules")
        self.assertEqual(page["loaded"], built_in + 1, "a bad rule stops no other")
        bad = next(bad for bad in page["bad"] if bad["path"].endswith("xau.yml"))
        self.assertEqual(bad["line"], 7, bad)
        self.assertIn("nosuchmodifier", bad["message"])
        wait_for("the log to say so", lambda: "xau.yml" in self.here.log())
        address = public_address()
        line = f'{address} - - [{access_now()}] "GET /{word} HTTP/1.1" 200 31 "-" "Mozilla/5.0"'
        self.send(3, line)
        found = wait_for("its alert", lambda: self.here.alerts(own))
        self.assertEqual((found[0]["entity"], found[0]["severity"]), (address, "high"))
        # Changed in place, then taken away.
        (self.rules / "rieng.yml").write_text(OWN_RULE.format(id=own, word=word, level="low"))
        wait_for("the change", lambda: self.rows(own) and self.rows(own)[0]["level"] == "low")
        (self.rules / "xau.yml").unlink()
        (self.rules / "rieng.yml").unlink()
        wait_for("both to go", lambda: not self.rows(own) and not self.here.read("/rules")["bad"])
        self.assertEqual(self.here.read("/rules")["bad"], [])
        self.assertEqual(self.here.read("/rules")["loaded"], built_in)

    def test_a_rule_is_tried_on_the_past_hour(self):
        word = marker("thu")
        self.send(3, f'{public_address()} - - [{access_now()}] "GET /{word} HTTP/1.1" 200 31 "-" "Mozilla/5.0"')
        self.here.event(f"url_path:/{word}")
        text = OWN_RULE.format(id="5a2f2a3e-1111-4c4c-8d8d-6e6e6e6e6e6e", word=word, level="high")
        tried = self.here.api("POST", "/rules/test", {"text": text}).json()
        self.assertEqual((tried["result"]["findings"], tried["bad"]), (1, []))
        self.assertIn(word, tried["result"]["lines"][0]["raw"])
        bad = self.here.api("POST", "/rules/test", {"text": BAD_RULE}).json()
        self.assertEqual((bad["result"], bad["bad"][0]["line"]), (None, 7))


@unittest.skipUnless(POSTGRES, "no PostgreSQL: run through scripts/postgres")
class DetectionOnPostgres(Detection):
    """The same with state in PostgreSQL."""

    database_url = staticmethod(postgres_database)


if __name__ == "__main__":
    unittest.main()
