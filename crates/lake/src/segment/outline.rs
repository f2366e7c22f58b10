//! What is known of rows in memory without looking at them: what a file's index says of a granule.

use super::bloom::{Token, block_of, blocks_for, may_be_in, set};
use super::tokens::Tokens;

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
    /// Returns the outline of rows by their times (microseconds) and tokens.
    pub(crate) fn new(times_us: impl Iterator<Item = i64>, mut tokens: Tokens) -> Self {
        let tokens = tokens.take();
        let (min_us, max_us) = times_us
            .fold((i64::MAX, i64::MIN), |(min, max), time_us| (min.min(time_us), max.max(time_us)));
        let mut outline = Self { min_us, max_us, blocks: vec![[0; 8]; blocks_for(tokens.len())] };
        for token in tokens {
            let place = outline.place_of(token);
            if let Some(block) = outline.blocks.get_mut(place) {
                set(block, token);
            }
        }
        outline
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
    use crate::rows::{Columns, encode_outlined};
    use crate::segment::tokens::RowTokens;
    use crate::testing;

    fn event(raw: &str, attrs: Attrs, fields: Fields) -> Event {
        Event { raw: raw.into(), attrs, fields, ..testing::event(0) }
    }

    fn all(tokens: Vec<u64>) -> Tokens {
        let mut all = Tokens::default();
        for token in tokens {
            all.add_word(token, b"");
        }
        all
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
        let rows = encode_outlined(events.iter()).unwrap();
        let outline = rows.outline.unwrap();
        let agency = events[0].origin.agency.to_string();
        let there = [
            Token::word("password"),
            Token::word("dang"),
            Token::word("ngoai"),
            Token::start("power").unwrap(),
            Token::value("src_ip", "10.0.0.1"),
            Token::value("user", "nguyen van a"),
            Token::value("user", "khach"),
            Token::value("agency_id", &agency),
        ];
        for token in there {
            assert!(outline.may_hold(&token), "{token:?}");
        }
        let other = (0..1000).map(|number| Token::word(&format!("khong{number}")));
        let false_hits = other.filter(|token| outline.may_hold(token)).count();
        assert!(false_hits < 50, "{false_hits} of 1,000");
        let time_us = events[0].occurred_at.timestamp_micros();
        assert_eq!((outline.min_us, outline.max_us), (time_us, time_us));
        // As many tokens as a file's index would take from the columns.
        let columns = Columns::of(&rows.batch);
        let mut tokens = Tokens::default();
        let of_columns = RowTokens::of(&columns);
        (0..columns.rows()).for_each(|row| of_columns.add(row, &mut tokens).unwrap());
        let tokens = tokens.take();
        assert_eq!(outline.blocks.len(), blocks_for(tokens.len()));
        assert_eq!(outline.blocks, Outline::new(std::iter::once(time_us), all(tokens)).blocks);
    }
}
