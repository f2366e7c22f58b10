//! A SQL question cut into words and signs, to find the place of what is wrong in it.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Line and column of a question, both from 1.
pub(super) type At = (u64, u64);

/// A question that was asked.
pub(crate) struct Asked<'a> {
    pub(super) text: &'a str,
    /// The tables that it may name.
    pub(super) tables: Vec<&'a str>,
    /// Its words and signs; none where it cannot be cut into them.
    pub(super) tokens: Vec<TokenWithSpan>,
}

impl<'a> Asked<'a> {
    /// Cuts a question.
    pub(crate) fn new(text: &'a str, tables: Vec<&'a str>) -> Self {
        // What cannot be cut is told by the parser.
        let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
        let mut tokens = tokens.unwrap_or_default();
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        Self { text, tables, tokens }
    }

    /// Returns the place behind the question's last letter.
    pub(super) fn end(&self) -> At {
        self.place_at(self.text.trim_end().len())
    }

    /// Returns the place of a byte of the question.
    pub(super) fn place_at(&self, byte: usize) -> At {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let lines = before.matches('\n').count();
        let letters = before.rsplit('\n').next().unwrap_or_default().chars().count();
        (lines as u64 + 1, letters as u64 + 1)
    }

    /// Returns the number of the word or sign that begins at a place.
    pub(super) fn token_at(&self, at: At) -> Option<usize> {
        self.tokens.iter().position(|token| place(token) == at)
    }

    /// Returns a word or sign.
    pub(super) fn token(&self, number: usize) -> Option<&Token> {
        self.tokens.get(number).map(|token| &token.token)
    }

    /// Returns a word of SQL, in small letters; nothing for a name in quotes or a sign.
    pub(super) fn word(&self, number: usize) -> Option<String> {
        match self.token(number) {
            Some(Token::Word(word)) if word.quote_style.is_none() => {
                Some(word.value.to_lowercase())
            }
            _ => None,
        }
    }

    /// Returns whether the question has this word of SQL.
    pub(super) fn has_word(&self, wanted: &str) -> bool {
        (0..self.tokens.len()).any(|number| self.word(number).is_some_and(|word| word == wanted))
    }

    /// Returns the number of what stands behind a word of SQL that is there once.
    pub(super) fn after(&self, wanted: &str) -> Option<usize> {
        let is_it = |number: &usize| self.word(*number).is_some_and(|word| word == wanted);
        let mut numbers = (0..self.tokens.len()).filter(is_it);
        let number = numbers.next()?;
        numbers.next().is_none().then_some(number + 1)
    }

    /// Returns where a name or a text stands, where the engine does not tell.
    pub(super) fn place_of(&self, name: &str) -> Option<At> {
        let last = name.rsplit('.').next().unwrap_or(name);
        self.place_where(|token| match token {
            Token::Word(word) => word.value.eq_ignore_ascii_case(last),
            Token::SingleQuotedString(word) => word == name,
            _ => false,
        })
    }

    /// Returns where the first word or sign of a kind stands.
    pub(super) fn place_where(&self, is_it: impl Fn(&Token) -> bool) -> Option<At> {
        self.tokens.iter().find(|token| is_it(&token.token)).map(place)
    }

    /// Returns where the last bracket begins that does not end, and where the first ends that never began.
    pub(super) fn brackets(&self) -> (Option<At>, Option<At>) {
        let (mut open, mut unopened) = (Vec::new(), None);
        for token in &self.tokens {
            match token.token {
                Token::LParen => open.push(place(token)),
                Token::RParen if open.pop().is_none() => {
                    unopened = unopened.or(Some(place(token)));
                }
                _ => {}
            }
        }
        (open.pop(), unopened)
    }
}

/// Returns where a word or sign begins.
pub(super) const fn place(token: &TokenWithSpan) -> At {
    (token.span.start.line, token.span.start.column)
}
