"""Who may see and do what, over every route that the platform itself lists."""

import json
import re
import unittest
import uuid

from installation import ADMINISTRATOR, PASSWORD, Installation, access_now, marker, wait_for
from visitor import Visitor

# Which roles have a permission. Said here a second time, on purpose: a change of rights must be meant.
ROLES = ("administrator", "duty_officer", "analyst", "agency_officer", "leader", "auditor", "coordinator", "appraiser",
         "inspector", "agency_head", "commune_officer", "partner", "api_client")
MATRIX = {
    "duty_read": "xxxxxxx..xx..", "roster_change": "xx...........", "alert_read": "xxxx.xx..xxxx", "alert_handle": "xxx..........",
    "view_share": "xx....x......", "incident_read": "xxxxxxx.xxxxx", "incident_handle": "xxx...x......", "incident_join": "xxxx..x..xx..",
    "exception_read": "xxxx.x.......", "exception_propose": "xxxx.........",
    "exception_change": "xxx..........", "event_search": "xxxx.xx....xx", "event_export": "xxx..........",
    "search_keep": "xxxx..x......",
    "order_read": "xxxxxxx.xxxxx", "order_issue": "xx....x......", "order_answer": "xx.x.....xx..",
    "report_write": "xxxx..x..xx..", "report_approve": "xx.......x...",
    "rule_read": "xxx..x.......", "rule_change": "xxx..........", "playbook_read": "xxxxxxx.xxx..", "playbook_change": "xx...........",
    "indicator_read": "xxx..xx......", "indicator_change": "xxx..........",
    "agency_read": "xxxxxxxxxxxxx",
    "agency_change": "x............", "agency_contact": "xx.x.....xx..",
    "system_read": "xxxxxxxxxxxxx", "system_change": "xx.x......x.x",
    "system_decide": "xx...........",
    "dossier_read": "xxxxxxxxxxx..", "dossier_write": "x..x......x..", "dossier_sign": "x........x...",
    "dossier_appraise": "x......x.....", "dossier_decide": "x......x.x...",
    "source_read": "xxxx.xxxxxxxx", "source_change": "xx...........", "dead_letter_read": "xxx..x.......",
    "dead_letter_change": "xx...........", "account_read": "x....x.......", "account_change": "x............",
    "post_read": "xxxxxxxxxxxx.", "post_change": "x..x.....xx..", "audit_read": "x....x.......",
    "platform_read": "xx...x.......", "platform_change": "x............", "job_read": "xxxxxxxxxxx.x",
    "job_change": "xxxx.........",
}

# Answers that mean "you may, but what you sent or named does not do".
LET_IN = (200, 201, 303, 400, 404, 409, 422, 429)


def fill(path):
    """Returns a path with ids that nothing has."""
    return re.sub(r"\{[^}]+\}", str(uuid.uuid4()), path)


