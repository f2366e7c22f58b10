//! The pages of dossiers.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use event::Level;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::check::Lack;
use super::model::{Dossier, Outcome, State};
use crate::Snapshot;
use crate::forms::{Choice, Errors};
use crate::law::Workdays;

/// A dossier in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DossierRow {
    pub(crate) id: String,
    /// Its number: `HS-2026-0001`.
    pub(crate) number: String,
    pub(crate) system: String,
    pub(crate) system_name: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    /// The level proposed.
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    pub(crate) state: State,
    /// Whether a body outside appraises it.
    pub(crate) outside: bool,
    pub(crate) changed_at: DateTime<Utc>,
    /// Since which day it is in its state.
    pub(crate) state_on: NaiveDate,
    /// The last day of the limit that runs.
    pub(crate) due_on: Option<NaiveDate>,
    /// Working days left; negative when it is over.
    pub(crate) days_left: Option<i64>,
    #[serde(skip)]
    pub(crate) state_key: &'static str,
}

impl DossierRow {
    /// Returns the row of a dossier on a day.
    pub(super) fn new(dossier: &Dossier, snapshot: &Snapshot, today: NaiveDate) -> Self {
        let system = snapshot.system(dossier.system);
        Self {
            id: dossier.id.to_string(),
            number: dossier.number.clone(),
            system: dossier.system.to_string(),
            system_name: system.map(|system| system.name.clone()).unwrap_or_default(),
            agency: dossier.agency.to_string(),
            agency_name: snapshot.tree().name(dossier.agency).to_owned(),
            level: Level::new(dossier.level),
            state: dossier.state,
            outside: dossier.outside,
            changed_at: dossier.changed_at,
            state_on: dossier.state_on,
            due_on: dossier.due_on,
            days_left: dossier.due_on.map(|due| Workdays::builtin().between(today, due)),
            state_key: dossier.state.key(),
        }
    }

    /// Returns the tone in which its limit is shown.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.days_left {
            None => "quiet",
            Some(days) if days < 0 => "bad",
            Some(days) if days <= crate::limits::DOSSIER_NEAR_DAYS => "warn",
            Some(_) => "ok",
        }
    }
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "dossier/list.html")]
pub(crate) struct DossierList {
    pub(crate) rows: Vec<DossierRow>,
    pub(crate) pager: Pager,
    /// The system asked for, if none of its dossiers is under way.
    #[serde(skip)]
    pub(crate) begin: Option<(String, String)>,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) levels: Vec<Choice>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) limits: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// Something that a dossier lacks.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct LackView {
    pub(crate) what: String,
    pub(crate) clause: String,
    /// Where it is put right; empty: in the dossier itself.
    pub(crate) href: String,
    /// Whether it keeps the dossier from being sent; else from being approved.
    pub(crate) stops_sending: bool,
}

impl From<Lack> for LackView {
    fn from(lack: Lack) -> Self {
        let Lack { what, clause, href, stops_sending } = lack;
        Self { what, clause, href, stops_sending }
    }
}

/// A section.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SectionView {
    /// Its id, a field of the form.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) clause: String,
    pub(crate) text: String,
    /// Whether the register filled it and nobody wrote in it.
    pub(crate) from_register: bool,
    pub(crate) needed: bool,
}

/// What was said of a part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CommentView {
    pub(crate) round: i32,
    /// The law's word: `dat`, `mot_phan`, `chua`, `khong_ap_dung`.
    pub(crate) verdict: &'static str,
    pub(crate) text: String,
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    #[serde(skip)]
    pub(crate) verdict_key: &'static str,
    #[serde(skip)]
    pub(crate) tone: &'static str,
}

/// A part with its sections and what was said of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PartView {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) clause: String,
    pub(crate) sections: Vec<SectionView>,
    pub(crate) comments: Vec<CommentView>,
    /// Whether it is judged; how documents look is not.
    pub(crate) is_judged: bool,
}

