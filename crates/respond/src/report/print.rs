//! A report as an official document.

use chrono::Datelike as _;
use web::document::{Authority, Block, Document, Kind, Signature, Table};
use web::figures::vietnam;
use web::{Lang, Phrase};

use super::model::{Body, Content};

fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

/// Returns the document; without a number it is a draft.
pub(super) fn document(
    body: &Body,
    now: chrono::DateTime<chrono::Utc>,
    number: Option<u32>,
) -> Document {
    let content = &body.content;
    let today = vietnam(now).date_naive();
    let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    let authority = Authority::from_word(&content.authority);
    Document {
        superior: Some(content.superior.clone()).filter(|text| !text.is_empty()),
        issuer: content.issuer.clone(),
        number,
        symbol: content.symbol.clone(),
        place: content.place.clone(),
        date: number.map(|_| today),
        year: today.year(),
        kind: Kind::Named(vi("report-document")),
        summary: content.summary.clone(),
        addressees: lines(&content.addressee),
        body: blocks(body),
        signature: Signature {
            authority: authority.map(|how| (how, content.whose.clone())),
            title: content.title.clone(),
            name: content.signer.clone(),
        },
        recipients: lines(&content.recipients),
        filed: content.filed.clone(),
        wide: false,
    }
}

fn blocks(body: &Body) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut count = 0;
    let mut heading = |key: &'static str| {
        count += 1;
        Block::Heading(format!("{count}. {}", vi(key)))
    };
    if !body.facts.is_empty() {
        blocks.push(heading("report-section-facts"));
        blocks.push(Block::Table(Table {
            head: vec![vi("report-fact-name"), vi("report-fact-value")],
            widths: vec![2, 3],
            rows: body
                .facts
                .iter()
                .map(|fact| vec![fact.name.clone(), fact.value.clone()])
                .collect(),
        }));
    }
    for (key, text) in body.content.sections() {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        if lines.peek().is_none() {
            continue;
        }
        blocks.push(heading(key));
        for line in lines {
            blocks.push(match line.strip_prefix("- ") {
                Some(item) => Block::Item(item.to_owned()),
                None => Block::Paragraph(line.to_owned()),
            });
        }
    }
    blocks.push(Block::Paragraph(last(&body.content)));
    blocks
}

fn last(content: &Content) -> String {
    let to = content.addressee.lines().collect::<Vec<_>>().join(", ");
    Phrase::key("report-last").arg("issuer", content.issuer.as_str()).arg("to", to).text(Lang::Vi)
}
