//! Addresses of dossiers.

use axum::extract::State as Held;
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use event::SystemId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, Body, Done, Path, Permission, Phrase, Routes, View, Who, done};

use super::actions::{self, Writing};
use super::judge::{self, Filing};
use super::model::{Dossier, Sections};
use super::views::{DossierList, DossierPage, TransitionList};
use super::{files, lists, page, store};
use crate::{Registry, failed, forms};

/// Returns the routes of dossiers.
pub(crate) fn routes() -> Routes<Registry> {
    use Permission::{DossierAppraise, DossierDecide, DossierRead, DossierSign, DossierWrite};
    Routes::new()
        .get("/dossiers", DossierRead, lists::list)
        .doc("Lists level dossiers, the last changed first")
        .gives::<DossierList>()
        .get("/dossiers/export", DossierRead, lists::export)
        .doc("Gives the list as a file")
        .get("/dossiers/form-08", DossierRead, files::form_08)
        .doc("Gives form 08, the report on all systems' levels, as DOCX, PDF or XLSX")
        .get("/dossiers/transition", DossierRead, lists::transitions)
        .doc("Lists what the change of law asks of each system, until when")
        .gives::<TransitionList>()
        .get("/dossiers/transition/export", DossierRead, lists::transition_export)
        .doc("Gives that list as a file")
        .post("/dossiers", DossierWrite, create)
        .doc("Begins the dossier of a system, drawn from the register")
        .takes::<NewDossier>()
        .get("/dossiers/{id}", DossierRead, detail)
        .doc("Shows one dossier, what it lacks and every step")
        .gives::<DossierPage>()
        .get("/dossiers/{id}/forms/{form}", DossierRead, files::form)
        .doc("Gives one of the forms 01 to 07, or 00: the dossier itself, as DOCX or PDF")
        .post("/dossiers/{id}/content", DossierWrite, edit)
        .doc("Writes in a dossier; sections not named are emptied")
        .takes::<EditForm>()
        .post("/dossiers/{id}/refill", DossierWrite, refill)
        .doc("Draws from the register again; what people wrote stays")
        .post("/dossiers/{id}/ask", DossierWrite, ask)
        .doc("Asks the agency's head for the signature")
        .post("/dossiers/{id}/sign-off", DossierSign, sign_off)
        .doc("Signs a dossier off inside the agency")
        .post("/dossiers/{id}/submit", DossierWrite, submit)
        .doc("Sends a signed dossier to the specialised unit")
        .post("/dossiers/{id}/withdraw", DossierWrite, withdraw)
        .doc("Gives a dossier up")
        .post("/dossiers/{id}/complete", DossierAppraise, complete)
        .doc("Finds a dossier complete: the clock of the appraisal begins")
        .post("/dossiers/{id}/incomplete", DossierAppraise, incomplete)
        .doc("Sends an incomplete dossier back")
        .takes::<MissingForm>()
        .post("/dossiers/{id}/comment", DossierAppraise, comment)
        .doc("Judges one part")
        .takes::<CommentForm>()
        .post("/dossiers/{id}/opinion", DossierAppraise, opinion)
        .doc("Gives the opinion when every part was judged")
        .takes::<OpinionForm>()
        .post("/dossiers/{id}/outside", DossierAppraise, outside)
        .doc("Notes the answer of the body outside")
        .takes::<OutsideForm>()
        .post("/dossiers/{id}/approve", DossierDecide, approve)
        .doc("Approves an appraised dossier")
        .post("/dossiers/{id}/refuse", DossierDecide, refuse)
        .doc("Does not approve an appraised dossier")
        .takes::<ReasonForm>()
        .post("/dossiers/{id}/file", DossierWrite, file)
        .doc("Files both decisions: the system gets its level and papers")
        .takes::<FilingForm>()
}

/// A dossier to be begun.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDossier {
    /// The system.
    #[schema(value_type = Option<String>)]
    system: Option<SystemId>,
}

async fn create(
    Held(registry): Held<Registry>,
    who: Who,
    Body(given): Body<NewDossier>,
) -> Result<Done, AppError> {
    let choose = || AppError::invalid("system", Phrase::key("registry-field-choose"));
    let id = actions::create(&registry, &who, given.system.ok_or_else(choose)?).await?;
    let to = format!("/dossiers/{id}");
    Ok(done(to).made().notice(Phrase::key("dossier-done-begun")))
}

/// Returns a dossier that the asker sees.
pub(super) async fn found(registry: &Registry, who: &Who, id: Uuid) -> Result<Dossier, AppError> {
    let found = store::by_id(registry.db.conn(), &who.scope, id).await.map_err(failed)?;
    found.ok_or(AppError::NotFound)
}

