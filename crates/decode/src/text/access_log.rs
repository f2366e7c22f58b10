//! Common and Combined log format of web servers, with or without a virtual host in front.
//!
//! Fields have the W3C names that Sigma's webserver rules use.

use event::{Fields, Value};

use crate::parsed::StatedTime;
use crate::scan::Scan;
use crate::time;

/// Reads a line; `None` if it is no access log. Fields are added only when it is one.
pub(crate) fn read(text: &str, fields: &mut Fields) -> Option<StatedTime> {
    let (before, after) = text.split_once(" [")?;
    let mut names = before.split_ascii_whitespace();
    let (first, second, third) = (names.next()?, names.next()?, names.next()?);
    // Three names are client, ident, user; a fourth in front is the virtual host.
    let (host, client, user) = match names.next() {
        None => (None, first, third),
        Some(fourth) => (Some(first), second, fourth),
    };
    if names.next().is_some() {
        return None;
    }
    let (stamp, after) = after.split_once("] ")?;
    let stated = time::read(stamp)?;
    let mut scan = Scan::new(after.trim_start());
    let request = quoted(&mut scan)?;
    scan.spaces();
    let status: i64 = scan.word().parse().ok()?;
    let bytes = scan.word();

    fields.push("c-ip", client);
    if let Some(host) = host {
        fields.push("cs-host", host);
    }
    fields.push("cs-username", user);
    fields.push("time", stamp);
    request_line(&request, fields);
    fields.push("sc-status", status);
    match bytes.parse::<i64>() {
        Ok(count) => fields.push("sc-bytes", count),
        Err(_) => fields.push("sc-bytes", bytes),
    }
    for name in ["cs-referer", "cs-user-agent"] {
        scan.spaces();
        match quoted(&mut scan) {
            // The request had none.
            Some(value) if value == "-" => fields.push(name, Value::Null),
            Some(value) => fields.push(name, value),
            None => {}
        }
    }
    let extra = scan.rest.trim();
    if !extra.is_empty() {
        fields.push("extra", extra);
    }
    Some(stated)
}

/// `GET /path?query HTTP/1.1`; anything else is kept as `cs-request`.
fn request_line(request: &str, fields: &mut Fields) {
    let parts = request.split_once(' ').filter(|(method, _)| {
        !method.is_empty()
            && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'_')
    });
    let Some((method, rest)) = parts else {
        fields.push("cs-request", request);
        return;
    };
    let (uri, version) = match rest.rsplit_once(' ') {
        Some((uri, version)) if version.starts_with("HTTP/") => (uri, Some(version)),
        _ => (rest, None),
    };
    fields.push("cs-method", method);
    uri_fields(uri, fields);
    if let Some(version) = version {
        fields.push("cs-version", version);
    }
}

/// Adds `cs-uri`, `cs-uri-stem` and `cs-uri-query`.
fn uri_fields(uri: &str, fields: &mut Fields) {
    fields.push("cs-uri", uri);
    match uri.split_once('?') {
        Some((stem, query)) => {
            fields.push("cs-uri-stem", stem);
            fields.push("cs-uri-query", query);
        }
        None => fields.push("cs-uri-stem", Value::from(uri)),
    }
}

/// Takes a quoted text; `\"` is unescaped, other escapes (`\x16`) stay as the server wrote them.
fn quoted(scan: &mut Scan<'_>) -> Option<String> {
    let mut ahead = *scan;
    if !ahead.eat("\"") {
        return None;
    }
    let mut value = String::new();
    loop {
        value.push_str(ahead.take_while(|c| !matches!(c, '"' | '\\')));
        if ahead.eat("\"") {
            *scan = ahead;
            return Some(value);
        }
        if !ahead.eat("\\") {
            return None;
        }
        match ahead.rest.chars().next()? {
            '"' => value.push('"'),
            other => value.extend(['\\', other]),
        }
        let escaped_bytes = ahead.rest.chars().next().map_or(0, char::len_utf8);
        ahead.take_bytes(escaped_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused_whole() {
        let time = "[23/Nov/2026:16:20:01 +0700]";
        let cases = [
            (
                r#"198.51.100.7 - - T "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8""#,
                r#"{"c-ip":"198.51.100.7","cs-username":"-","time":"23/Nov/2026:16:20:01 +0700","cs-method":"GET","cs-uri":"/a?b=1","cs-uri-stem":"/a","cs-uri-query":"b=1","cs-version":"HTTP/1.1","sc-status":200,"sc-bytes":512,"cs-referer":null,"cs-user-agent":"curl/8"}"#,
            ),
            (
                r#"www.example.vn 2001:db8::1 - an T "\x16\x03" 400 -"#,
                r#"{"c-ip":"2001:db8::1","cs-host":"www.example.vn","cs-username":"an","time":"23/Nov/2026:16:20:01 +0700","cs-request":"\\x16\\x03","sc-status":400,"sc-bytes":"-"}"#,
            ),
            (
                r#"10.0.0.1 - - T "GET / HTTP/1.0" 200 1 "a\"b" "x" "10.9.9.9""#,
                r#"{"c-ip":"10.0.0.1","cs-username":"-","time":"23/Nov/2026:16:20:01 +0700","cs-method":"GET","cs-uri":"/","cs-uri-stem":"/","cs-version":"HTTP/1.0","sc-status":200,"sc-bytes":1,"cs-referer":"a\"b","cs-user-agent":"x","extra":"\"10.9.9.9\""}"#,
            ),
            (r#"10.0.0.1 - - T "GET / HTTP/1.0 200 1"#, "{}"),
            ("10.0.0.1 - - [yesterday] \"GET / HTTP/1.0\" 200 1", "{}"),
            ("hello [world] x", "{}"),
        ];
        for (text, expected) in cases {
            let mut fields = Fields::new();
            read(&text.replace(" T ", &format!(" {time} ")), &mut fields);
            assert_eq!(serde_json::to_string(&fields).unwrap(), expected, "{text}");
        }
    }
}
