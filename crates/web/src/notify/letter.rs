//! The words of a message, in the reader's language, from what is neutral: nothing above TLP:GREEN.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::carrier::Letter;
use super::model::Notice;
use crate::{Lang, Phrase, filters};

/// Titles that one gathered message lists.
const LISTED_MAX: usize = 20;

/// What stands round every message.
#[derive(Debug, Clone, Default)]
pub(super) struct Heading {
    /// The address by which browsers know the site; empty: no links.
    pub(super) address: String,
    /// The province.
    pub(super) province: String,
}

/// Returns the one line that tells a notice.
pub(super) fn title(notice: &Notice, lang: Lang) -> String {
    let told = Phrase::key(notice.kind.title_key()).arg("number", notice.number.as_str());
    told.text(lang).trim().to_owned()
}

fn severity(notice: &Notice, lang: Lang) -> String {
    Phrase::key(filters::severity_key(notice.severity)).text(lang)
}

impl Heading {
    fn link(&self, path: &str) -> String {
        if self.address.is_empty() { String::new() } else { format!("{}{path}", self.address) }
    }

    /// Writes the message that tells these notices, the worst first; nothing of none.
    pub(super) fn letter(
        &self,
        (id, to): (Uuid, &str),
        notices: &[(Uuid, Notice)],
        lang: Lang,
        now: DateTime<Utc>,
    ) -> Option<Letter> {
        let (first_id, first) = notices.first()?;
        let single = notices.len() == 1;
        let headline = if single {
            format!("{} · {}", severity(first, lang), title(first, lang))
        } else {
            Phrase::key("notify-gathered")
                .arg("count", notices.len())
                .arg("severity", severity(first, lang))
                .text(lang)
        };
        let path = if single { format!("/notices/{first_id}") } else { "/notices".to_owned() };
        let link = self.link(&path);
        let mut lines = vec![headline.clone()];
        if single {
            if let Some(level) = first.level {
                let level = i64::from(level.number());
                lines.push(Phrase::key("notify-mail-level").arg("level", level).text(lang));
            }
        } else {
            lines.push(String::new());
            for (_, notice) in notices.iter().take(LISTED_MAX) {
                lines.push(format!("- {} · {}", severity(notice, lang), title(notice, lang)));
            }
            let more = notices.len().saturating_sub(LISTED_MAX);
            if more > 0 {
                lines.push(Phrase::key("notify-mail-more").arg("count", more).text(lang));
            }
        }
        let brief = lines.iter().skip(1).filter(|line| !line.is_empty());
        let brief = brief.cloned().collect::<Vec<_>>().join("\n");
        let open = if link.is_empty() { "notify-mail-open-bell" } else { "notify-mail-open" };
        lines.extend([String::new(), Phrase::key(open).text(lang)]);
        lines.extend((!link.is_empty()).then(|| link.clone()));
        lines.extend([
            String::new(),
            "-- ".to_owned(),
            Phrase::key("notify-mail-footer").arg("province", self.province.as_str()).text(lang),
        ]);
        let subject = Phrase::key("notify-mail-subject").arg("title", headline.as_str()).text(lang);
        let short = format!("{subject} {link}").trim().to_owned();
        let text = lines.join("\n");
        let to = to.to_owned();
        Some(Letter { id, to, subject, text, brief, path, short, written_at: now })
    }
}
