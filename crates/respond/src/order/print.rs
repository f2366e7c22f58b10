//! An order as an official document, and the record of what came of it.

use chrono::{DateTime, Datelike as _, Utc};
use serde::Deserialize;
use web::document::{Block, Document, Kind as Paper, Signature, Table};
use web::figures::vietnam;
use web::{Lang, Phrase};

use super::model::{Kind, Order};
use super::views::{Board, PartRow};

/// What a paper has that an order does not: who issues it, where, by which title. What is left out takes
/// the words that papers of the province begin with, and is completed in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Head {
    /// `docx` (when left out) or `pdf`.
    pub(super) format: String,
    /// The body above the one that issues it.
    pub(super) superior: String,
    /// The body that issues it.
    pub(super) issuer: String,
    /// Where.
    pub(super) place: String,
    /// The title of whoever signs.
    pub(super) title: String,
}

/// Characters of a field of the head.
const HEAD_CHARS_MAX: usize = 200;

/// Agencies that are named in the address line; more stand in a list below.
const ADDRESSEES_MAX: usize = 8;

fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

fn given(text: &str, or: &'static str) -> String {
    let text: String = text.trim().chars().take(HEAD_CHARS_MAX).collect();
    if text.is_empty() { vi(or) } else { text }
}

fn moment(at: DateTime<Utc>) -> String {
    vietnam(at).format("%H:%M %d/%m/%Y").to_string()
}

fn moment_or(at: Option<DateTime<Utc>>, or: &'static str) -> String {
    at.map_or_else(|| vi(or), moment)
}

/// Returns the number within the year of a number like `CD-2026-0007`.
pub(super) fn number(order: &Order) -> Option<u32> {
    order.number.rsplit('-').next()?.parse().ok()
}

impl Head {
    fn paper(&self, order: &Order) -> Document {
        let on = vietnam(order.issued_at).date_naive();
        Document {
            superior: Some(self.superior.trim().chars().take(HEAD_CHARS_MAX).collect()),
            issuer: given(&self.issuer, "order-document-issuer"),
            number: number(order),
            symbol: vi(symbol(order.kind)),
            place: given(&self.place, "report-default-place"),
            date: Some(on),
            year: on.year(),
            kind: Paper::Letter,
            summary: String::new(),
            addressees: Vec::new(),
            body: Vec::new(),
            signature: self.signature(order),
            recipients: Vec::new(),
            filed: vi("report-default-filed"),
            wide: false,
        }
    }

    /// Whoever signs stands in an order by name or by title: with a title given, it is the name.
    fn signature(&self, order: &Order) -> Signature {
        let title: String = self.title.trim().chars().take(HEAD_CHARS_MAX).collect();
        let (title, name) = match (title.is_empty(), order.signer.is_empty()) {
            (true, true) => (vi("report-default-title"), String::new()),
            (true, false) => (order.signer.clone(), String::new()),
            (false, _) => (title, order.signer.clone()),
        };
        Signature { authority: None, title, name }
    }
}

const fn symbol(kind: Kind) -> &'static str {
    match kind {
        Kind::Directive => "order-document-symbol-directive",
        Kind::Coordination => "order-document-symbol-coordination",
        Kind::Warning => "order-document-symbol-warning",
    }
}

/// Returns the order as it goes out to the agencies that the reader sees.
pub(super) fn order(head: &Head, order: &Order, rows: &[PartRow]) -> Document {
    let mut names: Vec<&str> = rows.iter().map(|row| row.agency.as_str()).collect();
    names.sort_unstable();
    let listed = names.len() > ADDRESSEES_MAX;
    let addressees = if listed {
        vec![vi("order-document-listed")]
    } else {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    let mut body = lines(&order.body);
    body.extend(concerned(rows));
    if listed {
        body.push(Block::Heading(vi("order-document-list")));
        let row = |(number, name): (usize, &&str)| vec![number.to_string(), (*name).to_owned()];
        body.push(Block::Table(Table {
            head: vec![vi("order-document-row"), vi("alert-agency")],
            widths: vec![1, 9],
            rows: (1..).zip(&names).map(row).collect(),
        }));
    }
    body.push(Block::Paragraph(until(order)));
    Document {
        kind: match order.kind {
            Kind::Coordination => Paper::Letter,
            kind => Paper::Named(vi(kind.key())),
        },
        summary: order.title.clone(),
        addressees,
        body,
        ..head.paper(order)
    }
}

/// Returns a text as paragraphs; lines that begin with a dash are items.
fn lines(text: &str) -> Vec<Block> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.strip_prefix("- ") {
            Some(item) => Block::Item(item.to_owned()),
            None => Block::Paragraph(line.to_owned()),
        })
        .collect()
}

/// Returns the systems that a warning concerns, as a table.
fn concerned(rows: &[PartRow]) -> Vec<Block> {
    let mut all: Vec<Vec<String>> = rows
        .iter()
        .flat_map(|row| row.systems.iter().map(move |one| (row, one)))
        .map(|(row, one)| vec![row.agency.clone(), one.name.clone(), one.why.clone()])
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    all.sort_unstable();
    let table = Table {
        head: vec![vi("alert-agency"), vi("alert-system"), vi("order-concerned-why")],
        widths: vec![4, 4, 3],
        rows: all,
    };
    vec![Block::Heading(vi("order-systems")), Block::Table(table)]
}

