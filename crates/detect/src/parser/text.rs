//! The modifiers that change text: wildcards round it, encodings of it, variants of it.
//!
//! They apply in the order written. A value may become several variants (`windash`, `base64offset`,
//! `expand`), of which any will do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Context;
use super::placeholder::{self, Reading};
use crate::error::{Fault, Place};
use crate::limits::EXPANSIONS_MAX;
use crate::pattern::{DASHES, Token, tokens};

/// A modifier that changes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Contains,
    StartsWith,
    EndsWith,
    Windash,
    Expand,
    Base64,
    Base64Offset,
    Utf16Le,
    Utf16Be,
    Utf16Bom,
}

/// One variant of a text on its way through the modifiers.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) tokens: Vec<Token>,
    /// The bytes, once `wide` or its like made some that need not be text.
    pub(super) encoded: Option<Vec<u8>>,
}

/// Applies one modifier to all variants.
pub(super) fn apply(
    step: Step,
    drafts: Vec<Draft>,
    at: Place,
    context: Context<'_>,
) -> Result<Vec<Draft>, Fault> {
    let mut out = Vec::new();
    for mut draft in drafts {
        match step {
            Step::Contains | Step::StartsWith | Step::EndsWith => {
                draft.settle(at)?;
                if step != Step::StartsWith {
                    draft.tokens.insert(0, Token::Any);
                }
                if step != Step::EndsWith {
                    draft.tokens.push(Token::Any);
                }
                out.push(draft);
            }
            Step::Windash => out.extend(windashed(draft.tokens, at)?),
            Step::Expand => out.extend(each_text(draft.tokens, at, &|text| {
                let reading = Reading {
                    text: &|text| tokens(&escape_wildcards(text)),
                    value: &|value| tokens(value),
                };
                placeholder::expand(text, at, context, &reading)
            })?),
            Step::Base64 => {
                let encoded = STANDARD.encode(draft.bytes(at)?);
                out.push(Draft { tokens: vec![Token::Text(encoded)], encoded: None });
            }
            Step::Base64Offset => {
                let bytes = draft.bytes(at)?;
                if bytes.len() < 2 {
                    // A byte alone decides no character of its own in the middle of three: what it
                    // leaves would be in every text.
                    return Err(Fault::rule(
                        at,
                        "too short for `base64offset`: it takes two bytes",
                    ));
                }
                out.extend((0..3_usize).map(|offset| {
                    let text = base64_at(&bytes, offset);
                    Draft { tokens: vec![Token::Text(text)], encoded: None }
                }));
            }
            Step::Utf16Le | Step::Utf16Be | Step::Utf16Bom => {
                let text = String::from_utf8(draft.bytes(at)?)
                    .map_err(|_| Fault::rule(at, "encoded twice"))?;
                draft.encoded = Some(utf16(&text, step));
                out.push(draft);
            }
        }
        if out.len() > EXPANSIONS_MAX {
            return Err(Fault::unsupported(at, "too many variants of one value"));
        }
    }
    Ok(out)
}

impl Draft {
    /// Turns encoded bytes back into text, before wildcards go round them.
    fn settle(&mut self, at: Place) -> Result<(), Fault> {
        if let Some(bytes) = self.encoded.take() {
            let text = String::from_utf8(bytes)
                .map_err(|_| Fault::unsupported(at, "this encoding is no text by itself"))?;
            self.tokens = vec![Token::Text(text)];
        }
        Ok(())
    }

    /// Returns the bytes to encode.
    fn bytes(&self, at: Place) -> Result<Vec<u8>, Fault> {
        match (&self.encoded, self.tokens.as_slice()) {
            (Some(bytes), _) => Ok(bytes.clone()),
            (None, []) => Ok(Vec::new()),
            (None, [Token::Text(text)]) => Ok(text.clone().into_bytes()),
            (None, _) => Err(Fault::rule(at, "a text with wildcards cannot be encoded")
                .hint("put `contains` last, and a backslash before a plain `*` or `?`")),
        }
    }
}

