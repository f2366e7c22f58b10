//! A receipt as an official document: *biên bản giao nhận*, with both sides and their signatures by account.

use chrono::{DateTime, Datelike as _, Utc};
use web::document::{Block, Document, Kind, Signature, Table};
use web::figures::{self, vietnam};
use web::{Lang, Phrase};

use super::{Content, Receipt};

fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

fn moment(at: DateTime<Utc>) -> String {
    vietnam(at).format("%H:%M:%S, %d/%m/%Y").to_string()
}

/// Returns the document; while nobody has taken the piece, it says so.
pub(super) fn document(receipt: &Receipt, content: &Content) -> Document {
    let day = vietnam(receipt.given_at).date_naive();
    // `BBGN-2026-0007` is `07/BBGN` on paper, whose date tells the year.
    let mut parts = receipt.number.split('-');
    let (symbol, serial) = (parts.next(), parts.next_back());
    let taken = receipt.taken_at.map_or_else(|| vi("receipt-not-taken"), moment);
    let taker = receipt.taker_name.clone().unwrap_or_else(|| vi("receipt-nobody"));
    let mut facts = vec![
        ("receipt-evidence", content.number.clone()),
        ("receipt-incident", content.incident.clone()),
        ("receipt-file", content.name.clone()),
        ("receipt-size", figures::whole(i128::from(content.size_bytes), Lang::Vi)),
        ("receipt-sha256", content.sha256.clone()),
    ];
    if !content.source.is_empty() {
        facts.push(("receipt-source", content.source.clone()));
    }
    if let Some(at) = content.collected_at {
        facts.push(("receipt-collected", moment(at)));
    }
    if !content.reason.is_empty() {
        facts.push(("receipt-reason", content.reason.clone()));
    }
    facts.push(("receipt-digest", receipt.digest.clone()));
    let facts = facts.into_iter().map(|(key, value)| vec![vi(key), value]).collect();
    let sides = vec![
        vec![vi("receipt-name"), receipt.giver_name.clone(), taker.clone()],
        vec![vi("receipt-signed-at"), moment(receipt.given_at), taken],
        vec![vi("receipt-remark"), String::new(), receipt.remark.clone()],
    ];
    let heading = |n: u8, key| Block::Heading(format!("{n}. {}", vi(key)));
    let body = vec![
        heading(1, "receipt-section-what"),
        Block::Table(Table {
            head: vec![vi("receipt-fact"), vi("receipt-value")],
            widths: vec![1, 2],
            rows: facts,
        }),
        heading(2, "receipt-section-who"),
        Block::Table(Table {
            head: vec![String::new(), vi("receipt-giver"), vi("receipt-taker")],
            widths: vec![1, 2, 2],
            rows: sides,
        }),
        Block::Paragraph(vi("receipt-accounts-told")),
    ];
    Document {
        superior: None,
        issuer: content.agency.clone(),
        number: serial.and_then(|serial| serial.parse().ok()),
        symbol: symbol.unwrap_or_default().to_owned(),
        place: vi("receipt-place"),
        date: Some(day),
        year: day.year(),
        kind: Kind::Named(vi("receipt-document")),
        summary: Phrase::key("receipt-summary")
            .arg("number", content.number.as_str())
            .text(Lang::Vi),
        addressees: Vec::new(),
        body,
        signature: Signature { authority: None, title: vi("receipt-taker"), name: taker },
        recipients: vec![receipt.giver_name.clone()],
        filed: vi("receipt-filed"),
        wide: false,
    }
}