/// Returns by when it must be acknowledged, done and proved.
fn until(order: &Order) -> String {
    let key = if order.needs_proof { "order-document-until-proof" } else { "order-document-until" };
    Phrase::key(key)
        .arg("acknowledge", moment(order.acknowledge_by))
        .arg("done", moment(order.done_by))
        .text(Lang::Vi)
}

/// Returns the record of an order: who acknowledged, acted and proved, who was late, and how it ended.
/// It has no number before someone gives it one.
pub(super) fn record(
    head: &Head,
    order: &Order,
    (rows, board): (&[PartRow], &Board),
    now: DateTime<Utc>,
) -> Document {
    let today = vietnam(now).date_naive();
    let heading = |n: u8, key| Block::Heading(format!("{n}. {}", vi(key)));
    let fact = |key, value: String| vec![vi(key), value];
    let mut body = vec![
        heading(1, "order-document-about"),
        Block::Table(Table {
            head: vec![vi("report-fact-name"), vi("report-fact-value")],
            widths: vec![2, 5],
            rows: vec![
                fact("order-number", format!("{}, {}", order.number, moment(order.issued_at))),
                fact("order-summary-line", order.title.clone()),
                fact("order-acknowledge-by", moment(order.acknowledge_by)),
                fact("order-done-by", moment(order.done_by)),
                fact(
                    "order-needs-proof",
                    vi(if order.needs_proof { "order-yes" } else { "order-no" }),
                ),
            ],
        }),
        heading(2, "order-document-sum"),
    ];
    body.extend(sum(rows, board));
    body.push(heading(3, "order-document-each"));
    body.push(Block::Table(each(rows)));
    body.push(heading(4, "order-document-end"));
    body.extend(end(order, now));
    Document {
        number: None,
        symbol: vi("order-document-symbol-record"),
        date: None,
        year: today.year(),
        kind: Paper::Named(vi("report-document")),
        summary: Phrase::key("order-document-record")
            .arg("kind", vi(order.kind.key()).to_lowercase())
            .arg("number", order.number.as_str())
            .text(Lang::Vi),
        body,
        wide: true,
        ..head.paper(order)
    }
}

fn sum(rows: &[PartRow], board: &Board) -> Vec<Block> {
    let count = |holds: &dyn Fn(&PartRow) -> bool| rows.iter().filter(|row| holds(row)).count();
    let acknowledged = count(&|row| row.acknowledged_at.is_some());
    let finished = count(&|row| matches!(row.state.as_str(), "done" | "accepted"));
    let line = |key, arguments: [(&'static str, usize); 3]| {
        let phrase = arguments
            .into_iter()
            .fold(Phrase::key(key), |phrase, (name, number)| phrase.arg(name, number));
        Block::Item(phrase.text(Lang::Vi))
    };
    let all = usize::try_from(board.all).unwrap_or(usize::MAX);
    let late_word = count(&|row| row.acknowledged_late && row.acknowledged_at.is_some());
    let late_work = count(&|row| row.done_late && row.done_at.is_some());
    let proved = count(&|row| !row.proofs.is_empty());
    let returned = count(&|row| row.returned > 0);
    let told = count(&|row| row.head_at.is_some());
    vec![
        line(
            "order-document-sum-word",
            [("all", all), ("count", acknowledged), ("late", late_word)],
        ),
        line("order-document-sum-work", [("all", all), ("count", finished), ("late", late_work)]),
        line(
            "order-document-sum-rest",
            [("proved", proved), ("returned", returned), ("told", told)],
        ),
    ]
}

fn each(rows: &[PartRow]) -> Table {
    let keys = [
        "order-document-row",
        "alert-agency",
        "order-acknowledged",
        "order-done",
        "order-result",
        "order-document-proofs",
        "order-state",
    ];
    let with = |at: Option<DateTime<Utc>>, by: Option<&String>, late: bool| {
        let mut text = moment_or(at, "order-document-not-yet");
        if let Some(by) = by.filter(|by| !by.is_empty()) {
            text = format!("{text} ({by})");
        }
        if late { format!("{text} – {}", vi("order-document-late")) } else { text }
    };
    let row = |(number, row): (usize, &PartRow)| {
        let proofs: Vec<&str> = row.proofs.iter().map(|proof| proof.name.as_str()).collect();
        let mut state = vi(row.state_key());
        if row.returned > 0 {
            state = format!("{state}; {} {}", vi("order-returned").to_lowercase(), row.returned);
        }
        if row.head_at.is_some() {
            state = format!("{state}; {}", vi("order-head-told").to_lowercase());
        }
        vec![
            number.to_string(),
            row.agency.clone(),
            with(row.acknowledged_at, row.acknowledged_by.as_ref(), row.acknowledged_late),
            with(row.done_at, row.done_by.as_ref(), row.done_late),
            row.result.clone().unwrap_or_default(),
            proofs.join("; "),
            state,
        ]
    };
    Table {
        head: keys.map(vi).to_vec(),
        widths: vec![1, 5, 4, 4, 6, 4, 4],
        rows: (1..).zip(rows).map(row).collect(),
    }
}

/// Returns how it ended, or that it has not.
fn end(order: &Order, now: DateTime<Utc>) -> Vec<Block> {
    let Some(closed) = &order.closed else {
        let open = Phrase::key("order-document-open").arg("at", moment(now)).text(Lang::Vi);
        return vec![Block::Paragraph(open)];
    };
    let told = Phrase::key("order-document-closed")
        .arg("at", moment(closed.at))
        .arg("by", closed.by.as_str())
        .text(Lang::Vi);
    std::iter::once(Block::Paragraph(told)).chain(lines(&closed.summary)).collect()
}
