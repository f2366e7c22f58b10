//! What is known of rows in memory without looking at them: what a file's index says of a granule.

use super::bloom::{Token, block_of, blocks_for, may_be_in, set};
use super::tokens::{RowTokens, Tokens};
use crate::error::{BadRows, StoreError};
use crate::rows::Columns;
use crate::schema;

/// The times of rows, and a filter that holds their tokens.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    /// The earliest `occurred_at`, microseconds.
    pub(crate) min_us: i64,
    /// The latest, inclusive.
    pub(crate) max_us: i64,
    blocks: Vec<[u32; 8]>,
}

impl Outline {
    /// Returns the outline of rows.
    ///
    /// # Errors
    ///
    /// When the rows have no times, or exact values that cannot be read.
    pub(crate) fn of(columns: &Columns<'_>) -> Result<Self, StoreError> {
        let times = columns.times(schema::OCCURRED_AT);
        let times = times.ok_or(BadRows::Missing(schema::OCCURRED_AT))?.values();
        let rows = RowTokens::of(columns);
        let mut tokens = Tokens::default();
        for row in 0..columns.rows() {
            rows.add(row, &mut tokens)?;
        }
        let tokens = tokens.take();
        let mut outline = Self {
            min_us: times.iter().copied().min().unwrap_or(i64::MAX),
            max_us: times.iter().copied().max().unwrap_or(i64::MIN),
            blocks: vec![[0; 8]; blocks_for(tokens.len())],
        };
        for token in tokens {
            let place = outline.place_of(token);
            if let Some(block) = outline.blocks.get_mut(place) {
                set(block, token);
            }
        }
        Ok(outline)
    }

    /// Returns whether some row may have the token.
    pub(crate) fn may_hold(&self, token: &Token) -> bool {
        let (Token::Whole { hash, .. } | Token::Start { hash }) = *token;
        self.blocks.get(self.place_of(hash)).is_none_or(|block| may_be_in(block, hash))
    }

    fn place_of(&self, token: u64) -> usize {
        let blocks = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        usize::try_from(block_of(token, blocks)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use event::{Attr, Attrs, Event, Fields, Value};

    use super::*;
    use crate::rows::encode;

    fn event(raw: &str, attrs: Attrs, fields: Fields) -> Event {
        let text = r#"{"id":"01a22440-c968-7000-85cc-17dd9eabc10c","origin":{
            "agency":"01a22440-b94f-7000-a4f4-494684398c87","system":null,
            "source":"01a22440-b964-7000-bd52-e9421dc20fca"},
            "occurred_at":"2020-12-19T07:50:13.734Z","time_quality":"stated",
            "collected_at":"2026-11-28T22:22:35.368633Z","class":"base_event",
            "logsource":{"product":null,"category":null,"service":null},
            "parser":"x","attributes":{},"fields":{},"raw":"r"}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        Event { raw: raw.into(), attrs, fields, ..event }
    }

    #[test]
    fn an_outline_holds_words_starts_and_values_and_little_else() {
        let mut attrs = Attrs::default();
        attrs.set(Attr::User, Value::List(vec!["Nguyễn Văn A".into(), "khach".into()]));
        attrs.set(Attr::SrcIp, "10.0.0.1");
        let mut fields = Fields::default();
        fields.push("ghi_chu", "Ngoài bản ghi");
        let events = [
            event("Failed password for PowerShell.exe", Attrs::default(), Fields::default()),
            event("Đăng nhập", attrs, fields),
        ];
        let rows = encode(events.iter()).unwrap();
        let outline = Outline::of(&Columns::of(&rows.batch)).unwrap();
        let agency = "01a22440-b94f-7000-a4f4-494684398c87";
        let there = [
            Token::word("password"),
            Token::word("dang"),
            Token::word("ngoai"),
            Token::start("power").unwrap(),
            Token::value("src_ip", "10.0.0.1"),
            Token::value("user", "nguyen van a"),
            Token::value("user", "khach"),
            Token::value("agency_id", agency),
        ];
        for token in there {
            assert!(outline.may_hold(&token), "{token:?}");
        }
        let other = (0..1000).map(|number| Token::word(&format!("khong{number}")));
        let false_hits = other.filter(|token| outline.may_hold(token)).count();
        assert!(false_hits < 50, "{false_hits} of 1,000");
        let time_us = 1_608_364_213_734_000;
        assert_eq!((outline.min_us, outline.max_us), (time_us, time_us));
    }
}
