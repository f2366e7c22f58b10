//! Judging dossiers: complete or not, comments on each part, the opinion, the answer from outside, the
//! decision, and filing what was decided.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;
use web::notify::Kind;
use web::{AppError, FieldErrors, Phrase, Role, Who};

use super::actions::{Change, needed};
use super::check::lacks;
use super::ground::Ground;
use super::model::{Comment, Step, Verdict};
use super::store;
use crate::agency::AgencyKind;
use crate::gate::{self, PaperDraft};
use crate::law::DossierLaw;
use crate::text::{check_length, check_marks, clean};
use crate::{Registry, failed, limits, profile, stale, vietnam_day};

/// Refuses whoever belongs to the agency that owns or runs the system: if the specialised unit runs it
/// itself, another body appraises (NĐ 331/2026, Điều 18.4). The centre counts as the provincial police.
async fn independent(change: &Change<'_>) -> Result<(), AppError> {
    let (dossier, who) = (&change.dossier, change.who);
    let ground = Ground::read(change.registry, change.tx.conn(), who, dossier.system).await?;
    let operator = ground.profile.facts.operator_agency;
    let tree = ground.snapshot.tree();
    let runs = |agency| Some(agency) == operator || agency == dossier.agency;
    let bound = match who.agency {
        Some(agency) => tree.subtree(agency).iter().any(|below| runs(*below)),
        None => [operator, Some(dossier.agency)]
            .into_iter()
            .flatten()
            .any(|agency| tree.get(agency).is_some_and(|agency| agency.kind == AgencyKind::Police)),
    };
    if bound {
        return Err(AppError::Conflict(Phrase::key("dossier-error-bound")));
    }
    Ok(())
}

/// Says that a dossier is complete: the clock of the appraisal begins. Or that something is missing.
pub(super) async fn check(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    missing: Option<&str>,
) -> Result<(), AppError> {
    let step = if missing.is_some() { Step::Incomplete } else { Step::Complete };
    let change = Change::begin(registry, who, id, step).await?;
    independent(&change).await?;
    let note = missing.map(|text| needed("missing", text)).transpose()?.unwrap_or_default();
    let notice = missing.map(|_| Kind::DossierReturned);
    let detail = json!({ "missing": note });
    change.commit(note, notice, detail).await
}

/// Says something to a part.
pub(super) async fn comment(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    (part, verdict, text): (&str, &str, &str),
) -> Result<(), AppError> {
    let change = Change::begin(registry, who, id, Step::Comment).await?;
    independent(&change).await?;
    let mut errors = FieldErrors::default();
    let verdict = Verdict::from_word(verdict);
    if verdict.is_none() {
        errors.add("verdict", Phrase::key("registry-field-choose"));
    }
    if !DossierLaw::builtin().judged().any(|known| known.id == part) {
        errors.add("part", Phrase::key("registry-field-choose"));
    }
    let text = clean(text);
    // What does not fit is said why.
    if text.is_empty() && matches!(verdict, Some(Verdict::Partly | Verdict::Not)) {
        errors.add("text", Phrase::key("registry-field-empty"));
    }
    check_length(&mut errors, "text", &text, limits::LONG_TEXT_CHARS_MAX);
    check_marks(&mut errors, "text", &text);
    errors.check()?;
    let said = Comment {
        round: change.dossier.round,
        part: part.to_owned(),
        verdict: verdict.unwrap_or(Verdict::Not),
        text,
        account: who.account,
        author: who.name.clone(),
        made_at: change.tx.now(),
    };
    store::put_comment(change.tx.conn(), &change.dossier, &said).await.map_err(failed)?;
    let detail = json!({ "part": part, "verdict": said.verdict.word() });
    change.commit(part.to_owned(), None, detail).await
}

/// Gives the opinion: every part was judged, and what does not fit cannot be favoured.
pub(super) async fn give_opinion(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    (favourable, text): (bool, &str),
) -> Result<(), AppError> {
    let step = if favourable { Step::Favour } else { Step::Disfavour };
    let mut change = Change::begin(registry, who, id, step).await?;
    independent(&change).await?;
    let text = needed("opinion", text)?;
    let round = change.dossier.round;
    let said = store::comments(change.tx.conn(), &change.dossier).await.map_err(failed)?;
    let said: Vec<&Comment> = said.iter().filter(|comment| comment.round == round).collect();
    let open = DossierLaw::builtin()
        .judged()
        .filter(|part| !said.iter().any(|comment| comment.part == part.id))
        .count();
    if open > 0 {
        let phrase = Phrase::key("dossier-error-parts").arg("count", open);
        return Err(AppError::Conflict(phrase));
    }
    if favourable && said.iter().any(|comment| comment.verdict == Verdict::Not) {
        return Err(AppError::Conflict(Phrase::key("dossier-error-unfit")));
    }
    let outcome = &mut change.dossier.outcome;
    outcome.opinion.clone_from(&text);
    outcome.appraiser.clone_from(&who.name);
    outcome.favourable = Some(favourable);
    let notice = match (favourable, change.dossier.outside) {
        (true, true) => None,
        (true, false) => Some(Kind::DossierAppraised),
        (false, _) => Some(Kind::DossierReturned),
    };
    change.commit(text, notice, json!({ "favourable": favourable })).await
}

