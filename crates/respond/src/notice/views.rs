//! The page of six questions, and what comes back.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::filters;

use super::store::Sent;
use crate::alert::Choice;

/// The six questions.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "notice/form.html")]
pub struct NoticeForm {
    /// The key under which the notice is sent, unless the browser keeps a draft with its own.
    pub key: String,
    /// Agencies that the officer reports for.
    pub agencies: Vec<Choice>,
    /// Their systems.
    pub systems: Vec<Choice>,
}

/// What comes back: the number, and who has it.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "notice/receipt.html")]
pub struct NoticeReceipt {
    /// The incident's id.
    pub incident: String,
    /// Its number.
    pub number: String,
    /// What happened, in a line.
    pub title: String,
    /// When it came in.
    pub opened_at: DateTime<Utc>,
    /// Who on duty has taken it; nothing while nobody has.
    pub officer: Option<String>,
    /// Who is on duty now, and at which telephone; nothing where the roster has a hole.
    pub on_duty: Option<OnDuty>,
}

/// Whom to ring now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnDuty {
    /// Their name.
    pub name: String,
    /// The telephone of the shift; may be empty.
    pub phone: String,
}

/// The answers as whoever handles the incident reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeCard {
    /// Who sent them.
    pub author: String,
    /// When they came.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: String,
    /// Which system or machine.
    pub place: String,
    /// What is affected.
    pub affected: String,
    /// What was done.
    pub done: String,
    /// Who to call.
    pub contact: String,
    /// The telephone number in it, without spaces.
    pub phone: Option<String>,
}

impl From<Sent> for NoticeCard {
    fn from(Sent { notice, author, at }: Sent) -> Self {
        Self {
            author,
            at,
            what: notice.what,
            place: notice.place,
            affected: notice.affected,
            done: notice.done,
            phone: telephone(&notice.contact),
            contact: notice.contact,
        }
    }
}

/// Digits of a telephone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Returns the first telephone number in a text, as it is dialled.
fn telephone(text: &str) -> Option<String> {
    let is_between = |c: char| matches!(c, ' ' | '.' | '-' | '(' | ')');
    text.split(|c: char| !(c.is_ascii_digit() || c == '+' || is_between(c)))
        .map(|run| run.chars().filter(|c| !is_between(*c)).collect::<String>())
        .find(|number| PHONE_DIGITS.contains(&number.chars().filter(char::is_ascii_digit).count()))
}

#[cfg(test)]
mod tests {
    use super::telephone;

    #[test]
    fn the_number_to_call_is_found_in_what_was_written() {
        let cases = [
            ("Lê Văn Xã, 0912 000 111", Some("0912000111")),
            ("gọi (+84) 91-200.0111 hoặc phòng 12", Some("+84912000111")),
            ("phòng 12, tầng 3", None),
            ("", None),
            ("12345678901234567890", None),
        ];
        for (text, want) in cases {
            assert_eq!(telephone(text).as_deref(), want, "{text}");
        }
    }
}
