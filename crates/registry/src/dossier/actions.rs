//! Writing, signing off, sending and giving up dossiers.

use chrono::Datelike as _;
use db::{AuditEntry, Subject, Tx};
use event::{Severity, SystemId};
use serde_json::{Value, json};
use uuid::Uuid;
use web::notify::{self, Kind, Notice};
use web::{AppError, FieldErrors, Phrase, Who};

use super::check::lacks;
use super::draw;
use super::duty::kept_apart;
use super::ground::Ground;
use super::model::{Dossier, Outcome, Sections, State, Step};
use super::store::{self, taken_by};
use crate::law::{DossierLaw, Law};
use crate::text::{check_length, check_marks, clean};
use crate::{Registry, actor, failed, limits, stale, vietnam_day};

/// A change of a dossier under way: the dossier as it was read, and the step that is taken.
pub(super) struct Change<'a> {
    pub(super) registry: &'a Registry,
    pub(super) who: &'a Who,
    pub(super) tx: Tx,
    pub(super) dossier: Dossier,
    pub(super) step: Step,
}

impl<'a> Change<'a> {
    /// Begins a step: the dossier is seen, the step fits its state, and the asker may be who takes it.
    pub(super) async fn begin(
        registry: &'a Registry,
        who: &'a Who,
        id: Uuid,
        step: Step,
    ) -> Result<Self, AppError> {
        let tx = registry.db.begin().await.map_err(failed)?;
        let found = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
        let mut dossier = found.ok_or(AppError::NotFound)?;
        let next = dossier.state.after(step, dossier.outside)?;
        let taken = store::steps(tx.conn(), &dossier).await.map_err(failed)?;
        kept_apart(who, step, &taken)?;
        if next != dossier.state {
            let day = vietnam_day(tx.now());
            dossier.state = next;
            dossier.state_on = day;
            let held = (dossier.regime.as_str(), dossier.level);
            dossier.due_on = DossierLaw::builtin().due(next.word(), held, day);
        }
        Ok(Self { registry, who, tx, dossier, step })
    }

    /// Keeps the change, its step and who must be told, with the trace.
    pub(super) async fn commit(
        mut self,
        note: String,
        notice: Option<Kind>,
        mut detail: Value,
    ) -> Result<(), AppError> {
        self.dossier.changed_at = self.tx.now();
        if !store::update(self.tx.conn(), &self.dossier).await.map_err(failed)? {
            return Err(stale());
        }
        let at = (self.dossier.round, self.tx.now());
        let taken = taken_by(self.who, self.step, at, note);
        store::add_step(&self.tx, &self.dossier, &taken).await.map_err(failed)?;
        if let Some(kind) = notice {
            let about = format!("{}:{}:{}", self.dossier.id, self.step.word(), at.0);
            let told = told(&self.dossier, kind, &about).not_to(self.who.account);
            notify::raise(self.tx.conn(), &self.registry.db, &[told]).await.map_err(failed)?;
        }
        if let Some(map) = detail.as_object_mut() {
            map.insert("number".to_owned(), json!(self.dossier.number));
            map.insert("state".to_owned(), json!(self.dossier.state));
        }
        let entry = entry(self.who, self.step.action(), &self.dossier, detail);
        self.tx.commit(entry).await.map_err(failed)
    }
}

/// Returns a notice about a dossier.
pub(super) fn told(dossier: &Dossier, kind: Kind, about: &str) -> Notice {
    let important = dossier.level >= 3;
    let severity = if important { Severity::High } else { Severity::Medium };
    Notice::new(kind, about, &format!("/dossiers/{}", dossier.id))
        .number(&dossier.number)
        .weighed(severity, event::Level::new(dossier.level))
        .of_agency(dossier.agency)
        .to(Some(dossier.made_by))
}

pub(super) fn entry(who: &Who, action: &str, dossier: &Dossier, detail: Value) -> AuditEntry {
    let subject = Subject::new("dossier", dossier.id);
    AuditEntry::new(actor(who), action, subject, detail).of_agency(dossier.agency)
}