async fn detail(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<View<DossierPage>, AppError> {
    let dossier = found(&registry, &who, id).await?;
    Ok(View::new(page::page(&registry, &who, &dossier).await?))
}

/// What is written into a dossier.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
struct EditForm {
    /// The version it changes: someone else's newer one is not written over.
    version: Option<i32>,
    /// The level proposed, 1 to 5.
    level: Option<u8>,
    /// The decree: `nd331_2026` or `nd85_2016`.
    #[serde(default)]
    regime: String,
    /// Texts by section.
    #[serde(flatten)]
    sections: Sections,
}

async fn edit(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<EditForm>,
) -> Result<Response, AppError> {
    let writing = Writing {
        version: form.version,
        level: form.level,
        regime: form.regime,
        sections: form.sections.clone(),
    };
    let kept = actions::edit(&registry, &who, id, writing).await;
    let kept = kept.map(|()| saved(id, "dossier-done-written"));
    match kept {
        Err(error @ AppError::Invalid(_)) => {
            // What was typed is shown again, not what was kept.
            let mut dossier = found(&registry, &who, id).await?;
            dossier.sections = form.sections;
            let mut page = page::page(&registry, &who, &dossier).await?;
            forms::again(&who, error, |errors| {
                page.errors = errors;
                page
            })
        }
        kept => Ok(kept?.into_response()),
    }
}

fn saved(id: Uuid, notice: &'static str) -> Done {
    done(format!("/dossiers/{id}")).notice(Phrase::key(notice))
}

/// Answers a press: onwards, or the page again with what is wrong.
async fn answered(
    registry: &Registry,
    who: &Who,
    (id, notice): (Uuid, &'static str),
    kept: Result<(), AppError>,
) -> Result<Response, AppError> {
    match kept {
        Ok(()) => Ok(saved(id, notice).into_response()),
        Err(error @ AppError::Invalid(_)) => {
            let dossier = found(registry, who, id).await?;
            let mut page = page::page(registry, who, &dossier).await?;
            forms::again(who, error, |errors| {
                page.errors = errors;
                page
            })
        }
        Err(error) => Err(error),
    }
}

async fn refill(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::refill(&registry, &who, id).await?;
    Ok(saved(id, "dossier-done-drawn"))
}

async fn ask(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::ask_signature(&registry, &who, id).await?;
    Ok(saved(id, "dossier-done-asked"))
}

async fn sign_off(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::sign_off(&registry, &who, id).await?;
    Ok(saved(id, "dossier-done-signed"))
}

async fn submit(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::submit(&registry, &who, id).await?;
    Ok(saved(id, "dossier-done-sent"))
}

async fn withdraw(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    actions::withdraw(&registry, &who, id).await?;
    Ok(saved(id, "dossier-done-withdrawn"))
}

async fn complete(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    judge::check(&registry, &who, id, None).await?;
    Ok(saved(id, "dossier-done-complete"))
}

/// What is missing.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct MissingForm {
    /// What must be added.
    missing: String,
}

async fn incomplete(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<MissingForm>,
) -> Result<Response, AppError> {
    let kept = judge::check(&registry, &who, id, Some(&form.missing)).await;
    answered(&registry, &who, (id, "dossier-done-returned"), kept).await
}

/// What is said of a part.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct CommentForm {
    /// The part: `description`, `design`, `level` or `plan`.
    part: String,
    /// `dat`, `mot_phan`, `chua` or `khong_ap_dung`.
    verdict: String,
    /// The words.
    text: String,
}

async fn comment(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<CommentForm>,
) -> Result<Response, AppError> {
    let said = (form.part.as_str(), form.verdict.as_str(), form.text.as_str());
    let kept = judge::comment(&registry, &who, id, said).await;
    answered(&registry, &who, (id, "dossier-done-commented"), kept).await
}

/// The opinion.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct OpinionForm {
    /// `yes` or `no`.
    favourable: String,
    /// The opinion in words.
    opinion: String,
}

async fn opinion(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<OpinionForm>,
) -> Result<Response, AppError> {
    let given = (form.favourable == "yes", form.opinion.as_str());
    let kept = judge::give_opinion(&registry, &who, id, given).await;
    answered(&registry, &who, (id, "dossier-done-opinion"), kept).await
}

/// The answer from outside.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct OutsideForm {
    /// `yes` or `no`.
    favourable: String,
    /// Number of the paper.
    number: String,
    /// Its day.
    on: Option<NaiveDate>,
}

async fn outside(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<OutsideForm>,
) -> Result<Response, AppError> {
    let given = (form.favourable == "yes", form.number.as_str(), form.on);
    let kept = judge::note_outside(&registry, &who, id, given).await;
    answered(&registry, &who, (id, "dossier-done-outside"), kept).await
}

async fn approve(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Done, AppError> {
    judge::decide(&registry, &who, id, None).await?;
    Ok(saved(id, "dossier-done-approved"))
}

/// Why not.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ReasonForm {
    /// Why.
    reason: String,
}

async fn refuse(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<ReasonForm>,
) -> Result<Response, AppError> {
    let kept = judge::decide(&registry, &who, id, Some(&form.reason)).await;
    answered(&registry, &who, (id, "dossier-done-returned"), kept).await
}

/// Numbers and days of both decisions as signed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct FilingForm {
    /// Number of the decision on the level.
    level_number: String,
    /// Its day.
    level_on: Option<NaiveDate>,
    /// Number of the decision on the security plan.
    plan_number: String,
    /// Its day.
    plan_on: Option<NaiveDate>,
    /// Who issued them.
    issuer: String,
}

async fn file(
    Held(registry): Held<Registry>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<FilingForm>,
) -> Result<Response, AppError> {
    let filing = Filing {
        level_number: form.level_number,
        level_on: form.level_on,
        plan_number: form.plan_number,
        plan_on: form.plan_on,
        issuer: form.issuer,
    };
    let kept = judge::file(&registry, &who, id, filing).await;
    answered(&registry, &who, (id, "dossier-done-filed"), kept).await
}