/// Notes what the body outside answered.
pub(super) async fn note_outside(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    (favourable, number, on): (bool, &str, Option<NaiveDate>),
) -> Result<(), AppError> {
    let step = if favourable { Step::OutsideYes } else { Step::OutsideNo };
    let mut change = Change::begin(registry, who, id, step).await?;
    let number = needed("number", number)?;
    let today = vietnam_day(change.tx.now());
    let on = past("on", on, today)?;
    let outcome = &mut change.dossier.outcome;
    outcome.outside_number.clone_from(&number);
    outcome.outside_on = Some(on);
    outcome.favourable = Some(favourable);
    let notice = if favourable { Kind::DossierAppraised } else { Kind::DossierReturned };
    let detail = json!({ "favourable": favourable, "number": number, "on": on });
    change.commit(number, Some(notice), detail).await
}

/// Decides. Levels 1 and 2 are approved by the specialised unit, the others by the owner (Điều 18); the
/// regulation must have been issued before (Điều 30.7).
pub(super) async fn decide(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    refused: Option<&str>,
) -> Result<(), AppError> {
    let step = if refused.is_some() { Step::Refuse } else { Step::Approve };
    let mut change = Change::begin(registry, who, id, step).await?;
    let by_unit = change.dossier.is_decided_by_unit();
    let fits = match who.role {
        Role::Administrator => true,
        Role::Appraiser => by_unit,
        _ => !by_unit,
    };
    if !fits {
        let key =
            if by_unit { "dossier-error-unit-decides" } else { "dossier-error-owner-decides" };
        return Err(AppError::Conflict(Phrase::key(key)));
    }
    if by_unit {
        independent(&change).await?;
    }
    let note = refused.map(|text| needed("reason", text)).transpose()?.unwrap_or_default();
    if refused.is_none() {
        let ground = Ground::read(registry, change.tx.conn(), who, change.dossier.system).await?;
        let found = lacks(&change.dossier, &ground, who.lang);
        if let Some(lack) = found.first() {
            let phrase = Phrase::key("dossier-error-not-yet").arg("what", lack.what.as_str());
            return Err(AppError::Conflict(phrase.arg("clause", lack.clause.as_str())));
        }
        change.dossier.outcome.decider.clone_from(&who.name);
    }
    let notice = if refused.is_some() { Kind::DossierReturned } else { Kind::DossierDecided };
    let detail = json!({ "reason": note });
    change.commit(note, Some(notice), detail).await
}

/// What was signed: numbers and days of both decisions.
#[derive(Debug, Clone, Default)]
pub(super) struct Filing {
    pub(super) level_number: String,
    pub(super) level_on: Option<NaiveDate>,
    pub(super) plan_number: String,
    pub(super) plan_on: Option<NaiveDate>,
    pub(super) issuer: String,
}

/// Files the decisions: they become papers of the system, and the system has the level.
pub(super) async fn file(
    registry: &Registry,
    who: &Who,
    id: Uuid,
    filing: Filing,
) -> Result<(), AppError> {
    let mut change = Change::begin(registry, who, id, Step::File).await?;
    let today = vietnam_day(change.tx.now());
    let level_on = past("level_on", filing.level_on, today)?;
    let plan_on = past("plan_on", filing.plan_on, today)?;
    let issuer = needed("issuer", &filing.issuer)?;
    let level_number = needed("level_number", &filing.level_number)?;
    let plan_number = needed("plan_number", &filing.plan_number)?;
    let ground = Ground::read(registry, change.tx.conn(), who, change.dossier.system).await?;
    // The regulation comes before the decision, not after it.
    if ground.paper("regulation").is_none_or(|paper| paper.issued_on > level_on) {
        return Err(AppError::invalid("level_on", Phrase::key("dossier-error-before-regulation")));
    }
    let note = Phrase::key("dossier-paper-note").arg("number", change.dossier.number.as_str());
    let paper = |kind: &str, number: &str, on, level| PaperDraft {
        kind: kind.to_owned(),
        number: number.to_owned(),
        issuer: issuer.clone(),
        level,
        issued_on: Some(on),
        valid_to: None,
        note: note.clone().text(web::Lang::Vi),
    };
    let level = Some(change.dossier.level);
    for draft in [
        paper("level_decision", &level_number, level_on, level),
        paper("plan_decision", &plan_number, plan_on, None),
    ] {
        gate::record(&change.tx, who, &ground.system, draft).await?;
    }
    note_regime(&change, &ground).await?;
    let outcome = &mut change.dossier.outcome;
    outcome.level_number.clone_from(&level_number);
    outcome.level_on = Some(level_on);
    outcome.plan_number.clone_from(&plan_number);
    outcome.plan_on = Some(plan_on);
    outcome.issuer.clone_from(&issuer);
    let detail = json!({ "level": level, "level_decision": level_number, "level_on": level_on,
        "plan_decision": plan_number, "plan_on": plan_on, "issuer": issuer });
    change.commit(level_number, None, detail).await?;
    registry.changed().await
}

/// Keeps in the profile under which decree the level was decided.
async fn note_regime(change: &Change<'_>, ground: &Ground) -> Result<(), AppError> {
    let conn = change.tx.conn();
    let mut profile = profile::of(conn, &ground.system).await.map_err(failed)?;
    if profile.facts.regime == change.dossier.regime {
        return Ok(());
    }
    profile.facts.regime.clone_from(&change.dossier.regime);
    profile.updated_at = Some(change.tx.now());
    if profile::write(conn, &profile).await.map_err(failed)? { Ok(()) } else { Err(stale()) }
}

/// Returns a day that must be given and lie not ahead.
fn past(
    field: &'static str,
    day: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<NaiveDate, AppError> {
    let day = day.ok_or_else(|| AppError::invalid(field, Phrase::key("registry-field-empty")))?;
    if day > today {
        return Err(AppError::invalid(field, Phrase::key("gate-future")));
    }
    Ok(day)
}