/// Returns whether a body outside appraises a system of this level (NĐ 331/2026, Điều 18: Bộ Công an for
/// levels 4 and 5, and for levels 3 and 4 on the list of critical systems).
const fn is_outside(level: u8, critical: bool) -> bool {
    level >= 4 || (critical && level >= 3)
}

/// Begins the dossier of a system, drawn from the register.
pub(super) async fn create(
    registry: &Registry,
    who: &Who,
    system: SystemId,
) -> Result<Uuid, AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let ground = Ground::read(registry, tx.conn(), who, system).await?;
    let standing = ground.system.level.map(event::Level::number);
    let level = ground.proposed().or(standing).unwrap_or(1);
    let regime = match ground.profile.facts.regime.as_str() {
        "" => Law::builtin().regime_on(ground.day).map(|regime| regime.id.clone()),
        chosen => Some(chosen.to_owned()),
    };
    let drawn = draw::sections(&ground, level);
    let number = store::next_number(&tx, ground.day.year()).await.map_err(failed)?;
    let dossier = Dossier {
        id: tx.new_uuid(),
        number: format!("HS-{}-{number:04}", ground.day.year()),
        system,
        agency: ground.system.agency,
        level,
        outside: is_outside(level, ground.profile.critical),
        regime: regime.unwrap_or_default(),
        state: State::Draft,
        sections: drawn.clone(),
        drawn,
        round: 0,
        made_by: who.account,
        author: who.name.clone(),
        made_at: tx.now(),
        changed_at: tx.now(),
        state_on: ground.day,
        due_on: None,
        outcome: Outcome::default(),
        version: 1,
    };
    let open = |error: db::DbError| match error.constraint() {
        Some(name) if name.contains("open_system") => {
            AppError::Conflict(Phrase::key("dossier-error-open"))
        }
        _ => failed(error),
    };
    store::insert(tx.conn(), &dossier).await.map_err(open)?;
    let taken = taken_by(who, Step::Draft, (0, tx.now()), String::new());
    store::add_step(&tx, &dossier, &taken).await.map_err(failed)?;
    let detail = json!({ "number": dossier.number, "system": system, "level": level });
    tx.commit(entry(who, Step::Draft.action(), &dossier, detail)).await.map_err(failed)?;
    Ok(dossier.id)
}

/// What someone writes into a dossier.
#[derive(Debug, Clone, Default)]
pub(super) struct Writing {
    /// The version it changes.
    pub(super) version: Option<i32>,
    pub(super) level: Option<u8>,
    pub(super) regime: String,
    pub(super) sections: Sections,
}

/// Writes in a dossier; a signature inside the agency is gone then.
pub(super) async fn edit(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    writing: Writing,
) -> Result<(), AppError> {
    let mut change = Change::begin(registry, who, id, Step::Edit).await?;
    let critical = {
        let system = change.dossier.system;
        Ground::read(registry, change.tx.conn(), who, system).await?.profile.critical
    };
    let dossier = &mut change.dossier;
    let mut errors = FieldErrors::default();
    if let Some(level) = writing.level {
        if event::Level::new(level).is_none() {
            errors.add("level", Phrase::key("registry-field-choose"));
        }
        dossier.level = level;
        dossier.outside = is_outside(level, critical);
    }
    if !writing.regime.is_empty() {
        if !Law::builtin().regime.iter().any(|regime| regime.id == writing.regime) {
            errors.add("regime", Phrase::key("registry-field-choose"));
        }
        dossier.regime = writing.regime;
    }
    let mut sections = Sections::new();
    for (section, text) in &writing.sections {
        if !DossierLaw::builtin().section.iter().any(|known| known.id == *section) {
            errors.add(section.clone(), Phrase::key("registry-field-choose"));
            continue;
        }
        let text = clean(text);
        if text.chars().nth(limits::LONG_TEXT_CHARS_MAX).is_some() {
            let max = limits::LONG_TEXT_CHARS_MAX;
            errors.add(section.clone(), Phrase::key("registry-field-too-long").arg("max", max));
        }
        check_marks(&mut errors, "sections", &text);
        if !text.is_empty() {
            sections.insert(section.clone(), text);
        }
    }
    errors.check()?;
    dossier.sections = sections;
    if writing.version.is_some_and(|version| version != dossier.version) {
        return Err(stale());
    }
    let detail = json!({ "level": dossier.level, "regime": dossier.regime });
    change.commit(String::new(), None, detail).await
}

