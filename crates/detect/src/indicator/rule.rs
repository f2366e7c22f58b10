//! What a met indicator becomes: a finding of the built-in rule of its kind, and what pages say of
//! these rules.

use chrono::DateTime;
use event::{Attr, Event, Finding, LogSource, Match, Severity};

use super::kind::IndicatorKind;
use super::observe::Hit;
use super::set::{IndicatorSet, tlp_of};
use super::table::Entry;
use crate::entity;
use crate::info::{FirstStep, RuleInfo};

/// From this confidence on, a finding is high; from [`FAIRLY_SURE`] on, medium; below, low.
const SURE: u8 = 75;

/// See [`SURE`].
const FAIRLY_SURE: u8 = 40;

/// Adds one finding for each kind of indicator that was met.
pub(super) fn findings(
    set: &IndicatorSet,
    event: &Event,
    hits: &[Hit],
    findings: &mut Vec<Finding>,
) {
    for text in &TEXTS {
        let mut own = hits.iter().filter(|hit| hit.kind == text.kind).peekable();
        if own.peek().is_none() {
            continue;
        }
        let severity = own.clone().map(severity).max().unwrap_or(Severity::Medium);
        let severity = if was_stopped(event) { severity.min(Severity::Low) } else { severity };
        findings.push(Finding {
            rule: text.kind.rule_id().to_owned(),
            title: text.title.to_owned(),
            title_vi: Some(text.title_vi.to_owned()),
            severity,
            tags: text.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            event: event.id,
            events: vec![event.id],
            origin: event.origin,
            occurred_at: event.occurred_at,
            entity: entity::of_event(event),
            matched: own.map(|hit| reason(set, hit)).collect(),
            count: 1,
        });
    }
}

/// A digest does not match by chance, so an unrated one counts as sure; anything else unrated is
/// fairly sure.
fn severity(hit: &Hit) -> Severity {
    match hit.entry.confidence {
        Entry::UNRATED if hit.kind == IndicatorKind::Hash => Severity::High,
        Entry::UNRATED => Severity::Medium,
        sure if sure >= SURE => Severity::High,
        sure if sure >= FAIRLY_SURE => Severity::Medium,
        _ => Severity::Low,
    }
}

/// Returns whether the source says that it stopped what happened: worth knowing, not worth a call.
fn was_stopped(event: &Event) -> bool {
    let action = event.attr_text(Attr::Action).unwrap_or_default();
    ["denied", "blocked", "deny", "block", "drop", "dropped", "reject", "rejected"]
        .iter()
        .any(|word| action.eq_ignore_ascii_case(word))
}

fn reason(set: &IndicatorSet, hit: &Hit) -> Match {
    let entry = &hit.entry;
    let mut said = vec![set.source(entry).to_owned()];
    let label = set.label(entry);
    if !label.is_empty() {
        said.push(label.to_owned());
    }
    if entry.confidence != Entry::UNRATED {
        said.push(format!("confidence {}", entry.confidence));
    }
    if let Some(tlp) = tlp_of(entry) {
        said.push(tlp.word().to_owned());
    }
    if entry.valid_until_s != Entry::FOREVER
        && let Some(until) = DateTime::from_timestamp(entry.valid_until_s.into(), 0)
    {
        said.push(format!("until {}", until.format("%Y-%m-%d")));
    }
    Match {
        selection: hit.kind.word().to_owned(),
        field: hit.field.to_owned(),
        value: hit.value.chars().take(Match::VALUE_CHARS_MAX).collect(),
        pattern: format!("{} ({})", set.written(entry), said.join(", ")),
        ..Match::default()
    }
}

/// What is said of the rule of one kind.
struct Text {
    kind: IndicatorKind,
    title: &'static str,
    title_vi: &'static str,
    description: &'static str,
    description_vi: &'static str,
    tags: &'static [&'static str],
    false_positive: &'static str,
    /// Vietnamese, English.
    steps: &'static [(&'static str, &'static str)],
}

const CALL: (&str, &str) = (
    "Gọi cán bộ CNTT của đơn vị: ai dùng máy này, có phải công cụ kiểm tra đã báo trước không",
    "Call the agency's IT officer: who uses this machine, is it an announced test?",
);
const ISOLATE: (&str, &str) = (
    "Nếu kết nối đi ra từ máy của đơn vị, cô lập máy và giữ nguyên hiện trạng",
    "If the connection left one of the agency's machines, isolate it and leave it as it is",
);
const OTHERS: (&str, &str) = (
    "Tìm cùng chỉ dấu này ở các máy và đơn vị khác trong 30 ngày qua",
    "Search for the same indicator on other machines and agencies over the last 30 days",
);
const JUDGE: (&str, &str) = (
    "Xem nguồn, độ tin cậy và thời hạn của chỉ dấu; nếu sai, báo lại nguồn và lập ngoại lệ",
    "Look at the indicator's source, confidence and date; if it is wrong, tell the source and propose an exception",
);

