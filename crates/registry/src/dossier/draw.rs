//! Drawing a dossier's sections from the register: everything that the system's page knows. What the
//! register does not know stays empty and is named as missing. Dossiers are in Vietnamese.

use web::figures::whole;
use web::{Lang, Phrase};

use super::ground::Ground;
use super::model::Sections;
use crate::agency::Agency;
use crate::asset::{Asset, AssetKind};
use crate::gate::Paper;
use crate::law::{DossierLaw, Law, told};
use crate::system::net_text;
use crate::text;

/// Returns a phrase in the language of dossiers.
pub(super) fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

/// Returns the sections of a dossier for a level as the register fills them; those it knows nothing of
/// are left out.
pub(super) fn sections(ground: &Ground, level: u8) -> Sections {
    let mut drawn = Sections::new();
    for section in DossierLaw::builtin().sections(level) {
        let text = section_text(ground, &section.id, level);
        if !text.is_empty() {
            drawn.insert(section.id.clone(), text);
        }
    }
    drawn
}

/// Puts freshly drawn sections where nobody has written: what people wrote stays.
pub(super) fn refill(kept: &mut Sections, before: &Sections, drawn: &Sections) {
    for (id, text) in drawn {
        let present = kept.get(id);
        let untouched = present.is_none_or(|present| Some(present) == before.get(id));
        if untouched {
            kept.insert(id.clone(), text.clone());
        }
    }
}

fn section_text(ground: &Ground, id: &str, level: u8) -> String {
    let facts = &ground.profile.facts;
    match id {
        "owner" => agency(ground.owner.as_deref()),
        "operator" => operator(ground),
        "scope" => scope(ground),
        "model" => facts.model.clone(),
        "devices" => devices(ground),
        "services" => services(ground),
        "zones" => zones(ground),
        "design" => papers(ground, &["diagram"]),
        "level_list" => grounds(ground, level),
        "level_detail" => detail(ground),
        "risks" | "impact" => harm(ground, id),
        "related" => facts.dependencies.clone(),
        "plan_build" => papers(ground, &["contract", "diagram", "product_assessment"]),
        "plan_operation" => operation(ground),
        "plan_check" => papers(ground, &["readiness_check", "layer3_assessment", "pentest_report"]),
        "plan_watch" => watch(ground),
        "plan_recovery" => papers(ground, &["drill_report"]),
        "plan_end" => facts.retire_on.map(end).unwrap_or_default(),
        "plan_management" => papers(ground, &["regulation", "layer1_force"]),
        "frame_to" => facts.specialised_unit.clone(),
        _ => String::new(),
    }
}

fn line(key: &'static str, value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| format!("{}: {}", vi(key), value.trim()))
}

fn joined(lines: impl IntoIterator<Item = Option<String>>) -> String {
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// An agency with everything that the dossier asks for; nothing while its address is not known.
fn agency(agency: Option<&Agency>) -> String {
    let Some(agency) = agency else { return String::new() };
    joined([
        line("dossier-draw-name", &agency.name),
        line("dossier-draw-representative", &agency.contact.name),
        line("dossier-draw-address", &agency.address),
        line("dossier-draw-phone", &agency.phone),
        line("dossier-draw-email", &agency.email),
        line("dossier-draw-identifier", &agency.identifier),
    ])
}

fn operator(ground: &Ground) -> String {
    let own = match &ground.operator {
        Some(operator) => agency(Some(operator)),
        None => joined([line("dossier-draw-name", &ground.operator_name())]),
    };
    joined([
        (!own.is_empty()).then_some(own),
        line("dossier-draw-duty", &ground.system.duty_phone),
        line("dossier-draw-delegation", &ground.profile.facts.delegation),
    ])
}

fn scope(ground: &Ground) -> String {
    let facts = &ground.profile.facts;
    let law = Law::builtin();
    let names = |list: &'static str, words: &[String]| {
        let names = words.iter().map(|word| law.name(list, word, Lang::Vi).to_owned());
        names.collect::<Vec<_>>().join("; ")
    };
    let count = |number: i64| {
        if number > 0 { whole(i128::from(number), Lang::Vi) } else { String::new() }
    };
    joined([
        line("dossier-draw-purpose", &ground.system.description),
        line("dossier-draw-types", &names("type", &facts.types)),
        line("dossier-draw-info", &names("info_class", &facts.info_classes)),
        line("dossier-draw-users-internal", &count(facts.users_internal)),
        line("dossier-draw-users-external", &count(facts.users_external)),
        line("dossier-draw-subjects-basic", &count(facts.subjects_basic)),
        line("dossier-draw-subjects-sensitive", &count(facts.subjects_sensitive)),
        line("dossier-draw-since", &facts.in_use_since.map(text::day).unwrap_or_default()),
        line("dossier-draw-hosting", &hosting(ground)),
    ])
}