/// Draws from the register again; what people wrote stays.
pub(super) async fn refill(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let mut change = Change::begin(registry, who, id, Step::Edit).await?;
    let system = change.dossier.system;
    let ground = Ground::read(registry, change.tx.conn(), who, system).await?;
    let drawn = draw::sections(&ground, change.dossier.level);
    let before = std::mem::take(&mut change.dossier.drawn);
    draw::refill(&mut change.dossier.sections, &before, &drawn);
    change.dossier.drawn = drawn;
    change.commit(String::new(), None, json!({ "drawn": true })).await
}

/// Signs a dossier off inside the agency. Nobody signs what they wrote.
pub(super) async fn sign_off(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let change = Change::begin(registry, who, id, Step::SignOff).await?;
    whole(&change).await?;
    change.commit(String::new(), None, json!({})).await
}

/// Sends a dossier to the specialised unit: the clock of the answer begins.
pub(super) async fn submit(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let mut change = Change::begin(registry, who, id, Step::Submit).await?;
    whole(&change).await?;
    change.dossier.round += 1;
    change.dossier.outcome = Outcome::default();
    change.commit(String::new(), Some(Kind::DossierSubmitted), json!({})).await
}

/// Gives a dossier up.
pub(super) async fn withdraw(registry: &Registry, who: &Who, id: Uuid) -> Result<(), AppError> {
    let change = Change::begin(registry, who, id, Step::Withdraw).await?;
    change.commit(String::new(), None, json!({})).await
}

/// Asks the agency's head for the signature; nothing changes but who knows.
pub(super) async fn ask_signature(
    registry: &Registry,
    who: &Who,
    id: Uuid,
) -> Result<(), AppError> {
    let tx = registry.db.begin().await.map_err(failed)?;
    let found = store::by_id(tx.conn(), &who.scope, id).await.map_err(failed)?;
    let dossier = found.ok_or(AppError::NotFound)?;
    dossier.state.after(Step::SignOff, dossier.outside)?;
    let about = format!("{}:sign:{}", dossier.id, dossier.version);
    let told = told(&dossier, Kind::DossierSign, &about).not_to(who.account);
    notify::raise(tx.conn(), &registry.db, &[told]).await.map_err(failed)?;
    let detail = json!({ "number": dossier.number });
    tx.commit(entry(who, "dossier.ask", &dossier, detail)).await.map_err(failed)
}

/// Refuses to go on with a dossier that lacks what the law wants in it.
async fn whole(change: &Change<'_>) -> Result<(), AppError> {
    let dossier = &change.dossier;
    let ground =
        Ground::read(change.registry, change.tx.conn(), change.who, dossier.system).await?;
    let found = lacks(dossier, &ground, change.who.lang);
    let count = found.iter().filter(|lack| lack.stops_sending).count();
    if count == 0 {
        return Ok(());
    }
    Err(AppError::Conflict(Phrase::key("dossier-error-lacks").arg("count", count)))
}

/// Returns a text that must be given, tidy.
pub(super) fn needed(field: &'static str, text: &str) -> Result<String, AppError> {
    let text = clean(text);
    let mut errors = FieldErrors::default();
    if text.is_empty() {
        errors.add(field, Phrase::key("registry-field-empty"));
    }
    check_length(&mut errors, field, &text, limits::LONG_TEXT_CHARS_MAX);
    check_marks(&mut errors, field, &text);
    errors.check()?;
    Ok(text)
}
