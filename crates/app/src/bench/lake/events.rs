//! The events that the lake is measured with: firewall, names asked for, proxy, processes, sign-ins,
//! syslog, intrusion detection and web, about 650 bytes each as flat JSON, over five days. How often values
//! come again is as in a province of 180 agencies; the same seed makes the same bytes.

use std::io::{self, Write};
use std::ops::Range;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A word that stands in seven events, and in none otherwise.
pub(in crate::bench) const RARE_WORD: &str = "qz7needlexk93";

/// A part of that word: no index of words knows it.
pub(in crate::bench) const RARE_PART: &str = "7needlexk9";

/// Events that have the rare word.
pub(super) const NEEDLES: u64 = 7;

/// The first event: 2026-11-23 00:00 UTC.
const START_US: i64 = 1_795_392_000_000_000;

/// Five days.
const SPAN_US: u64 = 5 * 86_400_000_000;

/// Returns a time that holds all events, and is no longer than a chart by the hour allows.
pub(super) fn span() -> Range<DateTime<Utc>> {
    let start = DateTime::from_timestamp_micros(START_US).unwrap_or_default();
    start..start + TimeDelta::days(60)
}

/// Events come out of their order by up to this much.
const JITTER_US: u64 = 2_000_000;

const AGENCIES: u64 = 180;
const HOSTS: u64 = 20_000;
const USERS: u64 = 30_000;
const OUTSIDE: u64 = 2_000_000;
const DOMAINS: u64 = 200_000;
const HASHES: u64 = 50_000;

/// `SplitMix64` (Steele, Lea, Flood 2014): the same numbers on every machine and in every version.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `count`, each as often.
    fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }

    /// Returns a number below `count`, small ones far more often: a doubling of the number halves how
    /// often it comes (Zipf).
    fn often_small(&mut self, count: u64) -> u64 {
        let doublings = u64::from(count.max(2).ilog2());
        let top = 1_u64 << self.below(doublings + 1);
        (top + self.below(top)).saturating_sub(1).min(count - 1)
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        of.get(place).copied().unwrap_or_default()
    }
}

/// Spreads a small number over all bits, for ids and hashes.
fn spread(number: u64) -> u64 {
    Numbers(number).next()
}

fn outside_ip(number: u64) -> String {
    let bits = spread(number ^ 0xA11);
    let [a, b, c, d, ..] = bits.to_be_bytes();
    format!("{}.{b}.{c}.{}", 11 + a % 150, 1 + d % 250)
}

fn inside_ip(host: u64) -> String {
    format!("10.{}.{}.{}", host / 2500 % 250, host / 250 % 250, 1 + host % 250)
}

fn domain(numbers: &mut Numbers) -> String {
    if numbers.below(50) == 0 {
        return format!("{:x}.info", numbers.next());
    }
    let number = numbers.often_small(DOMAINS);
    let word = ["cong", "tin", "dich-vu", "mail", "cdn", "anh", "kho", "static"];
    let word = word.get(usize::try_from(number % 8).unwrap_or(0)).copied().unwrap_or_default();
    format!("{word}{:05}.example{}.vn", number, number % 97)
}

fn hash(numbers: &mut Numbers) -> String {
    let number = match numbers.below(100) {
        0 => numbers.next(),
        _ => numbers.often_small(HASHES),
    };
    let [a, b, c, d] = [0, 1, 2, 3].map(|part: u64| spread(number.wrapping_add(part << 40)));
    format!("{a:016x}{b:016x}{c:016x}{d:016x}")
}

fn agency_id(number: u64) -> String {
    let (high, low) = (spread(number ^ 0x1d00), spread(number ^ (1 << 32)));
    Uuid::from_u64_pair(high, low).hyphenated().to_string()
}

/// Makes the events one after the other.
pub(in crate::bench) struct Events {
    numbers: Numbers,
    number: u64,
    count: u64,
}

/// What the kinds of events share.
struct Common {
    host: u64,
    user: String,
    /// To the second, as records state it.
    stamp: String,
}

impl Events {
    pub(in crate::bench) fn new(seed: u64, count: u64) -> Self {
        Self { numbers: Numbers(seed), number: 0, count }
    }

    /// Writes all events, one JSON object a line.
    pub(in crate::bench) fn write(mut self, mut to: impl Write) -> io::Result<()> {
        while self.number < self.count {
            serde_json::to_writer(&mut to, &self.event())?;
            to.write_all(b"\n")?;
        }
        to.flush()
    }