const TEXTS: [Text; 5] = [
    Text {
        kind: IndicatorKind::Ip,
        title: "An address from an indicator list",
        title_vi: "Địa chỉ IP có trong danh sách chỉ dấu tấn công",
        description: "An address in the event, or a network around it, was named as used by attackers.",
        description_vi: "Địa chỉ trong sự kiện, hoặc dải mạng chứa nó, đã được nêu là của kẻ tấn công.",
        tags: &["attack.command-and-control"],
        false_positive: "Addresses change hands; hosting and VPN addresses serve many.",
        steps: &[
            (
                "Xem chiều kết nối và có bị chặn không: từ ngoài dò quét khác với máy trong gọi ra",
                "See which way the connection went and whether it was stopped: a scan from outside is not a machine of ours calling out",
            ),
            ISOLATE,
            OTHERS,
            JUDGE,
        ],
    },
    Text {
        kind: IndicatorKind::Domain,
        title: "A domain from an indicator list",
        title_vi: "Tên miền có trong danh sách chỉ dấu tấn công",
        description: "A host name in the event is a domain that was named as used by attackers, or stands below it.",
        description_vi: "Tên máy trong sự kiện là tên miền, hoặc nằm dưới tên miền, đã được nêu là của kẻ tấn công.",
        tags: &["attack.command-and-control", "attack.t1071"],
        false_positive: "A resolver asks for others; look for the machine that asked it.",
        steps: &[
            (
                "Tìm máy thật sự đã hỏi hoặc mở tên miền này (máy chủ DNS chỉ hỏi hộ)",
                "Find the machine that really asked for the domain (a DNS server asks for others)",
            ),
            ISOLATE,
            OTHERS,
            JUDGE,
        ],
    },
    Text {
        kind: IndicatorKind::Url,
        title: "A URL from an indicator list",
        title_vi: "Địa chỉ web (URL) có trong danh sách chỉ dấu tấn công",
        description: "A URL in the event was named as used by attackers: for malware, phishing or control.",
        description_vi: "Địa chỉ web trong sự kiện đã được nêu là nơi phát tán mã độc, lừa đảo hoặc điều khiển.",
        tags: &["attack.command-and-control", "attack.t1105"],
        false_positive: "The page may have been cleaned since.",
        steps: &[
            (
                "Hỏi người dùng đã mở gì, đã tải về hay nhập mật khẩu chưa",
                "Ask the user what was opened, and whether a file was saved or a password typed",
            ),
            ISOLATE,
            OTHERS,
            JUDGE,
        ],
    },
    Text {
        kind: IndicatorKind::Hash,
        title: "A file from an indicator list",
        title_vi: "Tệp có mã băm trong danh sách chỉ dấu tấn công",
        description: "The digest of a file or program in the event was named as that of an attacker's tool.",
        description_vi: "Mã băm của tệp hoặc chương trình trong sự kiện đã được nêu là công cụ của kẻ tấn công.",
        tags: &["attack.execution"],
        false_positive: "Lists sometimes hold the digests of tools that administrators use, too.",
        steps: &[
            (
                "Cô lập máy và giữ nguyên hiện trạng; không xoá tệp trước khi đã sao lưu chứng cứ",
                "Isolate the machine and leave it as it is; keep a copy of the file before anything is deleted",
            ),
            CALL,
            OTHERS,
            JUDGE,
        ],
    },
    Text {
        kind: IndicatorKind::Email,
        title: "A mail address from an indicator list",
        title_vi: "Địa chỉ thư điện tử có trong danh sách chỉ dấu tấn công",
        description: "A mail came from, or went to, an address that was named as used by attackers.",
        description_vi: "Thư đến từ, hoặc gửi tới, địa chỉ đã được nêu là của kẻ tấn công.",
        tags: &["attack.initial-access", "attack.t1566"],
        false_positive: "Senders are easily forged: the address may be an innocent one.",
        steps: &[
            (
                "Tìm mọi người đã nhận thư từ địa chỉ này; thu hồi thư chưa đọc",
                "Find everyone who got mail from the address; take back what is unread",
            ),
            (
                "Hỏi người nhận đã mở tệp đính kèm, bấm liên kết hay trả lời chưa",
                "Ask them whether they opened an attachment, followed a link or answered",
            ),
            OTHERS,
            JUDGE,
        ],
    },
];

/// Returns the built-in rules that findings on indicators name, one for each kind: for the pages that
/// show a rule and its first steps.
pub fn indicator_rules() -> Vec<RuleInfo> {
    TEXTS.iter().map(info).collect()
}

fn info(text: &Text) -> RuleInfo {
    RuleInfo {
        id: text.kind.rule_id().to_owned(),
        name: None,
        title: text.title.to_owned(),
        title_vi: Some(text.title_vi.to_owned()),
        description: Some(text.description.to_owned()),
        description_vi: Some(text.description_vi.to_owned()),
        level: Severity::Medium,
        status: None,
        tags: text.tags.iter().map(|tag| (*tag).to_owned()).collect(),
        author: None,
        references: Vec::new(),
        falsepositives: vec![text.false_positive.to_owned()],
        first_steps: text
            .steps
            .iter()
            .map(|(vi, en)| FirstStep { vi: (*vi).to_owned(), en: (*en).to_owned() })
            .collect(),
        logsource: LogSource::default(),
        path: "indicators".to_owned(),
        line: 1,
        is_correlation: false,
        is_baseline: false,
        is_audible: true,
    }
}
