//! The hunt as one web page that stands by itself: no script, no link outside, to be kept with the case
//! and handed on.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use event::Severity;
use web::Lang;
use web::i18n::{Phrase, text};

use super::summary::{Count, Summary, by_count};
use crate::hunt::{Hit, Tally};

/// Most findings in the page's timeline: a browser still scrolls through these.
const TIMELINE_MAX: usize = 10_000;

/// Of the platform's own severity colours, dark enough on white for small letters.
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1a1f24}\
table{border-collapse:collapse;width:100%;margin:0 0 2rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;\
border-bottom:1px solid #d8dde2;overflow-wrap:anywhere}th{white-space:nowrap}td.n{text-align:right}\
.s{white-space:nowrap;font-weight:600}.critical{color:#8b1a2b}.high{color:#a33a00}.medium{color:#6b5200}.low,.informational{color:#33506b}\
code{font-size:.9em}@media print{body{margin:0;max-width:none}}";

/// Writes the page. `hits` stand in order of time.
pub(super) fn write(
    hits: &[Hit],
    summary: &Summary,
    tally: &Tally,
    lang: Lang,
    out: &mut dyn Write,
) -> Result<()> {
    let mut page = String::new();
    let title = escaped(&text(lang, "hunt-report-title"));
    write!(
        page,
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1><p>{}</p>",
        lang.code(),
        escaped(&searched(summary, tally, lang))
    )?;
    not_searched(&mut page, tally, lang)?;
    rules(&mut page, summary, lang)?;
    for (key, head, counts) in [
        ("hunt-by-host", "hunt-host", &summary.hosts),
        ("hunt-by-tactic", "hunt-tactic", &summary.tactics),
        ("hunt-by-technique", "hunt-technique", &summary.techniques),
    ] {
        table(&mut page, lang, key, &[head, "hunt-findings", "hunt-worst"])?;
        for (name, found) in by_count(counts) {
            count(&mut page, lang, name, found)?;
        }
        page.push_str("</table>");
    }
    out.write_all(page.as_bytes())?;
    timeline(hits, lang, out)?;
    out.write_all(b"</body></html>\n")?;
    Ok(())
}

fn searched(summary: &Summary, tally: &Tally, lang: Lang) -> String {
    Phrase::key("hunt-searched")
        .arg("files", tally.files)
        .arg("events", tally.events)
        .arg("unreadable", tally.unreadable)
        .arg("findings", summary.findings)
        .text(lang)
}

fn not_searched(page: &mut String, tally: &Tally, lang: Lang) -> Result<()> {
    if tally.refused.is_empty() {
        return Ok(());
    }
    table(page, lang, "hunt-not-searched", &["hunt-file", "hunt-reason"])?;
    for (file, reason) in &tally.refused {
        write!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(file), escaped(reason))?;
    }
    page.push_str("</table>");
    Ok(())
}

fn rules(page: &mut String, summary: &Summary, lang: Lang) -> Result<()> {
    let head =
        ["hunt-severity", "hunt-findings", "hunt-rule", "hunt-first", "hunt-last", "hunt-host"];
    table(page, lang, "hunt-by-rule", &head)?;
    for (rule, found) in &summary.rules {
        let title = found.title_vi.as_deref().filter(|_| lang == Lang::Vi).unwrap_or(&rule.title);
        write!(
            page,
            "<tr>{}<td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            severity(rule.severity.0, lang),
            found.count,
            escaped(title),
            found.first.format("%Y-%m-%d %H:%M:%S"),
            found.last.format("%Y-%m-%d %H:%M:%S"),
            escaped(&found.host)
        )?;
    }
    page.push_str("</table>");
    Ok(())
}

fn timeline(hits: &[Hit], lang: Lang, out: &mut dyn Write) -> Result<()> {
    let mut page = String::new();
    let head = ["hunt-time", "hunt-severity", "hunt-rule", "hunt-host", "hunt-why", "hunt-file"];
    table(&mut page, lang, "hunt-timeline", &head)?;
    for hit in hits.iter().take(TIMELINE_MAX) {
        let finding = &hit.finding;
        let title = finding.title_vi.as_deref().filter(|_| lang == Lang::Vi);
        write!(
            page,
            "<tr><td>{}</td>{}<td>{}</td><td>{}</td><td><code>{}</code></td><td>{}:{}</td></tr>",
            finding.occurred_at.format("%Y-%m-%d %H:%M:%S%.3f"),
            severity(finding.severity, lang),
            escaped(title.unwrap_or(&finding.title)),
            escaped(&hit.host),
            escaped(&super::why(finding)),
            escaped(&hit.spot.exhibit.shown),
            hit.spot.record
        )?;
        out.write_all(page.as_bytes())?;
        page.clear();
    }
    page.push_str("</table>");
    if hits.len() > TIMELINE_MAX {
        let more = Phrase::key("hunt-timeline-cut").arg("count", hits.len() - TIMELINE_MAX);
        write!(page, "<p>{}</p>", escaped(&more.text(lang)))?;
    }
    out.write_all(page.as_bytes())?;
    Ok(())
}

/// Opens a table under a heading.
fn table(page: &mut String, lang: Lang, title: &str, head: &[&str]) -> Result<()> {
    write!(page, "<h2>{}</h2><table><tr>", escaped(&text(lang, title)))?;
    for key in head {
        write!(page, "<th>{}</th>", escaped(&text(lang, key)))?;
    }
    page.push_str("</tr>");
    Ok(())
}

fn count(page: &mut String, lang: Lang, name: &str, found: Count) -> Result<()> {
    let name = if name.is_empty() { text(lang, "hunt-unnamed") } else { name.to_owned() };
    write!(
        page,
        "<tr><td>{}</td><td class=\"n\">{}</td>{}</tr>",
        escaped(&name),
        found.count,
        severity(found.worst, lang)
    )?;
    Ok(())
}

fn severity(severity: Severity, lang: Lang) -> String {
    let word = severity.word();
    let shown = text(lang, &format!("web-severity-{word}"));
    format!("<td class=\"s {word}\">{}</td>", escaped(&shown))
}

/// Returns text that no browser takes for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