fn utf16(text: &str, step: Step) -> Vec<u8> {
    let units = text.encode_utf16();
    match step {
        Step::Utf16Be => units.flat_map(u16::to_be_bytes).collect(),
        Step::Utf16Bom => {
            [0xff, 0xfe].into_iter().chain(units.flat_map(u16::to_le_bytes)).collect()
        }
        _ => units.flat_map(u16::to_le_bytes).collect(),
    }
}

/// Returns the characters of the base64 text that these bytes alone decide when `offset` other bytes
/// stand before them (three bytes make four characters) and any may follow.
fn base64_at(bytes: &[u8], offset: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(b' ', offset).chain(bytes.iter().copied()).collect();
    let unsure_before = match offset {
        0 => 0,
        1 => 2,
        _ => 3,
    };
    let unsure_after = match padded.len() % 3 {
        0 => 0,
        1 => 3,
        _ => 2,
    };
    let encoded = STANDARD.encode(padded);
    let end = encoded.len().saturating_sub(unsure_after);
    encoded.get(unsure_before..end).unwrap_or_default().to_owned()
}

/// What one text token may become: each variant a run of tokens.
type TokenVariants = Vec<Vec<Token>>;

/// Replaces every text token by its variants, in all combinations.
fn each_text(
    tokens: Vec<Token>,
    at: Place,
    variants: &dyn Fn(&str) -> Result<TokenVariants, Fault>,
) -> Result<Vec<Draft>, Fault> {
    let mut drafts: Vec<Vec<Token>> = vec![Vec::new()];
    for token in tokens {
        let choices = match &token {
            Token::Text(text) => variants(text)?,
            _ => vec![vec![token]],
        };
        if drafts.len().saturating_mul(choices.len()) > EXPANSIONS_MAX {
            return Err(Fault::unsupported(at, "too many variants of one value"));
        }
        drafts = drafts
            .iter()
            .flat_map(|draft| choices.iter().map(|choice| [draft.as_slice(), choice].concat()))
            .collect();
    }
    Ok(drafts.into_iter().map(|tokens| Draft { tokens, encoded: None }).collect())
}

/// Writes each parameter dash in every way; where that is too much, the pattern says that one stands there.
fn windashed(tokens: Vec<Token>, at: Place) -> Result<Vec<Draft>, Fault> {
    let dashes = |token: &Token| match token {
        Token::Text(text) => cut_at_dashes(text).len().saturating_sub(1),
        _ => 0,
    };
    let count = tokens.iter().map(dashes).fold(0, usize::saturating_add);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let is_written_out = DASHES.len().checked_pow(count).is_some_and(|all| all <= EXPANSIONS_MAX);
    each_text(tokens, at, &|text| {
        let pieces = cut_at_dashes(text);
        Ok(if is_written_out { written_out(&pieces) } else { vec![with_dashes(pieces)] })
    })
}

/// Cuts a text where a parameter's dash stands: one that no word character precedes and one follows.
fn cut_at_dashes(text: &str) -> Vec<String> {
    let word = |c: &char| c.is_alphanumeric() || *c == '_';
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut before: Option<char> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek();
        if DASHES.contains(&c) && !before.is_some_and(|b| word(&b)) && after.is_some_and(word) {
            pieces.push(std::mem::take(&mut piece));
        } else {
            piece.push(c);
        }
        before = Some(c);
    }
    pieces.push(piece);
    pieces
}

/// Joins pieces by every combination of dashes.
fn written_out(pieces: &[String]) -> TokenVariants {
    let mut variants: Vec<String> = Vec::new();
    for piece in pieces {
        variants = if variants.is_empty() {
            vec![piece.clone()]
        } else {
            let each = |text: &String| DASHES.map(|dash| format!("{text}{dash}{piece}"));
            variants.iter().flat_map(each).collect()
        };
    }
    variants.into_iter().map(|text| vec![Token::Text(text)]).collect()
}

fn with_dashes(pieces: Vec<String>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, piece) in pieces.into_iter().enumerate() {
        if number > 0 {
            tokens.push(Token::Dash);
        }
        if !piece.is_empty() {
            tokens.push(Token::Text(piece));
        }
    }
    tokens
}

/// Plain text (its escapes resolved) back into the written form, so that it can be read once more.
fn escape_wildcards(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
