//! The page of a profile: what is known, and the level that the law gives to it.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use event::Level;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Lang, Permission, filters};

use super::model::{Profile, SystemProfile};
use crate::forms::{Choice, Errors};
use crate::law::{Law, propose, told};
use crate::system::System;

/// One criterion that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Reason {
    #[schema(value_type = u8)]
    pub(crate) level: Level,
    /// Where it stands in the law.
    pub(crate) clause: String,
    /// What it says.
    pub(crate) text: String,
}

/// The level that the law gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Proposed {
    /// The level; `None` when no criterion holds.
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    /// Criteria that hold, the highest level first.
    pub(crate) reasons: Vec<Reason>,
}

/// Returns the level that the law in force on a day gives to these facts.
pub(crate) fn proposal_of(facts: &Profile, day: NaiveDate, lang: Lang) -> Proposed {
    let proposal = propose(Law::builtin(), &facts.level_facts(), day);
    let reason = |criterion: &&crate::law::Criterion| Reason {
        level: criterion.level,
        clause: criterion.clause.clone(),
        text: told(&criterion.vi, &criterion.en, lang).to_owned(),
    };
    Proposed { level: proposal.level, reasons: proposal.reasons.iter().map(reason).collect() }
}

/// The choices of a profile's form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    pub(crate) types: Vec<Choice>,
    pub(crate) info_classes: Vec<Choice>,
    pub(crate) infra_scope: Vec<Choice>,
    pub(crate) works_grade: Vec<Choice>,
    pub(crate) harm: Vec<Choice>,
    pub(crate) hosting: Vec<Choice>,
    pub(crate) funding: Vec<Choice>,
    pub(crate) plan_state: Vec<Choice>,
    pub(crate) regime: Vec<Choice>,
    pub(crate) operators: Vec<Choice>,
}

impl Lists {
    /// Returns the words that may be chosen on a day, with those of the facts marked.
    pub(crate) fn new(facts: &Profile, day: NaiveDate, lang: Lang) -> Self {
        let law = Law::builtin();
        let list = |name: &str, chosen: &[String]| {
            law.words(name, day)
                .map(|word| Choice {
                    value: word.id.clone(),
                    label: told(&word.vi, &word.en, lang).to_owned(),
                    chosen: chosen.contains(&word.id),
                })
                .collect()
        };
        let one = |name: &str, chosen: &String| law.choices(name, chosen, (day, lang));
        let regimes = law.regime.iter().map(|regime| Choice {
            value: regime.id.clone(),
            label: told(&regime.vi, &regime.en, lang).to_owned(),
            chosen: facts.regime == regime.id,
        });
        Self {
            types: list("type", &facts.types),
            info_classes: list("info_class", &facts.info_classes),
            infra_scope: one("infra_scope", &facts.infra_scope),
            works_grade: one("works_grade", &facts.works_grade),
            harm: one("harm", &facts.harm),
            hosting: one("hosting", &facts.hosting),
            funding: one("funding", &facts.funding),
            plan_state: one("plan_state", &facts.plan_state),
            regime: regimes.collect(),
            operators: Vec::new(),
        }
    }
}

/// The page.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "profile/page.html")]
pub(crate) struct ProfilePage {
    pub(crate) system: String,
    pub(crate) name: String,
    /// The level in effect.
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) facts: Profile,
    pub(crate) proposal: Proposed,
    pub(crate) critical: bool,
    pub(crate) critical_note: String,
    pub(crate) flagged_at: Option<DateTime<Utc>>,
    /// Names of the facts that changed since the level was determined.
    pub(crate) flag_reason: Vec<String>,
    pub(crate) version: i32,
    #[serde(skip)]
    pub(crate) lists: Lists,
    #[serde(skip)]
    pub(crate) errors: Errors,
    /// Whether the facts shown are not kept yet.
    #[serde(skip)]
    pub(crate) unsaved: bool,
}

impl ProfilePage {
    /// Returns the page of a system; `facts` are those shown, kept or just typed.
    pub(crate) fn new(
        system: &System,
        profile: SystemProfile,
        facts: Profile,
        (day, lang): (NaiveDate, Lang),
    ) -> Self {
        Self {
            system: system.id.to_string(),
            name: system.name.clone(),
            level: system.level,
            proposal: proposal_of(&facts, day, lang),
            lists: Lists::new(&facts, day, lang),
            facts,
            critical: profile.critical,
            critical_note: profile.critical_note,
            flagged_at: profile.flagged_at,
            flag_reason: profile.flag_reason,
            version: profile.version,
            errors: Errors::new(),
            unsaved: false,
        }
    }

    /// Returns whether the law gives a higher level than the one in effect.
    pub(crate) fn too_low(&self) -> bool {
        self.proposal.level > self.level && self.level.is_some()
    }

    /// Returns the language key of a changed fact.
    pub(crate) fn fact_key(name: &str) -> &'static str {
        match name {
            "types" => "profile-types",
            "info_classes" => "profile-info-classes",
            "users" => "profile-users",
            "subjects" => "profile-subjects",
            "function" => "profile-function",
            "scope" => "profile-scope",
            "hosting" => "profile-hosting",
            _ => "profile-dependencies",
        }
    }
}

/// A day as `<input type="date">` holds it.
pub(crate) fn iso(day: Option<&NaiveDate>) -> String {
    day.map(ToString::to_string).unwrap_or_default()
}
