//! The rules of who is told of what: shown to operators, changed by administrators.

use axum::extract::State;
use db::{AuditEntry, Subject};
use event::Severity;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::model::{Audience, Channel, Kind, Rule};
use super::postman::Postman;
use super::store;
use super::views::{Choice, RuleRow, RulesPage};
use crate::{AppError, Body, Done, Path, Permission, Phrase, Routes, View, Who, done, filters};

/// The longest that a rule may wait for someone to take a thing up: a day.
const AFTER_MIN_MAX: i32 = 1440;

pub(super) fn routes(routes: Routes<Postman>) -> Routes<Postman> {
    routes
        .get("/notify/rules", Permission::PlatformRead, list)
        .doc("Lists who is told of what, by which channels")
        .gives::<RulesPage>()
        .post("/notify/rules", Permission::PlatformChange, add)
        .doc("Adds a rule of who is told of what")
        .takes::<Given>()
        .post("/notify/rules/{id}", Permission::PlatformChange, change)
        .doc("Changes a rule of who is told of what")
        .takes::<Given>()
        .post("/notify/rules/{id}/remove", Permission::PlatformChange, remove)
        .doc("Takes away a rule of who is told of what")
}

/// A rule as someone gives it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Given {
    /// The kind's word.
    kind: String,
    /// The mildest severity, by its word.
    severity_min: String,
    /// The lowest level; 0 is any.
    level_min: u8,
    /// `on-call`, `second`, `named`, or a role.
    audience: String,
    /// `own` or `chain`.
    place: String,
    /// Channels' words.
    channels: Vec<String>,
    /// Only when nobody took it up after so many minutes.
    after_min: i32,
    /// `on`, or nothing.
    is_on: Option<String>,
}

impl Given {
    fn rule(&self, id: &str) -> Result<Rule, AppError> {
        let wrong = |field| AppError::invalid(field, Phrase::key("notify-error-choose"));
        if !(0..=AFTER_MIN_MAX).contains(&self.after_min) {
            return Err(wrong("after_min"));
        }
        if self.level_min > 5 {
            return Err(wrong("level_min"));
        }
        Ok(Rule {
            id: id.to_owned(),
            kind: Kind::from_word(&self.kind).ok_or_else(|| wrong("kind"))?,
            severity_min: Severity::from_word(&self.severity_min)
                .ok_or_else(|| wrong("severity_min"))?,
            level_min: self.level_min,
            audience: Audience::from_word(&self.audience).ok_or_else(|| wrong("audience"))?,
            chain: self.place == "chain",
            channels: self.channels.iter().filter_map(|word| Channel::from_word(word)).collect(),
            after_min: self.after_min,
            is_on: self.is_on.is_some(),
        })
    }
}

fn choice(value: &str, key: &'static str, chosen: bool) -> Choice {
    Choice { value: value.to_owned(), key, chosen }
}

fn kinds(chosen: Option<Kind>) -> Vec<Choice> {
    let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Test);
    kinds.map(|kind| choice(kind.word(), kind.key(), chosen == Some(kind))).collect()
}

fn severities(chosen: Severity) -> Vec<Choice> {
    let all = Severity::WORST_FIRST.into_iter().rev();
    all.map(|one| choice(one.word(), filters::severity_key(one), one == chosen)).collect()
}

fn audiences(chosen: Option<Audience>) -> Vec<Choice> {
    let all = Audience::all().into_iter();
    all.map(|one| choice(one.word(), one.key(), chosen == Some(one))).collect()
}

fn channels(rule: Option<&Rule>) -> Vec<Choice> {
    let chosen = |channel| rule.is_none_or(|rule| rule.channels.contains(&channel));
    let all = Channel::ALL.into_iter();
    all.map(|one| choice(one.word(), one.key(), chosen(one))).collect()
}

async fn list(State(postman): State<Postman>) -> Result<View<RulesPage>, AppError> {
    Ok(View::new(page(&postman).await?))
}

async fn page(postman: &Postman) -> Result<RulesPage, AppError> {
    let rules = store::setup::rules(postman.db().conn()).await?;
    let row = |rule: Rule| RuleRow {
        kind: rule.kind.word(),
        kind_key: rule.kind.key(),
        severity_min: rule.severity_min,
        level_min: rule.level_min,
        audience: rule.audience.word(),
        audience_key: rule.audience.key(),
        has_place: matches!(rule.audience, Audience::Role(role) if !role.sees_province()),
        chain: rule.chain,
        after_min: rule.after_min,
        is_on: rule.is_on,
        severities: severities(rule.severity_min),
        audiences: audiences(Some(rule.audience)),
        channels: channels(Some(&rule)),
        id: rule.id,
    };
    // What one tries oneself is no rule to change.
    let rules = rules.into_iter().filter(|rule| rule.kind != Kind::Test).map(row).collect();
    let (kinds, audiences) = (kinds(None), audiences(None));
    let severities = severities(Severity::High);
    let channels = channels(None);
    Ok(RulesPage { rules, kinds, severities, audiences, channels })
}

async fn commit(
    postman: &Postman,
    who: &Who,
    (action, id): (&str, &str),
    rule: Option<&Rule>,
) -> Result<bool, AppError> {
    let tx = postman.db().begin().await?;
    let detail = match rule {
        Some(rule) => {
            store::setup::put_rule(tx.conn(), rule).await?;
            json!({
                "kind": rule.kind.word(),
                "severity_min": rule.severity_min,
                "level_min": rule.level_min,
                "audience": rule.audience.word(),
                "chain": rule.chain,
                "channels": rule.channels.iter().map(|one| one.word()).collect::<Vec<_>>(),
                "after_min": rule.after_min,
                "on": rule.is_on,
            })
        }
        None if store::setup::drop_rule(tx.conn(), id).await? => Value::Null,
        None => return Ok(false),
    };
    let actor = who.actor(crate::Address(who.address));
    tx.commit(AuditEntry::new(actor, action, Subject::new("notify-rule", id), detail)).await?;
    Ok(true)
}

fn back(notice: &'static str) -> Done {
    done("/notify/rules").notice(Phrase::key(notice))
}

async fn add(
    State(postman): State<Postman>,
    who: Who,
    Body(given): Body<Given>,
) -> Result<Done, AppError> {
    let id = postman.db().new_uuid().to_string();
    let rule = Rule { is_on: true, ..given.rule(&id)? };
    commit(&postman, &who, ("notify.add-rule", &id), Some(&rule)).await?;
    Ok(back("notify-done-rule").made())
}

async fn change(
    State(postman): State<Postman>,
    who: Who,
    Path(id): Path<String>,
    Body(given): Body<Given>,
) -> Result<Done, AppError> {
    let known = store::setup::rules(postman.db().conn()).await?;
    let known = known.iter().find(|rule| rule.id == id && rule.kind != Kind::Test);
    let known = known.ok_or(AppError::NotFound)?;
    let given = Given { kind: known.kind.word().to_owned(), ..given };
    commit(&postman, &who, ("notify.change-rule", &id), Some(&given.rule(&id)?)).await?;
    Ok(back("notify-done-rule"))
}

async fn remove(
    State(postman): State<Postman>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    if id == Kind::Test.word() || !commit(&postman, &who, ("notify.drop-rule", &id), None).await? {
        return Err(AppError::NotFound);
    }
    Ok(back("notify-done-rule-removed"))
}

/// Returns what is wrong with the page.
#[cfg(test)]
pub(super) async fn faults_of(postman: &Postman) -> Vec<String> {
    crate::testing::faults(&page(postman).await.unwrap())
}