    fn event(&mut self) -> Map<String, Value> {
        let (number, count) = (self.number, self.count);
        self.number += 1;
        let at = u128::from(number) * u128::from(SPAN_US - JITTER_US) / u128::from(count.max(1));
        let at = u64::try_from(at).unwrap_or(0) + self.numbers.below(JITTER_US);
        let at_us = START_US + i64::try_from(at).unwrap_or(0);
        let stamp = DateTime::from_timestamp_micros(at_us).unwrap_or_default();
        let numbers = &mut self.numbers;
        let host = numbers.often_small(HOSTS);
        let common = Common {
            host,
            user: format!("canbo{:05}", numbers.often_small(USERS)),
            stamp: stamp.to_rfc3339_opts(SecondsFormat::Secs, true),
        };
        let mut event = match numbers.below(100) {
            0..25 => firewall(numbers, &common),
            25..40 => dns(numbers, &common),
            40..55 => proxy(numbers, &common),
            55..67 => process(numbers, &common),
            67..79 => sign_in(numbers, &common),
            79..90 => syslog(numbers, &common),
            90..95 => intrusion(numbers, &common),
            _ => web(numbers, &common),
        };
        let every = (count / NEEDLES).max(1);
        if number % every == every / 2
            && number / every < NEEDLES
            && let Some(Value::String(message)) = event.get_mut("message")
        {
            message.push_str(" ref=");
            message.push_str(RARE_WORD);
        }
        let stamp = stamp.to_rfc3339_opts(SecondsFormat::Micros, true);
        event.insert("ts".to_owned(), stamp.into());
        event.insert("agency_id".to_owned(), agency_id(host % AGENCIES).into());
        event.insert("host".to_owned(), host_name(host).into());
        event
    }
}

fn host_name(host: u64) -> String {
    format!("may-{:05}.so{:03}.example.vn", host, host % AGENCIES)
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn firewall(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let denied = numbers.below(5) == 0;
    let (src, dst) = (outside_ip(numbers.often_small(OUTSIDE)), inside_ip(common.host));
    let port = [443, 80, 53, 22, 3389, 445, 25, 8443]
        .get(usize::try_from(numbers.often_small(8)).unwrap_or(0))
        .copied()
        .unwrap_or(443);
    let (src_port, sent) = (1024 + numbers.below(64_000), numbers.often_small(1 << 22));
    let received = numbers.often_small(1 << 24);
    let (action, session) = (if denied { "denied" } else { "allowed" }, numbers.next() >> 20);
    let protocol = if numbers.below(4) == 0 { "udp" } else { "tcp" };
    let rule = numbers.often_small(400);
    let message = format!(
        "CEF:0|Fortinet|Fortigate|v7.2.5|{:05}|traffic:forward|{}|deviceExternalId=FG{:04} rt={} \
         src={src} spt={src_port} dst={dst} dpt={port} proto={protocol} act={action} in={received} \
         out={sent} cs1Label=policy cs1=rule-{rule} externalId={session} app=SSL \
         deviceOutboundInterface=lan{}",
        13 + rule,
        if denied { 5 } else { 3 },
        common.host % 180,
        common.stamp,
        common.host % 4,
    );
    map(json!({
        "class_uid": 4001, "log_product": "fortigate", "log_category": "firewall", "src_ip": src,
        "src_port": src_port, "dst_ip": dst, "dst_port": port, "protocol": protocol,
        "action": action, "bytes_in": received, "bytes_out": sent, "message": message,
    }))
}

fn dns(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let name = domain(numbers);
    let (client, answer) = (inside_ip(common.host), outside_ip(numbers.often_small(OUTSIDE)));
    let kind = ["A", "A", "A", "AAAA", "MX", "TXT", "HTTPS"];
    let (kind, port) = (numbers.pick(&kind), 1024 + numbers.below(64_000));
    let code = if numbers.below(12) == 0 { "NXDOMAIN" } else { "NOERROR" };
    let (uid, id) = (numbers.next(), numbers.below(65_536));
    let message = format!(
        "{}\tC{uid:x}\t{client}\t{port}\t10.0.0.53\t53\tudp\t{id}\t0.0{}\t{name}\t1\tC_INTERNET\t1\t{kind}\t0\t{code}\t\
         F\tF\tT\tT\t0\t{answer}\t{}.000000\tF\tsensor-{:03}",
        common.stamp,
        numbers.below(90_000),
        numbers.often_small(86_400),
        common.host % 180,
    );
    map(json!({
        "class_uid": 4003, "log_product": "zeek", "log_service": "dns", "src_ip": client,
        "src_port": port, "dst_ip": "10.0.0.53", "dst_port": 53, "protocol": "udp", "dns_query": name,
        "dns_type": kind, "dns_rcode": code, "dns_answer": answer, "message": message,
    }))
}

fn proxy(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let (name, client) = (domain(numbers), inside_ip(common.host));
    let (page, sent) = (numbers.often_small(5_000_000), numbers.often_small(1 << 20));
    let url = format!("https://{name}/tai-lieu/{page}/trang?ma={:x}", numbers.below(1 << 40));
    let method = numbers.pick(&["GET", "GET", "GET", "POST", "CONNECT"]);
    let status = [200, 200, 200, 304, 404, 403, 503]
        .get(usize::try_from(numbers.below(7)).unwrap_or(0))
        .copied()
        .unwrap_or(200);
    let action = if status == 403 { "denied" } else { "allowed" };
    let message = format!(
        "{} {} {client} TCP_MISS/{status} {sent} {method} {url} {} HIER_DIRECT/{} text/html",
        common.stamp,
        numbers.below(90_000),
        common.user,
        outside_ip(page % OUTSIDE),
    );
    map(json!({
        "class_uid": 4002, "log_product": "squid", "log_category": "proxy", "src_ip": client,
        "user": common.user, "url": url, "url_host": name, "http_method": method,
        "http_status": status, "bytes_out": sent, "action": action, "protocol": "tcp",
        "message": message,
    }))
}

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
    "Microsoft-CryptoAPI/10.0",
    "Mozilla/5.0 (Windows NT 10.0) CocCoc/128.0",
];

