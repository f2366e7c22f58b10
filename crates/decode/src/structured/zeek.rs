//! Zeek's JSON logs in the spellings that its writers and shippers give them.
//!
//! The `_path` field names the log; where a shipper drops it, the fields that only one log has do.

use event::{Fields, Value};

/// Fields that only the log of this path has, the surest first. Source: Zeek's log reference.
const PATH_BY_FIELDS: &[(&[&str], &str)] = &[
    (&["conn_state"], "conn"),
    (&["qtype_name"], "dns"),
    (&["trans_id", "query"], "dns"),
    (&["trans_depth", "method"], "http"),
    (&["uri", "status_code"], "http"),
    (&["endpoint", "operation"], "dce_rpc"),
    (&["request_type", "client"], "kerberos"),
    (&["kex_alg"], "ssh"),
    (&["auth_attempts"], "ssh"),
    (&["share_type"], "smb_mapping"),
    (&["action", "path", "size"], "smb_files"),
    (&["certificate.serial"], "x509"),
    (&["cipher", "version"], "ssl"),
    (&["server_name", "established"], "ssl"),
    (&["fuid", "mime_type"], "files"),
    (&["fuid", "seen_bytes"], "files"),
    (&["note", "msg"], "notice"),
    (&["mailfrom"], "smtp"),
    (&["rcptto"], "smtp"),
    (&["cookie", "security_protocol"], "rdp"),
    (&["lease_time"], "dhcp"),
    (&["server_nb_computer_name"], "ntlm"),
    (&["software_type"], "software"),
    (&["tunnel_type"], "tunnel"),
    (&["facility", "severity", "message"], "syslog"),
];

/// What Elastic's module calls the names that all logs have, and those of `http`. Source: Filebeat's zeek fields.
const FROM_MODULE: &[(&str, &str)] = &[
    ("zeek.session_id", "uid"),
    ("source.ip", "id.orig_h"),
    ("source.port", "id.orig_p"),
    ("destination.ip", "id.resp_h"),
    ("destination.port", "id.resp_p"),
    ("network.transport", "proto"),
    ("http.request.method", "method"),
    ("http.request.referrer", "referrer"),
    ("http.response.status_code", "status_code"),
    ("url.domain", "host"),
    ("url.original", "uri"),
    ("user_agent.original", "user_agent"),
];

/// Returns whether flattened JSON is a record of a Zeek log.
pub(super) fn is_zeek(fields: &Fields) -> bool {
    let has = |name: &str| fields.get(name).is_some();
    if has("_path") || (has("@stream") && has("@proc")) || is_of_module(fields) {
        return true;
    }
    let endpoints = has("id.orig_h") || has("id_orig_h");
    has("ts") && (endpoints || has("uid") || has("fuid"))
}

/// Whether Elastic's module took the record apart and dropped it.
fn is_of_module(fields: &Fields) -> bool {
    fields.get("zeek.session_id").is_some() && fields.get("event.original").is_none()
}

/// Adds Zeek's names to what Elastic's module made of them: `zeek.dns.query` is `query` of the log `dns`.
fn add_own_names(fields: &mut Fields) {
    let mut own: Vec<(&str, Value)> = Vec::new();
    let old = fields.clone();
    for (name, value) in old.iter() {
        let below = name.strip_prefix("zeek.").and_then(|rest| rest.split_once('.'));
        match below {
            Some(("connection", "state")) => own.push(("conn_state", value.clone())),
            Some((_, rest)) => own.push((rest, value.clone())),
            None => {
                let found = FROM_MODULE.iter().find(|(theirs, _)| *theirs == name);
                own.extend(found.map(|(_, zeek)| (*zeek, value.clone())));
            }
        }
        if let Some((log, _)) = below {
            let path = if log == "connection" { "conn" } else { log };
            own.push(("_path", Value::from(path)));
        }
    }
    for (name, value) in own {
        if fields.get(name).is_none() {
            fields.push(name.to_owned(), value);
        }
    }
}

/// Spells the endpoints `id.orig_h` and so on, and sets `_path` when a shipper left it out.
pub(super) fn normalise(fields: &mut Fields) {
    if is_of_module(fields) {
        add_own_names(fields);
    }
    let underscored = fields.iter().any(|(name, _)| name.starts_with("id_"));
    if underscored {
        let old = std::mem::take(fields);
        for (name, value) in old.iter() {
            let name = match name {
                "id_orig_h" => "id.orig_h",
                "id_orig_p" => "id.orig_p",
                "id_resp_h" => "id.resp_h",
                "id_resp_p" => "id.resp_p",
                other => other,
            };
            fields.push(name.to_owned(), value.clone());
        }
    }
    if fields.get("_path").is_none() {
        let stream = fields.get("@stream").cloned();
        let guess = || {
            let has_all = |names: &[&str]| names.iter().all(|name| fields.get(name).is_some());
            let found = PATH_BY_FIELDS.iter().find(|(names, _)| has_all(names));
            found.map(|(_, path)| Value::from(*path))
        };
        if let Some(path) = stream.or_else(guess) {
            fields.set("_path", path);
        }
    }
}
