//! What a dossier lacks before it can be signed off and sent, and before it can be approved: each with
//! the place where it is put right.

use web::{Lang, Phrase};

use super::ground::Ground;
use super::model::Dossier;
use crate::law::{DossierLaw, told};

/// Something that a dossier lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lack {
    /// What, in the reader's language.
    pub(super) what: String,
    /// Where the law asks for it.
    pub(super) clause: String,
    /// Where it is put right; empty: in the dossier itself.
    pub(super) href: String,
    /// Whether it keeps the dossier from being sent; else from being approved.
    pub(super) stops_sending: bool,
}

/// Returns what a dossier lacks, in the order of its sections.
pub(super) fn lacks(dossier: &Dossier, ground: &Ground, lang: Lang) -> Vec<Lack> {
    let id = dossier.system;
    let mut found = Vec::new();
    let facts = &ground.profile.facts;
    let profile = format!("/systems/{id}/profile");
    if facts.types.is_empty() || facts.info_classes.is_empty() {
        found.push(lack("dossier-lack-answers", "NĐ 331/2026, Điều 9", &profile, lang));
    }
    if ground.proposed().is_some_and(|proposed| dossier.level < proposed) {
        found.push(lack("dossier-lack-level", "NĐ 331/2026, Điều 8.2", &profile, lang));
    }
    for section in DossierLaw::builtin().sections(dossier.level) {
        if section.needed && dossier.text(&section.id).trim().is_empty() {
            let agency = dossier.agency;
            let href = match section.place.as_str() {
                "agency" => format!("/agencies/{agency}"),
                "papers" => format!("/systems/{id}/papers"),
                "sources" => format!("/sources?system={id}"),
                "assets" => format!("/assets?system={id}"),
                "profile" => profile.clone(),
                _ => String::new(),
            };
            found.push(Lack {
                what: told(&section.vi, &section.en, lang).to_owned(),
                clause: section.clause.clone(),
                href,
                stops_sending: true,
            });
        }
    }
    if ground.paper("regulation").is_none() {
        let papers = format!("/systems/{id}/papers");
        let mut lack = lack("dossier-lack-regulation", "NĐ 331/2026, Điều 30.7", &papers, lang);
        lack.stops_sending = false;
        found.push(lack);
    }
    found
}

fn lack(key: &'static str, clause: &str, href: &str, lang: Lang) -> Lack {
    Lack {
        what: Phrase::key(key).text(lang),
        clause: clause.to_owned(),
        href: href.to_owned(),
        stops_sending: true,
    }
}
