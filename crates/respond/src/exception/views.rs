//! What the pages of exceptions show.

use askama::Template;
use chrono::{DateTime, Utc};
use event::Scope;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::actions::Preview;
use super::model::Exception;
use crate::desk::Desk;
use crate::event_line::EventLine;

/// One exception in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExceptionRow {
    /// Its id.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The rule's title, English, if it is loaded.
    pub title: String,
    /// The rule's title, Vietnamese.
    pub title_vi: Option<String>,
    /// The system or agency it covers; empty for every one.
    pub place: String,
    /// The condition as typed.
    pub condition: String,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// Whether it hides anything now.
    pub in_force: bool,
    /// How many findings it has hidden.
    pub hidden: u64,
    /// When it last hid one.
    pub last_hidden_at: Option<DateTime<Utc>>,
}

impl ExceptionRow {
    /// Returns the exception as a row. What the centre wrote of the whole province may name others'
    /// machines: who sees a part of it is told that there is an exception, not under which condition.
    pub(crate) fn of(exception: &Exception, desk: &Desk, scope: &Scope) -> Self {
        let told = exception.agency.is_some() || scope.visible().is_none();
        let rule = desk.rules.rule(&exception.rule);
        let system = exception.system.and_then(|id| desk.directory.system(id));
        let agency = exception.agency.and_then(|id| desk.directory.agency(id));
        Self {
            id: exception.id.to_string(),
            title: rule.as_ref().map_or_else(|| exception.rule.clone(), |rule| rule.title.clone()),
            title_vi: rule.and_then(|rule| rule.title_vi),
            rule: exception.rule.clone(),
            place: system
                .map(|card| card.name)
                .or(agency.map(|card| card.name))
                .unwrap_or_default(),
            condition: if told { exception.condition.clone() } else { "…".to_owned() },
            reason: if told { exception.reason.as_str().to_owned() } else { "…".to_owned() },
            made_by: desk.directory.person_name(exception.made_by).unwrap_or_default(),
            made_at: exception.made_at,
            expires_at: exception.expires_at,
            in_force: exception.ended_at.is_none() && exception.expires_at > desk.db.now(),
            hidden: exception.hidden,
            last_hidden_at: exception.last_hidden_at,
        }
    }
}

/// The list of exceptions.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "exception/list.html")]
pub struct ExceptionList {
    /// The rows, the newest first.
    pub exceptions: Vec<ExceptionRow>,
    /// Where the list stands.
    pub pager: Pager,
}

/// What an exception would have hidden.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewView {
    /// Findings it would have hidden.
    pub hidden: u64,
    /// Findings looked at.
    pub looked_at: u64,
    /// Whether there were more than could be looked at.
    pub cut: bool,
    /// The newest events of those that it would have hidden.
    pub lines: Vec<EventLine>,
}

impl PreviewView {
    pub(super) fn of(preview: &Preview, desk: &Desk) -> Self {
        let line = |event| EventLine::of(event, &[], desk.directory.as_ref());
        Self {
            hidden: preview.hidden,
            looked_at: preview.looked_at,
            cut: preview.cut,
            lines: preview.events.iter().map(line).collect(),
        }
    }
}

/// The form that makes an exception.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "exception/form.html")]
pub struct ExceptionForm {
    /// The rule's id.
    pub rule: String,
    /// The rule's title, English.
    pub title: String,
    /// The rule's title, Vietnamese.
    pub title_vi: Option<String>,
    /// The system's id; empty for every system.
    pub system: String,
    /// The system's name.
    pub system_name: String,
    /// The condition.
    pub condition: String,
    /// Why.
    pub reason: String,
    /// For how many days.
    pub days: i64,
    /// What it would have hidden, once asked.
    pub preview: Option<PreviewView>,
}