/// A step that was taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// Its word: `submit` …
    pub(crate) step: &'static str,
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    pub(crate) note: String,
    #[serde(skip)]
    pub(crate) key: &'static str,
}

/// One dossier.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "dossier/detail.html")]
pub(crate) struct DossierPage {
    pub(crate) dossier: DossierRow,
    pub(crate) round: i32,
    pub(crate) version: i32,
    /// The decree it is handled under, by name.
    pub(crate) regime: String,
    /// The law of the limit that runs.
    pub(crate) limit: String,
    /// The level that the law proposes from the answers.
    #[schema(value_type = Option<u8>)]
    pub(crate) proposed: Option<Level>,
    pub(crate) lacks: Vec<LackView>,
    pub(crate) parts: Vec<PartView>,
    pub(crate) outcome: Outcome,
    pub(crate) steps: Vec<StepView>,
    /// Forms to take, by number and name.
    pub(crate) forms: Vec<(String, String)>,
    #[serde(skip)]
    pub(crate) levels: Vec<Choice>,
    #[serde(skip)]
    pub(crate) regimes: Vec<Choice>,
    #[serde(skip)]
    pub(crate) verdicts: Vec<Choice>,
    #[serde(skip)]
    pub(crate) decided_by_unit: bool,
    #[serde(skip)]
    pub(crate) issuer: String,
    #[serde(skip)]
    pub(crate) errors: Errors,
}

impl DossierPage {
    /// Returns whether its words can be changed.
    pub(crate) const fn is_open(&self) -> bool {
        self.dossier.state.is_open()
    }

    /// Returns whether it can still be given up.
    pub(crate) fn can_withdraw(&self) -> bool {
        self.is_open() || self.is("submitted")
    }

    /// Returns whether it is in the state that a word names.
    pub(crate) fn is(&self, state: &str) -> bool {
        self.dossier.state.word() == state
    }

    /// Returns whether nothing keeps it from being sent.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lacks.iter().any(|lack| lack.stops_sending)
    }

    /// Returns how many parts are not judged in this round.
    pub(crate) fn unjudged(&self) -> usize {
        let judged = |part: &&PartView| part.comments.iter().any(|one| one.round == self.round);
        self.parts.iter().filter(|part| part.is_judged).filter(|part| !judged(part)).count()
    }
}

/// What the change of law asks of a system.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TransitionRow {
    pub(crate) system: String,
    pub(crate) system_name: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    #[schema(value_type = Option<u8>)]
    pub(crate) level: Option<Level>,
    /// The decree of its level, by name.
    pub(crate) regime: String,
    /// The catalogue of controls that goes with it.
    pub(crate) catalogue: String,
    /// `kept`, `investing`, `measures` or `never`.
    pub(crate) case: String,
    /// What is asked, in the reader's language.
    pub(crate) asks: String,
    pub(crate) clause: String,
    pub(crate) due: NaiveDate,
    /// Days left, of the calendar; negative when it is over.
    pub(crate) days_left: i64,
    /// Its dossier under way or filed.
    pub(crate) dossier: Option<String>,
    pub(crate) dossier_number: Option<String>,
    #[serde(skip)]
    pub(crate) dossier_state: Option<&'static str>,
}

impl TransitionRow {
    /// Returns the tone in which its date is shown.
    pub(crate) const fn tone(&self) -> &'static str {
        match self.days_left {
            ..0 => "bad",
            0..=60 => "warn",
            _ => "ok",
        }
    }
}

/// All of them.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "dossier/transition.html")]
pub(crate) struct TransitionList {
    pub(crate) rows: Vec<TransitionRow>,
    pub(crate) pager: Pager,
    /// How many systems stand under each case, with the case's date.
    pub(crate) cases: Vec<CaseCount>,
    #[serde(skip)]
    pub(crate) case_choices: Vec<Choice>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// How many systems stand under a case.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CaseCount {
    pub(crate) case: String,
    pub(crate) asks: String,
    pub(crate) due: NaiveDate,
    pub(crate) count: usize,
}