class Access(unittest.TestCase):
    """Two agencies with a system, a source, an alert and an incident each; one account of each role."""

    @classmethod
    def setUpClass(cls):
        cls.here = here = cls.enterClassContext(Installation())
        cls.mine, cls.theirs = cls.furnish("so-mot", "Sở Một"), cls.furnish("so-hai", "Sở Hai")
        cls.below = here.agency("trung-tam-mot", "Trung tâm Một", parent=cls.mine["agencies"])
        cls.logins = {"administrator": ADMINISTRATOR}
        for role in ("duty_officer", "analyst", "leader", "auditor", "coordinator", "appraiser", "inspector"):
            cls.logins[role] = role.replace("_", "-")
            here.run("user", "add", "--login", cls.logins[role], "--name", role, "--role", role, "--password-stdin",
                     given=PASSWORD + "\n")
        for login, agency in (("can-bo-mot", cls.mine), ("can-bo-hai", cls.theirs)):
            Visitor(here).join(cls.invite(login, agency), PASSWORD)
        cls.logins["agency_officer"] = "can-bo-mot"
        for role in ("agency_head", "commune_officer", "partner"):
            cls.logins[role] = role.replace("_", "-")
            Visitor(here).join(cls.invite(cls.logins[role], cls.mine, role), PASSWORD)
        cls.logins["api_client"] = "chuong-trinh"
        made = here.api("POST", "/accounts", {"login": "chuong-trinh", "name": "Chương trình", "role": "api_client",
                                              "agency": cls.mine["agencies"]})
        assert made.status == 201, made.body
        cls.tokens = {role: here.token_of(login) for role, login in cls.logins.items()}
        cls.routes = []
        cls.document = json.loads(here.page("GET", "/api/v1/openapi.json").body)
        for path, operations in cls.document["paths"].items():
            for method, operation in operations.items():
                cls.routes.append((method.upper(), path, operation))

    @classmethod
    def invite(cls, login, agency, role="agency_officer"):
        made = cls.here.api("POST", "/accounts", {"login": login, "name": login, "role": role,
                                                  "agency": agency["agencies"]})
        assert made.status == 201, made.body
        return made.json()["value"]

    @classmethod
    def furnish(cls, code, name):
        """Makes an agency with one of everything; returns their ids by the place they are listed in."""
        here = cls.here
        agency = here.agency(code, name)
        system = here.system(agency, f"cong-{code}", f"Cổng {name}", 3)
        source, token = here.source(agency, f"Web {name}", system=system)
        word = marker("tep")
        here.ingest(token, [f'203.0.113.66 - - [{access_now()}] "GET /{word}.php?cmd=whoami HTTP/1.1" 200 31 "-" "-"'],
                    "text/plain")
        alert = wait_for("an alert", lambda: here.alerts(system=system))[0]["id"]
        here.event(f'"{word}.php"')
        incident, _ = here.make("/incidents", {"alert": [alert], "title": f"Sự cố ở {name}"})
        return {"agencies": agency, "systems": system, "sources": source, "alerts": alert, "incidents": incident,
                "word": word, "name": name}

    def stranger(self, method, path, **more):
        return self.here.page(method, path, read=False, **more)

    def visitor(self, role):
        return Visitor(self.here).sign_in(self.logins[role], PASSWORD)

    # --- every route

    def test_the_document_lists_the_places_and_their_rights(self):
        paths = {path for _, path, _ in self.routes}
        for place in ("/alerts", "/alerts/{id}", "/incidents", "/search", "/sources", "/systems", "/agencies",
                      "/rules", "/exceptions", "/dead-letters", "/accounts", "/audit", "/sign-in"):
            self.assertIn(place, paths)
        used = {operation.get("x-permission") for _, _, operation in self.routes} - {None}
        self.assertLessEqual(used, set(MATRIX), "a permission that this test does not know")
        references = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(self.document)))
        self.assertLessEqual(references, set(self.document["components"]["schemas"]), "a schema is missing")

    def test_without_a_session_every_route_leads_to_the_door(self):
        for method, path, operation in self.routes:
            with self.subTest(f"{method} {path}"):
                if operation.get("security") == []:
                    self.assertRegex(path, r"^/(sign-in|invite|preferences)", "public, and not agreed on")
                    continue
                answer = self.stranger(method, fill(path))
                self.assertEqual(answer.status, 303)
                self.assertTrue(answer.headers["Location"].startswith("/sign-in"), answer.headers["Location"])
                answer = self.here.page(method, "/api/v1" + fill(path).rstrip("/"))
                self.assertEqual(answer.status, 401)
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                self.assertEqual(answer.json()["status"], 401)

    def test_each_role_gets_its_own_routes_and_no_other(self):
        # Presses of allowed roles are tried elsewhere: here they would do what they say.
        for role in ROLES:
            for method, path, operation in self.routes:
                permission = operation.get("x-permission")
                if permission is None:
                    continue
                allowed = MATRIX[permission][ROLES.index(role)] == "x"
                if allowed and method != "GET":
                    continue
                with self.subTest(f"{role} {method} {path}"):
                    answer = self.here.api(method, fill(path), {} if method != "GET" else None,
                                           token=self.tokens[role], read=False)
                    if allowed:
                        self.assertIn(answer.status, LET_IN)
                    else:
                        self.assertIn(answer.status, (403, 404))

    def test_pages_are_closed_to_the_same_roles(self):
        leader = self.visitor("leader")
        for place, status in (("/alerts", 403), ("/search", 403), ("/rules", 403), ("/accounts", 403),
                              ("/audit", 403), ("/incidents", 200), ("/systems", 200)):
            self.assertEqual(leader.get(place).status, status, place)
        menu = leader.get("/incidents").body.decode()
        self.assertNotIn('href="/accounts"', menu)

    # --- what someone may not see does not exist

    def test_another_agency_is_not_found(self):
        visitor, token = self.visitor("agency_officer"), self.tokens["agency_officer"]
        for place in ("agencies", "systems", "sources", "alerts", "incidents"):
            for kept, status in ((self.mine, 200), (self.theirs, 404)):
                with self.subTest(f"{place} {status}"):
                    address = f"/{place}/{kept[place]}"
                    self.assertEqual(visitor.get(address).status, status)
                    self.assertEqual(self.here.api("GET", address, token=token).status, status)
        system = f"/systems/{self.theirs['systems']}"
        for address, given in ((system, {"name": "x"}), (f"{system}/edit", None)):
            answer = self.here.api("POST" if given else "GET", address, given, token=token)
            self.assertIn(answer.status, (404, 422), address)
        # Not even by making something of one's own that points there.
        answer = self.here.api("POST", "/systems", {"agency": self.theirs["agencies"], "code": "gia-mao", "name": "Giả",
                                                    "level": 1, "state": "running"}, token=token)
        self.assertIn(answer.status, (403, 404, 422))
        self.assertEqual(self.here.read("/systems", q="gia-mao")["systems"], [])

    def test_lists_and_searches_hold_ones_own_only(self):
        token = self.tokens["agency_officer"]
        for place in ("/agencies", "/systems", "/sources", "/alerts?state=all", "/incidents", "/duty"):
            with self.subTest(place):
                answer = self.here.api("GET", place, token=token)
                self.assertEqual(answer.status, 200)
                self.assertIn("Sở Một".encode(), answer.body)
                self.assertNotIn("Sở Hai".encode(), answer.body)
                self.assertNotIn(self.theirs["systems"].encode(), answer.body)
        self.assertEqual(len(self.here.search(f'"{self.mine["word"]}.php"', token=token)), 1)
        self.assertEqual(self.here.search(f'"{self.theirs["word"]}.php"', token=token), [])
        self.assertEqual(self.here.search(f'agency_id:{self.theirs["agencies"]}', token=token), [])
        self.assertEqual(self.here.search(f'NOT agency_id:{self.mine["agencies"]}', token=token), [])
        below = self.here.api("GET", f"/agencies/{self.below}", token=token)
        self.assertEqual(below.status, 200, "an agency below one's own is one's own")

    def test_a_filter_by_a_foreign_id_shows_nothing(self):
        token = self.tokens["agency_officer"]
        for name in ("agencies", "systems"):
            word = {"agencies": "agency", "systems": "system"}[name]
            rows = self.here.alerts(token=token, **{word: self.theirs[name]})
            self.assertEqual(rows, [])

    # --- sessions, tokens, forged forms

    def test_a_token_opens_the_api_only_and_a_session_the_pages_only(self):
        bearer = {"Authorization": f"Bearer {self.here.token}"}
        answer = self.here.page("GET", "/alerts", headers=bearer)
        self.assertEqual((answer.status, answer.headers["Location"][:8]), (303, "/sign-in"))
        self.assertEqual(self.here.page("POST", "/alerts/bulk", b"{}", bearer).status, 303)
        visitor = self.visitor("administrator")
        self.assertEqual(visitor.get("/alerts").status, 200)
        self.assertEqual(visitor.get("/api/v1/alerts").status, 401)
        for wrong in ("Bearer ", "Bearer x", f"Basic {self.here.token}", f"Bearer {self.here.token}x"):
            answer = self.here.page("GET", "/api/v1/alerts", headers={"Authorization": wrong})
            self.assertEqual(answer.status, 401, wrong)

    def test_a_token_makes_no_token_and_changes_no_password(self):
        for address in ("/account/tokens", "/account/password", "/account/second-factor/begin", "/sign-out"):
            answer = self.here.api("POST", address, {"name": "x", "current": PASSWORD, "password": "y", "again": "y"})
            self.assertEqual(answer.status, 403, address)

    def test_a_change_without_our_forms_token_is_refused(self):
        visitor = self.visitor("administrator")
        for method, path, operation in self.routes:
            if method == "GET" or path in ("/sign-in", "/sign-in/code") or path.startswith("/invite"):
                continue
            for fields in ({}, {"_csrf": "x" * 43}):
                with self.subTest(f"{method} {path} {fields}"):
                    self.assertEqual(visitor.post(fill(path), fields).status, 409)
        self.assertEqual(visitor.get("/account").status, 200, "still signed in")

    def test_a_change_from_another_site_is_refused_even_with_the_token(self):
        visitor = self.visitor("administrator")
        address = f"/alerts/{self.mine['alerts']}/comment"
        fields = {"_csrf": visitor.protection(), "text": marker("loi")}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                        {"Origin": "https://ke-gian.example"}, {"Origin": "null"}):
            self.assertEqual(visitor.post(address, fields, headers).status, 409, headers)
        self.assertEqual(visitor.post(address, fields, {"Sec-Fetch-Site": "same-origin"}).status, 303)
        history = self.here.read(f"/alerts/{self.mine['alerts']}")["history"]
        self.assertEqual([line["text"] for line in history].count(fields["text"]), 1)

    def test_signing_in_and_out(self):
        visitor = Visitor(self.here)
        wrong = visitor.post("/sign-in", {"login": ADMINISTRATOR, "password": "sai-mat-khau-roi"})
        self.assertEqual(wrong.status, 422)
        nobody = visitor.post("/sign-in", {"login": "khong-co-ai", "password": "sai-mat-khau-roi"})
        self.assertEqual(nobody.status, 422)
        self.assertNotIn("session", visitor.cookies)
        answer = visitor.post("/sign-in", {"login": ADMINISTRATOR, "password": PASSWORD, "next": "//ke-gian.example/"})
        self.assertEqual(answer.status, 303)
        self.assertTrue(answer.headers["Location"].startswith("/") and
                        not answer.headers["Location"].startswith("//"), answer.headers["Location"])
        cookie = answer.headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Lax", cookie)
        kept = dict(visitor.cookies)
        self.assertEqual(visitor.post("/sign-out", {"_csrf": visitor.protection()}).status, 303)
        visitor.cookies = kept
        self.assertEqual(visitor.get("/alerts").status, 303, "the old cookie is worthless")

    def test_guessing_is_slowed_down(self):
        statuses = [Visitor(self.here).post("/sign-in", {"login": "bi-do", "password": f"sai-mat-khau-{n}"}).status
                    for n in range(12)]
        self.assertEqual(statuses[0], 422)
        # Where passwords are slow to check, a wait may be over before the last try.
        self.assertIn(429, statuses)

    def test_a_link_works_once(self):
        link = self.invite("nguoi-moi", self.mine)
        Visitor(self.here).join(link, PASSWORD)
        again = Visitor(self.here).get("/invite/" + link.rsplit("/", 1)[-1])
        self.assertEqual(again.status, 409)

    def test_someone_disabled_is_out_at_once(self):
        self.here.run("user", "add", "--login", "sap-nghi", "--name", "Sắp nghỉ", "--role", "analyst",
                      "--password-stdin", given=PASSWORD + "\n")
        visitor, token = Visitor(self.here).sign_in("sap-nghi", PASSWORD), self.here.token_of("sap-nghi")
        self.assertEqual(self.here.api("GET", "/alerts", token=token).status, 200)
        self.here.run("user", "disable", "--login", "sap-nghi")
        self.assertEqual(visitor.get("/alerts").status, 303)
        self.assertEqual(self.here.api("GET", "/alerts", token=token).status, 401)

    # --- headers

    def test_every_answer_carries_the_headers(self):
        visitor = self.visitor("administrator")
        page = visitor.get("/alerts")
        asset = re.search(r'(?:href|src)="(/[^"]+\.(?:css|js)[^"]*)"', page.body.decode()).group(1)
        stranger = self.here.page
        answers = {"page": page, "missing": visitor.get("/khong-co"), "asset": visitor.get(asset),
                   "api": self.here.api("GET", "/alerts"), "door": stranger("GET", "/sign-in"),
                   "redirect": stranger("GET", "/alerts"), "refused": stranger("GET", "/api/v1/alerts"),
                   "health": stranger("GET", "/healthz"), "document": stranger("GET", "/api/v1/openapi.json")}
        for name, answer in answers.items():
            with self.subTest(name):
                policy = answer.headers["Content-Security-Policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertNotIn("unsafe", policy)
                self.assertNotIn("http", policy)
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(answer.headers["Referrer-Policy"], "same-origin")
                self.assertEqual(answer.headers["Cross-Origin-Opener-Policy"], "same-origin")
        self.assertEqual(page.headers["Cache-Control"], "no-store")
        self.assertEqual(answers["asset"].status, 200)

    def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(self):
        visitor = self.visitor("administrator")
        places = ["/", "/duty", "/alerts", "/incidents", "/search?q=*", "/sources", "/systems", "/agencies", "/rules",
                  "/dead-letters", "/exceptions", "/accounts", "/audit", "/account"]
        details = ("alerts", "incidents", "sources", "systems", "agencies")
        places += [f"/{place}/{self.mine[place]}" for place in details]
        for place in places:
            with self.subTest(place):
                answer = visitor.get(place)
                if answer.status == 303:
                    answer = visitor.get(answer.headers["Location"])
                self.assertEqual(answer.status, 200)
                page = answer.body.decode()
                self.assertNotRegex(page, r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>\s*\S")
                self.assertNotRegex(page, r"<style[\s>]")
                self.assertNotRegex(page, r"\sstyle=\"")
                self.assertNotRegex(page, r"\son[a-z]+=\"")
                self.assertNotRegex(page, r"(?:src|href)=\"(?:https?:)?//")
                self.assertEqual(len(re.findall(r"<h1[\s>]", page)), 1)

    def test_hostile_text_from_logs_stays_text(self):
        token = self.here.source(self.mine["agencies"], "Nguồn <b>độc</b>")[1]
        word = marker()
        self.here.ingest(token, [json.dumps({"message": f"{word} <script>alert(1)</script>\"'><img src=x onerror=1>",
                                             "user": {"name": "<svg onload=alert(2)>"}})])
        self.here.event(f'"{word}"')
        visitor = self.visitor("administrator")
        for place in (f"/search?q={word}", "/sources"):
            page = visitor.get(place).body.decode()
            for hostile in ("<script>alert", "<img src=x", "<svg onload", "<b>độc"):
                self.assertNotIn(hostile, page)


if __name__ == "__main__":
    unittest.main()
