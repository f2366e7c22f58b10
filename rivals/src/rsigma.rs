//! rsigma at its best tuning: rules kept apart by log source with a hint for each event, one small pipeline
//! for the registry, match details off. Hints are looked up, not made, so that they cost it nothing.

use std::collections::HashMap;

use rsigma_eval::{Engine, JsonEvent, parse_pipeline};
use rsigma_parser::{LogSource, parse_sigma_yaml};
use serde_json::Value;

/// Sysmon's and PowerShell's kinds of events, as the rules' log sources name them.
const CATEGORIES: [(&str, u64, &str); 32] = [
    ("sysmon", 1, "process_creation"),
    ("sysmon", 2, "file_change"),
    ("sysmon", 3, "network_connection"),
    ("sysmon", 4, "sysmon_status"),
    ("sysmon", 5, "process_termination"),
    ("sysmon", 6, "driver_load"),
    ("sysmon", 7, "image_load"),
    ("sysmon", 8, "create_remote_thread"),
    ("sysmon", 9, "raw_access_thread"),
    ("sysmon", 10, "process_access"),
    ("sysmon", 11, "file_event"),
    ("sysmon", 12, "registry_event"),
    ("sysmon", 13, "registry_event"),
    ("sysmon", 14, "registry_event"),
    ("sysmon", 15, "create_stream_hash"),
    ("sysmon", 16, "sysmon_status"),
    ("sysmon", 17, "pipe_created"),
    ("sysmon", 18, "pipe_created"),
    ("sysmon", 19, "wmi_event"),
    ("sysmon", 20, "wmi_event"),
    ("sysmon", 21, "wmi_event"),
    ("sysmon", 22, "dns_query"),
    ("sysmon", 23, "file_delete"),
    ("sysmon", 25, "process_tampering"),
    ("sysmon", 26, "file_delete"),
    ("sysmon", 27, "file_block_executable"),
    ("powershell", 4103, "ps_module"),
    ("powershell", 4104, "ps_script"),
    ("powershell-classic", 400, "ps_classic_start"),
    ("powershell-classic", 600, "ps_classic_provider_start"),
    ("powershell-classic", 800, "ps_classic_script"),
    ("security", 4688, "process_creation"),
];

/// Channels by what rules call them.
const SERVICES: [(&str, &str); 16] = [
    ("microsoft-windows-sysmon/operational", "sysmon"),
    ("security", "security"),
    ("system", "system"),
    ("application", "application"),
    ("microsoft-windows-powershell/operational", "powershell"),
    ("windows powershell", "powershell-classic"),
    ("microsoft-windows-wmi-activity/operational", "wmi"),
    ("microsoft-windows-windows defender/operational", "windefend"),
    ("microsoft-windows-taskscheduler/operational", "taskscheduler"),
    ("microsoft-windows-bits-client/operational", "bits-client"),
    ("directory service", "ldap"),
    ("dns server", "dns-server"),
    ("microsoft-windows-dns-client/operational", "dns-client"),
    ("microsoft-windows-ntlm/operational", "ntlm"),
    ("microsoft-windows-codeintegrity/operational", "codeintegrity-operational"),
    ("microsoft-windows-windows firewall with advanced security/firewall", "firewall-as"),
];

/// A registry event has one category for itself; rules about a kind of them ask for its number.
const REGISTRY: &str = "
name: registry
priority: 10
transformations:
  - { id: a, type: add_condition, conditions: { EventID: 12 }, rule_conditions: [{ type: logsource, category: registry_add }] }
  - { id: b, type: add_condition, conditions: { EventID: 12 }, rule_conditions: [{ type: logsource, category: registry_delete }] }
  - { id: c, type: add_condition, conditions: { EventID: 13 }, rule_conditions: [{ type: logsource, category: registry_set }] }
  - { id: d, type: add_condition, conditions: { EventID: 14 }, rule_conditions: [{ type: logsource, category: registry_rename }] }
  - { id: e, type: change_logsource, product: windows, category: registry_event, rule_conditions: [{ type: logsource, category: registry_add }] }
  - { id: f, type: change_logsource, product: windows, category: registry_event, rule_conditions: [{ type: logsource, category: registry_delete }] }
  - { id: g, type: change_logsource, product: windows, category: registry_event, rule_conditions: [{ type: logsource, category: registry_set }] }
  - { id: h, type: change_logsource, product: windows, category: registry_event, rule_conditions: [{ type: logsource, category: registry_rename }] }
";

/// The rival with its rules.
pub(crate) struct Rsigma {
    engine: Engine,
    /// By channel and event number.
    hints: HashMap<String, HashMap<u64, LogSource>>,
    /// Rules that it refused.
    pub(crate) refused: usize,
}

impl Rsigma {
    /// Loads rule files.
    pub(crate) fn load(texts: &[(String, String)]) -> Self {
        let mut engine = Engine::new();
        engine.add_pipeline(parse_pipeline(REGISTRY).expect("the pipeline is in order"));
        let mut rules = Vec::new();
        let mut refused = 0;
        for (_, text) in texts {
            match parse_sigma_yaml(text) {
                Ok(collection) => rules.extend(collection.rules),
                Err(_) => refused += 1,
            }
        }
        refused += engine.add_rules(&rules).len();
        Self { engine, hints: HashMap::new(), refused }
    }

    /// Returns how many rules are in force.
    pub(crate) fn rules(&self) -> usize {
        self.engine.rule_count()
    }

    /// Judges one record; hands the id of each rule that fires to `fires`.
    pub(crate) fn judge(&mut self, line: &[u8], mut fires: impl FnMut(&str)) {
        let Ok(record) = serde_json::from_slice::<Value>(line) else { return };
        let channel = record.get("Channel").and_then(Value::as_str).unwrap_or_default();
        let number = record.get("EventID").map_or(0, |own| {
            own.as_u64().or_else(|| own.as_str()?.parse().ok()).unwrap_or_default()
        });
        if !self.hints.get(channel).is_some_and(|own| own.contains_key(&number)) {
            let own = self.hints.entry(channel.to_owned()).or_default();
            own.insert(number, hint(channel, number));
        }
        let Some(hint) = self.hints.get(channel).and_then(|own| own.get(&number)) else { return };
        for result in self.engine.evaluate_pruned(&JsonEvent::borrow(&record), hint) {
            fires(result.header.rule_id.as_deref().unwrap_or_default());
        }
    }
}

/// Returns what an event is. What has no service or category gets one that no rule asks for: an empty
/// one would let every rule try.
fn hint(channel: &str, number: u64) -> LogSource {
    let channel = channel.to_ascii_lowercase();
    let service = SERVICES.iter().find(|(own, _)| *own == channel).map_or("-", |(_, name)| name);
    let category = CATEGORIES.iter().find(|(own, id, _)| *own == service && *id == number);
    LogSource {
        product: Some("windows".to_owned()),
        service: Some(service.to_owned()),
        category: Some(category.map_or("-", |(_, _, name)| name).to_owned()),
        ..LogSource::default()
    }
}
