//! The form of a new order: begun empty, from a template or from an earlier order; read back; shown again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use event::AgencyId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::figures::vietnam;
use web::{AppError, Phrase, Who};

use super::actions::{self, Draft};
use super::model::Kind;
use super::store;
use super::template;
use super::views::OrderForm;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::directory::Concerned;
use crate::error::RespondError;
use crate::incident::moment;

/// What a form begins from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    template: String,
    /// An earlier order.
    order: String,
    incident: String,
    kind: String,
    #[serde(flatten)]
    concerned: Concerned,
}

/// A new order.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NewOrder {
    /// `directive`, `coordination` or `warning`.
    kind: String,
    /// What is asked for, in one line.
    title: String,
    /// What must be done.
    body: String,
    /// Who signs it, by name or title.
    signer: String,
    /// Agencies, by id.
    agency: Vec<String>,
    /// Kinds of agencies, all of which get it: `commune`, `department`.
    group: Vec<String>,
    /// Until when it must be acknowledged (Vietnam's clock, `2026-11-22T14:05`, or RFC 3339).
    acknowledge_by: String,
    /// Until when it must be done.
    done_by: String,
    /// `true` when a file must prove what was done.
    needs_proof: String,
    /// After how many days of delay the head of an agency is told; empty is 1.
    head_after_days: String,
    /// The incident it belongs to, by id.
    incident: String,
    /// A warning: words of the product that it is about.
    product: String,
    /// A warning: the domain that it is about.
    domain: String,
    /// A warning: the address or network that it is about.
    address: String,
    /// A warning: the sector of the owners.
    sector: String,
    /// A warning: the least level, 1 to 5.
    level: String,
}

impl NewOrder {
    fn concerned(&self) -> Concerned {
        Concerned {
            product: self.product.clone(),
            domain: self.domain.clone(),
            address: self.address.clone(),
            sector: self.sector.clone(),
            level: self.level.clone(),
        }
    }
}

const KINDS: [(&str, &str); 3] = [
    (Kind::Directive.word(), Kind::Directive.key()),
    (Kind::Coordination.word(), Kind::Coordination.key()),
    (Kind::Warning.word(), Kind::Warning.key()),
];

/// Hours that an order without a template leaves.
const HOURS: (i64, i64) = (24, 72);

fn local(at: DateTime<Utc>) -> String {
    vietnam(at).format("%Y-%m-%dT%H:%M").to_string()
}

/// Returns the form, begun from what was asked for.
pub(super) async fn begun(desk: &Desk, who: &Who, from: &From) -> Result<OrderForm, RespondError> {
    let now = desk.db.now();
    let at = |hours| local(now + TimeDelta::hours(hours));
    let mut page = blank(desk, who);
    page.incident.clone_from(&from.incident);
    page.signer.clone_from(&who.name);
    (page.acknowledge_by, page.done_by) = (at(HOURS.0), at(HOURS.1));
    let mut kind = Kind::from_word(&from.kind).unwrap_or(Kind::Directive).word().to_owned();
    page.concerned.clone_from(&from.concerned);
    if !page.concerned.is_empty() {
        Kind::Warning.word().clone_into(&mut kind);
        page.affected = actions::affected(desk, &who.scope, &page.concerned).await?;
        page.chosen = page.affected.iter().map(|one| one.agency_id.clone()).collect();
    }
    if let Some(one) = template::all().iter().find(|one| one.id == from.template) {
        kind.clone_from(&one.kind);
        page.title.clone_from(&one.title);
        page.body = one.body.trim().to_owned();
        (page.acknowledge_by, page.done_by) = (at(one.acknowledge_hours), at(one.done_hours));
        page.needs_proof = one.needs_proof;
        page.head_after_days = one.head_after_days;
    } else if let Ok(id) = from.order.parse::<Uuid>() {
        let order = store::get(desk.db.conn(), &who.scope, id).await?;
        let parts = store::parts(desk.db.conn(), &who.scope, id).await?;
        order.kind.word().clone_into(&mut kind);
        page.title = order.title;
        page.body = order.body;
        page.signer = order.signer;
        page.needs_proof = order.needs_proof;
        page.head_after_days = order.head_after_days;
        page.acknowledge_by = local(now + (order.acknowledge_by - order.issued_at));
        page.done_by = local(now + (order.done_by - order.issued_at));
        page.chosen = parts.iter().map(|part| part.agency.to_string()).collect();
    }
    page.is_warning = kind == Kind::Warning.word();
    page.kinds = Choice::words(who.lang, &KINDS, &kind);
    page.sectors = Choice::named(desk.directory.sectors(who.lang), Some(&page.concerned.sector));
    for choice in &mut page.templates {
        choice.chosen = choice.value == from.template;
    }
    Ok(page)
}

