"""A person with a browser: cookies, forms and their protection, without a browser."""

import http.cookies
import re
import urllib.parse


class Visitor:
    """Visits the pages of one installation; keeps cookies between visits."""

    def __init__(self, installation):
        self.installation = installation
        self.cookies = {}

    def call(self, method, path, body=None, headers=None, read=True):
        """Asks for an address and keeps the cookies of the answer; follows no redirect."""
        headers = dict(headers or {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.installation.page(method, path, body, headers, read)
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, cookie in http.cookies.SimpleCookie(line).items():
                if cookie["max-age"] == "0" or not cookie.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie.value
        return answer

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, fields, headers=None):
        """Sends a form as it stands, with whatever protection the caller put in."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.call("POST", path, urllib.parse.urlencode(fields).encode(), kind)

    def protection(self, path="/account"):
        """Returns the token that the forms of a page carry."""
        page = self.get(path).body.decode()
        found = re.search(r'name="_csrf" value="([^"]+)"', page)
        assert found, f"no protected form on {path}"
        return found.group(1)

    def sign_in(self, login, password):
        answer = self.post("/sign-in", {"login": login, "password": password})
        assert answer.status == 303, (answer.status, answer.body)
        return self

    def join(self, link, password):
        """Follows a one-time link and chooses the password; is signed in after it."""
        path = urllib.parse.urlsplit(link).path
        assert self.get(path).status == 200
        answer = self.post(path, {"password": password, "again": password})
        assert answer.status == 303, (answer.status, answer.body)
        return self
