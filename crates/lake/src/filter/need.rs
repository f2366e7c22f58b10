//! What rows must hold for a filter to take them, as far as indexes and outlines tell.

use crate::error::StoreError;
use crate::place::Opened;
use crate::segment::{Footer, Outline, Token, may_hold};

/// What a granule's index must hold to be worth reading.
#[derive(Debug)]
pub(super) enum Need {
    Nothing,
    Tokens(Vec<Token>),
    All(Vec<Need>),
    Any(Vec<Need>),
}

impl Need {
    pub(super) fn tokens(tokens: Vec<Token>) -> Self {
        if tokens.is_empty() { Self::Nothing } else { Self::Tokens(tokens) }
    }

    /// Returns the need of folded words, and of words that begin with folded texts.
    pub(super) fn words(words: &[String], starts: &[&str]) -> Self {
        let starts = starts.iter().copied().filter_map(Token::start);
        Self::tokens(words.iter().map(|word| Token::word(word)).chain(starts).collect())
    }

    pub(super) fn all(needs: impl Iterator<Item = Self>) -> Self {
        let needs: Vec<Self> = needs.filter(|need| !matches!(need, Self::Nothing)).collect();
        if needs.is_empty() { Self::Nothing } else { Self::All(needs) }
    }

    pub(super) fn any(needs: impl Iterator<Item = Self>) -> Self {
        let needs: Vec<Self> = needs.collect();
        if needs.iter().any(|need| matches!(need, Self::Nothing)) {
            Self::Nothing
        } else {
            Self::Any(needs)
        }
    }

    /// Returns whether rows in memory may meet this.
    pub(super) fn may_be_met_in(&self, outline: &Outline) -> bool {
        match self {
            Self::Nothing => true,
            Self::Tokens(tokens) => tokens.iter().all(|token| outline.may_hold(token)),
            Self::All(needs) => needs.iter().all(|need| need.may_be_met_in(outline)),
            Self::Any(needs) => needs.iter().any(|need| need.may_be_met_in(outline)),
        }
    }

    /// Returns for each granule whether it may meet this; `None` if the index leaves out none.
    pub(super) fn met_by(
        &self,
        file: &Opened,
        footer: &Footer,
    ) -> Result<Option<Vec<bool>>, StoreError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Tokens(tokens) => may_hold(file, footer, tokens).map(Some),
            Self::All(needs) => {
                let mut all: Option<Vec<bool>> = None;
                for need in needs {
                    all = match (all, need.met_by(file, footer)?) {
                        (Some(all), Some(met)) => {
                            Some(all.into_iter().zip(met).map(|(a, b)| a && b).collect())
                        }
                        (all, met) => all.or(met),
                    };
                    if all.as_ref().is_some_and(|all| !all.contains(&true)) {
                        break;
                    }
                }
                Ok(all)
            }
            Self::Any(needs) => {
                let mut any = vec![false; footer.granules.len()];
                for need in needs {
                    let Some(met) = need.met_by(file, footer)? else { return Ok(None) };
                    any = any.into_iter().zip(met).map(|(a, b)| a || b).collect();
                }
                Ok(Some(any))
            }
        }
    }
}
