//! How to connect: ready configuration text for the usual shippers, with this server's address in it.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::{LogSource, SourceKind};

/// A parser that a source can name, as the decoder describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParserInfo {
    /// Its folder under `sources/`.
    pub id: String,
    /// Vietnamese name.
    pub title_vi: String,
    /// English name.
    pub title_en: String,
    /// How an administrator turns this log on, Vietnamese.
    pub connect_vi: String,
    /// The same in English.
    pub connect_en: String,
}

/// A syslog listener of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeListener {
    /// Its name, as sources name it.
    pub name: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Its port.
    pub port: u16,
}

/// Where senders reach this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Address or name that senders use.
    pub host: String,
    /// Base address of the HTTP intake (`http://10.0.0.5:8514`).
    pub http_url: String,
    /// The syslog listeners.
    pub syslog: Vec<IntakeListener>,
}

/// Ready text for one shipper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Snippet {
    /// The shipper's name and file (`rsyslog · /etc/rsyslog.d/90-luytre.conf`).
    pub(crate) title: String,
    /// What to put there.
    pub(crate) text: String,
}

impl Snippet {
    fn new(title: &str, text: String) -> Self {
        Self { title: title.to_owned(), text }
    }
}

/// Returns the texts for a source. `token` is what stands where the token belongs: the token itself
/// on the one page that shows it, a placeholder everywhere else.
pub(crate) fn snippets(intake: &Intake, source: &LogSource, token: &str) -> Vec<Snippet> {
    match source.kind {
        SourceKind::Http => http(intake, token),
        SourceKind::Syslog => syslog(intake, source),
        SourceKind::File => Vec::new(),
    }
}

fn http(intake: &Intake, token: &str) -> Vec<Snippet> {
    let url = &intake.http_url;
    let beat = format!(
        "setup.template.enabled: false\nsetup.ilm.enabled: false\noutput.elasticsearch:\n  hosts: [\"{url}\"]\n  api_key: \"luytre:{token}\"\n"
    );
    let filebeat = format!(
        "filebeat.inputs:\n  - type: filestream\n    id: logs\n    paths: [\"/var/log/*.log\"]\n{beat}"
    );
    let winlogbeat = format!(
        "winlogbeat.event_logs:\n  - name: Security\n  - name: System\n  - name: Microsoft-Windows-Sysmon/Operational\n  - name: Microsoft-Windows-PowerShell/Operational\n{beat}"
    );
    let vector = format!(
        "sources:\n  logs:\n    type: file\n    include: [\"/var/log/**/*.log\"]\nsinks:\n  luytre:\n    type: http\n    inputs: [logs]\n    uri: \"{url}/ingest\"\n    framing: {{ method: newline_delimited }}\n    encoding: {{ codec: text }}\n    auth: {{ strategy: bearer, token: \"{token}\" }}\n"
    );
    let rsyslog = format!(
        "module(load=\"omhttp\")\naction(type=\"omhttp\"\n  server=\"{host}\" serverport=\"{port}\" usehttps=\"{tls}\" restpath=\"ingest\"\n  httpheaderkey=\"X-Luytre-Token\" httpheadervalue=\"{token}\"\n  template=\"RSYSLOG_SyslogProtocol23Format\"\n  batch=\"on\" batch.format=\"newline\" batch.maxsize=\"500\"\n  queue.type=\"LinkedList\" queue.filename=\"luytre\" queue.saveonshutdown=\"on\"\n  action.resumeRetryCount=\"-1\")\n",
        host = intake.host,
        port = port_of(url),
        tls = if url.starts_with("https:") { "on" } else { "off" },
    );
    let curl = format!(
        "curl -sS -H 'Authorization: Bearer {token}' --data-binary @access.log {url}/ingest\n"
    );
    vec![
        Snippet::new("Filebeat · /etc/filebeat/filebeat.yml", filebeat),
        Snippet::new("Winlogbeat · winlogbeat.yml", winlogbeat),
        Snippet::new("Vector · /etc/vector/vector.yaml", vector),
        Snippet::new("rsyslog · /etc/rsyslog.d/90-luytre.conf", rsyslog),
        Snippet::new("curl", curl),
    ]
}

fn port_of(url: &str) -> &str {
    let authority = url.split("://").nth(1).unwrap_or(url);
    let authority = authority.split('/').next().unwrap_or(authority);
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => port,
        _ if url.starts_with("https:") => "443",
        _ => "80",
    }
}

fn syslog(intake: &Intake, source: &LogSource) -> Vec<Snippet> {
    let host = &intake.host;
    let wanted = |listener: &&IntakeListener| {
        source.listener.as_deref().is_none_or(|name| name == listener.name)
    };
    intake
        .syslog
        .iter()
        .filter(wanted)
        .flat_map(|listener| {
            let port = listener.port;
            let (transport, driver) = match listener.transport.as_str() {
                "udp" => ("udp", ""),
                "tls" => ("tcp", " StreamDriver=\"ossl\" StreamDriverMode=\"1\" StreamDriverAuthMode=\"x509/name\""),
                _ => ("tcp", ""),
            };
            let rsyslog = format!(
                "*.* action(type=\"omfwd\" target=\"{host}\" port=\"{port}\" protocol=\"{transport}\"{driver}\n  template=\"RSYSLOG_SyslogProtocol23Format\"\n  queue.type=\"LinkedList\" queue.filename=\"luytre\" queue.saveonshutdown=\"on\"\n  action.resumeRetryCount=\"-1\")\n"
            );
            let device = format!("syslog server: {host}\nport: {port}\ntransport: {}\n", listener.transport);
            [
                Snippet::new(&format!("rsyslog · {}", listener.name), rsyslog),
                Snippet::new(&format!("{} · {}", listener.transport.to_uppercase(), listener.name), device),
            ]
        })
        .collect()
}
