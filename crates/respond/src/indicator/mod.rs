//! The list of indicators that the platform itself keeps: what an incident has shown to be the attacker's is
//! looked for in every event from the next press on, under the incident's number.
//!
//! Values are read as observables, so that one stands once however it is written. What the warning lists
//! name, and what the register knows as ours, is refused with the reason: an alert on one's own portal
//! teaches people to look away. A row ends by itself when its time is over, or is withdrawn with a reason;
//! none is removed.

mod actions;
mod export;
mod model;
mod routes;
mod store;
#[cfg(test)]
mod tests;
mod views;

use std::fmt::Debug;

use event::observable::Observable;
use web::Phrase;

pub(crate) use actions::{put, refusals, terms};
pub use model::{Listed, Mark};
pub(crate) use routes::routes;
pub(crate) use store::standing;
pub use store::{in_force, mark};
pub use views::{IndicatorForm, IndicatorList, IndicatorRow};

/// What looks for indicators in events. This crate does not know `detect`; the application answers.
pub trait Lookout: Send + Sync + Debug {
    /// Returns why a value would never be looked for, whoever names it.
    fn refuses(&self, observable: &Observable) -> Option<Refusal>;

    /// Takes note that the list has changed: it is read again at once.
    fn changed(&self);
}

/// Why a value does not go onto the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be looked for: a network too wide, a digest of another kind.
    Unfit,
    /// It stands on the warning list of this title.
    Warned(String),
    /// It is ours: the system, and where that answers.
    Ours(String, String),
}

impl Refusal {
    /// Returns why, in a sentence that names the value.
    pub(crate) fn phrase(&self, observable: &Observable) -> Phrase {
        let phrase = match self {
            Self::Unfit => Phrase::key("indicator-refused-unfit"),
            Self::Warned(list) => {
                Phrase::key("indicator-refused-warned").arg("list", list.as_str())
            }
            Self::Ours(system, place) => Phrase::key("indicator-refused-ours")
                .arg("system", system.as_str())
                .arg("place", place.as_str()),
        };
        phrase.arg("value", observable.defanged())
    }
}