fn blank(desk: &Desk, who: &Who) -> OrderForm {
    let templates = template::all().iter().map(|one| Choice {
        value: one.id.clone(),
        name: one.name(who.lang).to_owned(),
        chosen: false,
    });
    OrderForm {
        templates: templates.collect(),
        kinds: Vec::new(),
        title: String::new(),
        body: String::new(),
        signer: String::new(),
        acknowledge_by: String::new(),
        done_by: String::new(),
        needs_proof: false,
        head_after_days: 1,
        incident: String::new(),
        groups: desk.directory.agency_groups(&who.scope),
        chosen: Vec::new(),
        is_warning: false,
        concerned: Concerned::default(),
        sectors: Choice::named(desk.directory.sectors(who.lang), None),
        affected: Vec::new(),
        errors: BTreeMap::new(),
    }
}

/// Returns the form as it was typed, with what is wrong.
pub(super) fn again(
    desk: &Desk,
    who: &Who,
    typed: NewOrder,
    errors: BTreeMap<String, String>,
) -> OrderForm {
    OrderForm {
        kinds: Choice::words(who.lang, &KINDS, &typed.kind),
        is_warning: typed.kind == Kind::Warning.word(),
        concerned: typed.concerned(),
        title: typed.title,
        body: typed.body,
        signer: typed.signer,
        acknowledge_by: typed.acknowledge_by,
        done_by: typed.done_by,
        needs_proof: typed.needs_proof == "true",
        head_after_days: typed.head_after_days.parse().unwrap_or(1),
        incident: typed.incident,
        chosen: typed.agency.into_iter().chain(typed.group).collect(),
        errors,
        ..blank(desk, who)
    }
}

/// Returns what was typed as a draft.
pub(super) fn draft(desk: &Desk, who: &Who, typed: &NewOrder) -> Result<Draft, AppError> {
    let wrong = |field: &'static str, key| AppError::invalid(field, Phrase::key(key));
    let time = |field: &'static str, text: &str| {
        moment(text).ok().flatten().ok_or_else(|| wrong(field, "incident-error-time"))
    };
    let ids: Option<BTreeSet<AgencyId>> = typed.agency.iter().map(|id| id.parse().ok()).collect();
    let mut agencies = ids.ok_or_else(|| wrong("agency", "order-error-agencies"))?;
    for group in desk.directory.agency_groups(&who.scope) {
        if typed.group.contains(&group.word) {
            agencies.extend(group.members.iter().filter_map(|one| one.id.parse::<AgencyId>().ok()));
        }
    }
    let days = typed.head_after_days.trim();
    let incident = match typed.incident.trim() {
        "" => None,
        id => Some(id.parse().map_err(|_| wrong("incident", "order-error-incident"))?),
    };
    Ok(Draft {
        kind: Kind::from_word(&typed.kind).ok_or_else(|| wrong("kind", "order-error-kind"))?,
        title: typed.title.clone(),
        body: typed.body.clone(),
        signer: typed.signer.clone(),
        concerned: typed.concerned(),
        agencies,
        incident,
        acknowledge_by: time("acknowledge_by", &typed.acknowledge_by)?,
        done_by: time("done_by", &typed.done_by)?,
        needs_proof: typed.needs_proof == "true",
        head_after_days: if days.is_empty() {
            1
        } else {
            days.parse().map_err(|_| wrong("head_after_days", "order-error-head"))?
        },
    })
}