fn process(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let image = numbers.pick(&[
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\System32\cmd.exe",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
        r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
    ]);
    let (parent, digest) = (r"C:\Windows\explorer.exe", hash(numbers));
    let (pid, session) = (numbers.below(60_000), numbers.below(1 << 24));
    let line = format!(
        r#""{image}" -k netsvcs -p -s task{} /id:{:x} D:\HoSo\{}\van-ban-{}.docx"#,
        numbers.often_small(900),
        numbers.below(1 << 32),
        common.user,
        numbers.often_small(400_000),
    );
    let message = format!(
        "Process Create: UtcTime: {} ProcessId: {pid} Image: {image} CommandLine: {line} User: TINH\\{} \
         LogonId: 0x{session:x} Hashes: SHA256={digest}",
        common.stamp, common.user,
    );
    map(json!({
        "class_uid": 1007, "log_product": "windows", "log_category": "process_creation",
        "log_service": "sysmon", "event_code": "1", "user": common.user, "domain": "TINH",
        "process": image, "cmd_line": line, "parent_process": parent, "pid": pid,
        "file_hash": digest, "message": message,
    }))
}

fn sign_in(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let failed = numbers.below(20) == 0;
    let (code, status) = if failed { ("4625", "failure") } else { ("4624", "success") };
    let logon = [3, 3, 3, 2, 5, 10]
        .get(usize::try_from(numbers.below(6)).unwrap_or(0))
        .copied()
        .unwrap_or(3);
    let (src, session) = (inside_ip(numbers.often_small(HOSTS)), numbers.below(1 << 32));
    let port = 1024 + numbers.below(64_000);
    let message = format!(
        "An account {}. Logon Type: {logon} New Logon: \
         Security ID: S-1-5-21-{}-{} Account Name: {} Account Domain: TINH Logon ID: 0x{session:x} \
         Source Network Address: {src} Source Port: {port} Logon Process: NtLmSsp Authentication \
         Package: NTLM Time: {}",
        if failed { "failed to log on" } else { "was successfully logged on" },
        common.host % AGENCIES,
        spread(common.host) % 100_000,
        common.user,
        common.stamp,
    );
    map(json!({
        "class_uid": 3002, "log_product": "windows", "log_service": "security",
        "channel": "Security", "event_code": code, "user": common.user, "domain": "TINH",
        "src_ip": src, "src_port": port, "logon_type": logon, "status": status,
        "auth_protocol": "NTLM", "message": message,
    }))
}

