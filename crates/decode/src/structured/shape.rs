//! Tells by its fields which product wrote a JSON object.

use event::{Fields, Value};

use super::{laurel, windows, zeek};

/// Returns the folder under `sources/` that knows this object; `generic_json` if none does.
///
/// The narrow shapes are asked before the wide ones: a Winlogbeat event is ECS too, a Suricata event
/// has a `timestamp` like any other.
pub(crate) fn shape(fields: &Fields) -> &'static str {
    if windows::is_windows(fields) {
        return "microsoft_windows";
    }
    if is_suricata(fields) {
        return "oisf_suricata";
    }
    if zeek::is_zeek(fields) {
        return "zeek_zeek";
    }
    if laurel::is_laurel(fields) {
        return "linux_laurel";
    }
    if is_ecs(fields) {
        return "elastic_ecs";
    }
    "generic_json"
}

fn is_suricata(fields: &Fields) -> bool {
    let has = |name: &str| fields.get(name).is_some();
    matches!(fields.get("event_type"), Some(Value::Text(_)))
        && has("timestamp")
        && (has("flow_id") || has("in_iface") || has("src_ip") || has("stats.uptime"))
}

fn is_ecs(fields: &Fields) -> bool {
    /// Any of these beside `@timestamp`: ECS requires `ecs.version`, but shippers drop it.
    const SETS: &[&str] =
        &["event.", "source.", "destination.", "process.", "user.", "url.", "http.", "agent."];
    let has = |name: &str| fields.get(name).is_some();
    has("ecs.version")
        || (has("@timestamp")
            && fields.iter().any(|(name, _)| SETS.iter().any(|set| name.starts_with(set))))
}