fn hosting(ground: &Ground) -> String {
    let facts = &ground.profile.facts;
    if facts.hosting.is_empty() {
        return String::new();
    }
    let kind = Law::builtin().name("hosting", &facts.hosting, Lang::Vi);
    [kind, &facts.hosting_place, &facts.hosting_provider]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn services(ground: &Ground) -> String {
    let software = ground.assets.iter().filter(|asset| asset.kind == AssetKind::Software);
    let software = joined(software.map(|asset| Some(described(asset))));
    joined([
        (!ground.profile.facts.services.is_empty()).then(|| ground.profile.facts.services.clone()),
        (!software.is_empty()).then_some(software),
        line("dossier-draw-domains", &ground.system.domains.join(", ")),
    ])
}

/// The assets of the system that are no software and no name: kind, name, product; place; purpose.
fn devices(ground: &Ground) -> String {
    let is_device = |asset: &&Asset| !matches!(asset.kind, AssetKind::Software | AssetKind::Domain);
    joined(ground.assets.iter().filter(is_device).map(|asset| Some(described(asset))))
}

/// An asset in a line: `- Máy chủ cổng (Máy chủ, Đông Á R-640); 10.20.0.7; Phòng máy; Chạy cổng`.
fn described(asset: &Asset) -> String {
    let kind = vi(asset.kind.key());
    let product = [kind.as_str(), &asset.product, &asset.release];
    let product =
        product.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    let name = format!("- {} ({product})", asset.name);
    let parts = [name.as_str(), &asset.address, &asset.place, &asset.purpose];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn zones(ground: &Ground) -> String {
    let ranges: Vec<String> = ground.system.ip_ranges.iter().map(net_text).collect();
    joined([
        (!ground.profile.facts.zones.is_empty()).then(|| ground.profile.facts.zones.clone()),
        line("dossier-draw-ranges", &ranges.join(", ")),
    ])
}

/// The level with the criteria that hold, each with its clause: the higher wins.
fn grounds(ground: &Ground, level: u8) -> String {
    let facts = ground.profile.facts.level_facts();
    let proposal = crate::law::propose(Law::builtin(), &facts, ground.day);
    if proposal.reasons.is_empty() {
        return String::new();
    }
    let head = Phrase::key("dossier-draw-level")
        .arg("name", ground.system.name.as_str())
        .arg("level", i64::from(level))
        .text(Lang::Vi);
    let reasons = proposal.reasons.iter().map(|reason| {
        let number = i64::from(reason.level.number());
        let words = Phrase::key("dossier-draw-reason")
            .arg("level", number)
            .arg("text", told(&reason.vi, &reason.en, Lang::Vi))
            .arg("clause", reason.clause.as_str());
        Some(format!("- {}", words.text(Lang::Vi)))
    });
    joined(std::iter::once(Some(head)).chain(reasons))
}

fn detail(ground: &Ground) -> String {
    let facts = &ground.profile.facts;
    let said = [
        (facts.admin_procedures, "profile-admin-procedures"),
        (facts.conditional_business, "profile-conditional-business"),
        (facts.serves_security, "profile-serves-security"),
    ];
    let said =
        said.into_iter().filter(|(is, _)| *is).map(|(_, key)| Some(format!("- {}", vi(key))));
    let scope = Law::builtin().name("infra_scope", &facts.infra_scope, Lang::Vi);
    let works = Law::builtin().name("works_grade", &facts.works_grade, Lang::Vi);
    let more = [
        line("dossier-draw-infra", scope),
        line("dossier-draw-works", works),
        line("dossier-draw-database", &facts.database_field),
    ];
    joined(said.chain(more))
}

fn harm(ground: &Ground, id: &str) -> String {
    let harm = &ground.profile.facts.harm;
    if harm.is_empty() {
        return String::new();
    }
    let key = if id == "impact" { "dossier-draw-impact" } else { "dossier-draw-harm" };
    joined([line(key, Law::builtin().name("harm", harm, Lang::Vi))])
}

fn operation(ground: &Ground) -> String {
    joined([
        line("dossier-draw-runs", &ground.operator_name()),
        line("dossier-draw-contact", &ground.system.owner_contact),
        line("dossier-draw-duty", &ground.system.duty_phone),
    ])
}

fn watch(ground: &Ground) -> String {
    let names = ground.sources.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let sources = (!names.is_empty()).then(|| {
        Phrase::key("dossier-draw-sources")
            .arg("count", names.len())
            .arg("names", names.join("; "))
            .text(Lang::Vi)
    });
    let layers = papers(ground, &["layer2_monitoring", "layer4_sharing"]);
    joined([sources, (!layers.is_empty()).then_some(layers)])
}

fn end(day: chrono::NaiveDate) -> String {
    joined([line("dossier-draw-retire", &text::day(day))])
}

/// The papers of these kinds that count, one a line.
fn papers(ground: &Ground, kinds: &[&str]) -> String {
    joined(kinds.iter().map(|kind| ground.paper(kind).map(quoted)))
}

/// Returns a paper as people quote it: kind, number, day, issuer.
pub(super) fn quoted(paper: &Paper) -> String {
    let law = Law::builtin();
    let kind = law.paper_kind(&paper.kind).map_or(paper.kind.as_str(), |kind| kind.vi.as_str());
    Phrase::key("dossier-draw-paper")
        .arg("kind", kind)
        .arg("number", paper.number.as_str())
        .arg("day", text::day(paper.issued_on))
        .arg("issuer", paper.issuer.as_str())
        .text(Lang::Vi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_stays_when_the_register_is_drawn_from_again() {
        let map = |pairs: &[(&str, &str)]| -> Sections {
            pairs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
        };
        let mut kept = map(&[("owner", "cũ"), ("zones", "tự viết")]);
        let before = map(&[("owner", "cũ"), ("zones", "sổ cũ")]);
        let drawn = map(&[("owner", "mới"), ("zones", "sổ mới"), ("scope", "thêm")]);
        refill(&mut kept, &before, &drawn);
        assert_eq!(kept, map(&[("owner", "mới"), ("zones", "tự viết"), ("scope", "thêm")]));
    }
}