fn syslog(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let (program, text) = match numbers.below(4) {
        0 => ("sshd", "Accepted publickey for"),
        1 => ("sudo", "pam_unix(sudo:session): session opened for user"),
        2 => ("CRON", "(root) CMD (/usr/lib/kiem-tra --nhanh) started by"),
        _ => ("systemd", "Started dich-vu-dong-bo.service, requested by"),
    };
    let (pid, src) = (numbers.below(60_000), outside_ip(numbers.often_small(OUTSIDE)));
    let message = format!(
        "<86>1 {} {} {program} {pid} - - {text} {} from {src} port {} proto ssh2 fingerprint SHA256:{:x} \
         cgroup /system.slice/{program}.service usec {} boot {:08x}",
        common.stamp,
        host_name(common.host),
        common.user,
        1024 + numbers.below(64_000),
        numbers.next(),
        numbers.below(1 << 30),
        spread(common.host) >> 32,
    );
    map(json!({
        "class_uid": 0, "log_product": "linux", "log_service": "syslog", "provider": program,
        "process_name": program, "pid": pid, "user": common.user, "src_ip": src,
        "facility": "authpriv", "severity": "info", "message": message,
    }))
}

fn intrusion(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let signature = numbers.often_small(3000);
    let (src, dst) = (outside_ip(numbers.often_small(OUTSIDE)), inside_ip(common.host));
    let (flow, sent) = (numbers.next() >> 12, numbers.often_small(1 << 16));
    let action = if numbers.below(3) == 0 { "denied" } else { "allowed" };
    let title = format!("ET SCAN Suspicious inbound pattern {signature} to internal service");
    let message = format!(
        "{} [**] [1:{}:3] {title} [**] [Classification: Attempted Information Leak] [Priority: {}] \
         {{TCP}} {src}:{} -> {dst}:443 flow_id={flow} pkts_toserver={} bytes_toserver={sent} \
         in_iface=eth1 action={action}",
        common.stamp,
        2_000_000 + signature,
        1 + signature % 3,
        1024 + numbers.below(64_000),
        numbers.below(90),
    );
    map(json!({
        "class_uid": 2004, "log_product": "suricata", "log_category": "ids", "src_ip": src,
        "dst_ip": dst, "dst_port": 443, "protocol": "tcp", "signature": title,
        "signature_id": (2_000_000 + signature).to_string(), "action": action,
        "severity": (1 + signature % 3).to_string(), "bytes_out": sent, "message": message,
    }))
}

fn web(numbers: &mut Numbers, common: &Common) -> Map<String, Value> {
    let (src, page) = (outside_ip(numbers.often_small(OUTSIDE)), numbers.often_small(90_000));
    let method = numbers.pick(&["GET", "GET", "POST", "HEAD"]);
    let status = if numbers.below(9) == 0 { 404 } else { 200 };
    let (sent, agent) = (numbers.often_small(1 << 20), numbers.pick(&AGENTS));
    let path = format!("/thu-tuc/{page}/ho-so");
    let message = format!(
        "{src} - {} [{}] \"{method} {path}?phien={:x} HTTP/1.1\" {status} {sent} \
         \"-\" \"{agent}\" rt=0.{} upstream={}",
        common.user,
        common.stamp,
        numbers.next(),
        numbers.below(999),
        inside_ip(common.host),
    );
    map(json!({
        "class_uid": 4002, "log_product": "nginx", "log_category": "webserver", "src_ip": src,
        "user": common.user, "http_method": method, "http_status": status, "url_path": path,
        "bytes_out": sent, "user_agent": agent, "protocol": "tcp", "message": message,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_650_bytes_an_event() {
        let made = |seed| {
            let mut bytes = Vec::new();
            Events::new(seed, 20_000).write(&mut bytes).unwrap();
            bytes
        };
        let bytes = made(7);
        assert_eq!(bytes, made(7));
        assert_ne!(bytes, made(8));
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.lines().count(), 20_000);
        let each = text.len() / 20_000;
        assert!((600..700).contains(&each), "{each} bytes an event");
        let needles = text.lines().filter(|line| line.contains(RARE_WORD)).count();
        assert_eq!(needles as u64, NEEDLES);
        assert_eq!(text.lines().filter(|line| line.contains(RARE_PART)).count() as u64, NEEDLES);
    }
}
