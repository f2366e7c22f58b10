//! The page of one dossier, put together.

use web::{AppError, Lang, Phrase, Who};

use super::check::lacks;
use super::form::Form;
use super::ground::Ground;
use super::model::{Comment, Dossier, Step, Verdict};
use super::store;
use super::views::{
    CommentView, DossierPage, DossierRow, LackView, PartView, SectionView, StepView,
};
use crate::forms::{Choice, Errors, choices};
use crate::law::{DossierLaw, Law, told};
use crate::{Registry, failed, system};

/// Returns the page of a dossier that the asker has read.
pub(super) async fn page(
    registry: &Registry,
    who: &Who,
    dossier: &Dossier,
) -> Result<DossierPage, AppError> {
    let conn = registry.db.conn();
    let ground = Ground::read(registry, conn, who, dossier.system).await?;
    let comments = store::comments(conn, dossier).await.map_err(failed)?;
    let steps = store::steps(conn, dossier).await.map_err(failed)?;
    let (law, lang) = (DossierLaw::builtin(), who.lang);
    let found = if dossier.state.is_over() { Vec::new() } else { lacks(dossier, &ground, lang) };
    let limit = law.clock(dossier.state.word(), &dossier.regime, dossier.level);
    let verdicts =
        Verdict::ALL.map(|one| (one.word().to_owned(), Phrase::key(one.key()).text(lang)));
    Ok(DossierPage {
        dossier: DossierRow::new(dossier, &ground.snapshot, ground.day),
        round: dossier.round,
        version: dossier.version,
        regime: regime_name(&dossier.regime, lang),
        limit: limit.map(|clock| clock.clause.clone()).unwrap_or_default(),
        proposed: ground.proposed().and_then(event::Level::new),
        lacks: found.into_iter().map(LackView::from).collect(),
        parts: parts(dossier, &comments, lang),
        outcome: dossier.outcome.clone(),
        steps: steps.into_iter().map(step).collect(),
        forms: forms(dossier, lang),
        levels: choices(system::levels(who), Some(&dossier.level.to_string())),
        regimes: regimes(&dossier.regime, lang),
        verdicts: choices(verdicts, None),
        decided_by_unit: dossier.is_decided_by_unit(),
        issuer: ground.owner_name(),
        errors: Errors::new(),
    })
}

/// Returns the forms that a dossier has at its step, by number and name.
fn forms(dossier: &Dossier, lang: Lang) -> Vec<(String, String)> {
    let named = |form: Form| (form.number().to_owned(), Phrase::key(form.key()).text(lang));
    Form::ALL.into_iter().filter(|form| form.fits(dossier)).map(named).collect()
}

/// Returns a decree's name.
pub(super) fn regime_name(id: &str, lang: Lang) -> String {
    let regime = Law::builtin().regime.iter().find(|regime| regime.id == id);
    regime.map_or(id, |regime| told(&regime.vi, &regime.en, lang)).to_owned()
}

fn regimes(chosen: &str, lang: Lang) -> Vec<Choice> {
    let all = Law::builtin().regime.iter();
    choices(all.map(|one| (one.id.clone(), told(&one.vi, &one.en, lang).to_owned())), Some(chosen))
}

fn parts(dossier: &Dossier, comments: &[Comment], lang: Lang) -> Vec<PartView> {
    let law = DossierLaw::builtin();
    let section = |section: &crate::law::Section| SectionView {
        title: told(&section.vi, &section.en, lang).to_owned(),
        clause: section.clause.clone(),
        text: dossier.text(&section.id).to_owned(),
        from_register: dossier.drawn.contains_key(&section.id)
            && dossier.drawn.get(&section.id) == dossier.sections.get(&section.id),
        needed: section.needed,
        id: section.id.clone(),
    };
    let part = |part: &crate::law::Part| PartView {
        title: told(&part.vi, &part.en, lang).to_owned(),
        clause: part.clause.clone(),
        sections: law
            .sections(dossier.level)
            .filter(|section| section.part == part.id)
            .map(section)
            .collect(),
        comments: comments.iter().filter(|said| said.part == part.id).rev().map(comment).collect(),
        is_judged: part.id != "frame",
        id: part.id.clone(),
    };
    law.part.iter().map(part).collect()
}

fn comment(said: &Comment) -> CommentView {
    CommentView {
        round: said.round,
        verdict: said.verdict.word(),
        text: said.text.clone(),
        author: said.author.clone(),
        made_at: said.made_at,
        verdict_key: said.verdict.key(),
        tone: match said.verdict {
            Verdict::Fits => "ok",
            Verdict::Partly => "warn",
            Verdict::Not => "bad",
            Verdict::Nothing => "quiet",
        },
    }
}

fn step(taken: super::model::Taken) -> StepView {
    let law = DossierLaw::builtin();
    // Of a comment the note is the part's id.
    let note = match taken.step {
        Step::Comment => law.part.iter().find(|part| part.id == taken.note),
        _ => None,
    };
    StepView {
        step: taken.step.word(),
        at: taken.at,
        by: taken.author,
        note: note.map_or(taken.note.clone(), |part| part.vi.clone()),
        key: crate::audit_log::action_key(taken.step.action()).unwrap_or("dossier-title"),
    }
}
