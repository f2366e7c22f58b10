//! The checks of one record. Pure: all they need stands in the [`Ground`].

use std::collections::BTreeMap;

use event::Level;
use event::fold::fold;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ground::Ground;
use crate::admin_unit::Units;
use crate::agency::{Agency, AgencyKind, ContactState, is_identifier};
use crate::gate::Paper;
use crate::law::{Law, propose};
use crate::profile::{Profile, SystemProfile};
use crate::system::{System, SystemState};

/// What is asked of data. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// Đúng: agrees with the document or the law it comes from.
    Correct,
    /// Đủ: what its level asks for is filled in.
    Complete,
    /// Sạch: there is no second record of the same thing.
    Clean,
    /// Sống: looked at and measured lately.
    Alive,
    /// Dùng chung: has the key by which others find it.
    Shared,
    /// Thống nhất: said in the words that everyone uses.
    Uniform,
}

impl Attribute {
    /// All attributes, in the order of the slogan.
    pub const ALL: [Self; 6] =
        [Self::Correct, Self::Complete, Self::Clean, Self::Alive, Self::Shared, Self::Uniform];

    /// Returns the language key of the attribute's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Correct => "quality-correct",
            Self::Complete => "quality-complete",
            Self::Clean => "quality-clean",
            Self::Alive => "quality-alive",
            Self::Shared => "quality-shared",
            Self::Uniform => "quality-uniform",
        }
    }
}

/// One check of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is part of.
    pub attribute: Attribute,
    /// Whether the record passes.
    pub passed: bool,
    /// The language key of what to do when it does not.
    pub key: &'static str,
    /// Where to do it.
    pub href: String,
}

/// Passed checks and all checks of each attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(pub(super) BTreeMap<Attribute, (u64, u64)>);

impl Counts {
    /// Adds checks.
    pub fn add(&mut self, checks: &[Check]) {
        for check in checks {
            let (passed, all) = self.0.entry(check.attribute).or_default();
            *passed += u64::from(check.passed);
            *all += 1;
        }
    }

    /// Adds the counts of others.
    pub fn join(&mut self, other: &Self) {
        for (attribute, (passed, all)) in &other.0 {
            let own = self.0.entry(*attribute).or_default();
            own.0 += passed;
            own.1 += all;
        }
    }

    /// Returns how many of a hundred checks of an attribute pass; `None` when there are none.
    pub fn percent(&self, attribute: Attribute) -> Option<u64> {
        let (passed, all) = self.0.get(&attribute).copied().filter(|(_, all)| *all > 0)?;
        Some(passed * 100 / all)
    }
}

/// What the checks of one agency's records come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Records checked.
    pub(super) records: usize,
    pub(super) counts: Counts,
    /// What is to be done: in how many records, and where the first of them is mended.
    pub(super) fixes: BTreeMap<(&'static str, Attribute), (usize, String)>,
}

impl Tally {
    /// Adds a record.
    pub(super) fn add(&mut self, checks: Vec<Check>) {
        self.records += 1;
        self.counts.add(&checks);
        for check in checks.into_iter().filter(|check| !check.passed) {
            self.fixes.entry((check.key, check.attribute)).or_insert((0, check.href)).0 += 1;
        }
    }
}

/// Days after which a record that nobody touched counts as stale: the report of each year is made of it
/// (NĐ 331/2026, Điều 35).
pub(super) const FRESH_DAYS: i64 = 365;

/// Collects the checks of one record.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) found: Vec<Check>,
}

impl Checks {
    pub(super) fn add(
        &mut self,
        attribute: Attribute,
        passed: bool,
        key: &'static str,
        href: &str,
    ) {
        self.found.push(Check { attribute, passed, key, href: href.to_owned() });
    }
}

/// Returns the checks of a system.
pub(crate) fn of_system(
    ground: &Ground<'_>,
    system: &System,
    profile: &SystemProfile,
    papers: &[Paper],
) -> Vec<Check> {
    let place = format!("/systems/{}", system.id);
    let mut checks = Checks::default();
    correct(&mut checks, ground, (system, profile, papers), &place);
    complete(&mut checks, (system, &profile.facts), &place);
    let own = format!("{place}/edit");
    let twin = ground.systems_named(system.agency, &system.name) > 1;
    checks.add(Attribute::Clean, !twin, "quality-fix-twin-system", &own);
    let claimed = system.domains.iter().any(|domain| ground.systems_at(domain) > 1);
    checks.add(Attribute::Clean, !claimed, "quality-fix-twin-domain", &own);
    alive(&mut checks, ground, (system, profile), &place);
    let owner = ground.agency(system.agency);
    let open = owner.is_some_and(|owner| owner.valid_to.is_none());
    checks.add(Attribute::Shared, open, "quality-fix-owner-closed", &own);
    let keyed = owner.is_some_and(|owner| !owner.identifier.is_empty());
    let at_owner = format!("/agencies/{}/edit", system.agency);
    checks.add(Attribute::Shared, keyed, "quality-fix-owner-identifier", &at_owner);
    uniform(&mut checks, ground, (system, &profile.facts), &place);
    checks.found
}

fn correct(
    checks: &mut Checks,
    ground: &Ground<'_>,
    (system, profile, papers): (&System, &SystemProfile, &[Paper]),
    place: &str,
) {
    let law = Law::builtin();
    let decided = papers
        .iter()
        .filter(|paper| paper.kind == "level_decision" && paper.counts(law, ground.day))
        .max_by_key(|paper| (paper.issued_on, paper.created_at));
    let agrees = decided.is_some_and(|paper| paper.level == system.level);
    let at = format!("{place}/papers");
    checks.add(Attribute::Correct, agrees, "quality-fix-level-decision", &at);
    let proposed = propose(law, &profile.facts.level_facts(), ground.day).level;
    let high_enough = proposed <= system.level;
    let at = format!("{place}/profile");
    checks.add(Attribute::Correct, high_enough, "quality-fix-level-low", &at);
    checks.add(Attribute::Correct, profile.flagged_at.is_none(), "quality-fix-level-flag", &at);
}

fn complete(checks: &mut Checks, (system, facts): (&System, &Profile), place: &str) {
    let important = system.level.is_some_and(|level| level.number() >= 3);
    let (own, deep) = (format!("{place}/edit"), format!("{place}/profile"));
    let reached = !system.domains.is_empty() || !system.ip_ranges.is_empty();
    let operated = !system.operator.is_empty() || facts.operator_agency.is_some();
    for (filled, key) in [
        (system.level.is_some(), "quality-fix-level"),
        (!system.duty_phone.is_empty(), "quality-fix-duty-phone"),
        (!system.owner_contact.is_empty(), "quality-fix-owner-contact"),
        (!system.description.is_empty(), "quality-fix-description"),
        (reached, "quality-fix-addresses"),
        (operated, "quality-fix-operator"),
    ] {
        checks.add(Attribute::Complete, filled, key, &own);
    }
    for (filled, key) in [
        (!facts.types.is_empty(), "quality-fix-types"),
        (!facts.info_classes.is_empty(), "quality-fix-info-classes"),
        (!facts.hosting.is_empty(), "quality-fix-hosting"),
        (facts.in_use_since.is_some(), "quality-fix-in-use-since"),
    ] {
        checks.add(Attribute::Complete, filled, key, &deep);
    }
    if !important {
        return;
    }
    for (filled, key) in [
        (!facts.zones.is_empty(), "quality-fix-zones"),
        (!facts.services.is_empty(), "quality-fix-services"),
        (!facts.dependencies.is_empty(), "quality-fix-dependencies"),
        (!facts.model.is_empty(), "quality-fix-model"),
        (!facts.specialised_unit.is_empty(), "quality-fix-specialised-unit"),
    ] {
        checks.add(Attribute::Complete, filled, key, &deep);
    }
}

fn alive(
    checks: &mut Checks,
    ground: &Ground<'_>,
    (system, profile): (&System, &SystemProfile),
    place: &str,
) {
    let touched = profile.updated_at.map_or(system.updated_at, |at| at.max(system.updated_at));
    let fresh = (ground.now - touched).num_days() <= FRESH_DAYS;
    checks.add(Attribute::Alive, fresh, "quality-fix-stale", &format!("{place}/edit"));
    let logs_due = system.level.is_some_and(|level: Level| level.number() >= 2);
    if system.state == SystemState::Running && logs_due {
        let at = format!("/sources?system={}", system.id);
        checks.add(Attribute::Alive, ground.sends(system.id), "quality-fix-logs", &at);
    }
    if let Some(until) = profile.facts.hosting_until {
        let at = format!("{place}/profile");
        checks.add(Attribute::Alive, ground.day <= until, "quality-fix-hosting-ended", &at);
    }
}

fn uniform(
    checks: &mut Checks,
    ground: &Ground<'_>,
    (system, facts): (&System, &Profile),
    place: &str,
) {
    let law = Law::builtin();
    let at = format!("{place}/profile");
    let written_out =
        facts.operator_agency.is_none() && ground.is_agency_name(&fold(&system.operator));
    checks.add(Attribute::Uniform, !written_out, "quality-fix-operator-chosen", &at);
    let holds = |list: &str, word: &String| {
        word.is_empty() || law.words(list, ground.day).any(|known| known.id == *word)
    };
    let current = facts.types.iter().all(|word| holds("type", word))
        && facts.info_classes.iter().all(|word| holds("info_class", word))
        && holds("hosting", &facts.hosting)
        && holds("funding", &facts.funding);
    checks.add(Attribute::Uniform, current, "quality-fix-words", &at);
    let regime = law.regime_on(ground.day).map(|regime| regime.id.as_str());
    let by_now = facts.regime.is_empty() || Some(facts.regime.as_str()) == regime;
    checks.add(Attribute::Uniform, by_now, "quality-fix-regime", &at);
}

/// Returns the checks of an agency.
pub(crate) fn of_agency(ground: &Ground<'_>, agency: &Agency) -> Vec<Check> {
    let (place, own) =
        (format!("/agencies/{}", agency.id), format!("/agencies/{}/edit", agency.id));
    let mut checks = Checks::default();
    let formed = agency.identifier.is_empty() || is_identifier(&agency.identifier);
    checks.add(Attribute::Correct, formed, "quality-fix-identifier-form", &own);
    if agency.kind == AgencyKind::Commune {
        let unit = Units::builtin().get(&agency.unit);
        let named = unit.is_some_and(|unit| fold(&agency.name).contains(&fold(&unit.name)));
        checks.add(Attribute::Correct, named, "quality-fix-unit", &own);
    }
    for (filled, key) in [
        (!agency.phone.is_empty(), "quality-fix-phone"),
        (!agency.email.is_empty(), "quality-fix-email"),
        (!agency.address.is_empty(), "quality-fix-address"),
        (agency.parent.is_some() || agency.kind == AgencyKind::Province, "quality-fix-parent"),
    ] {
        checks.add(Attribute::Complete, filled, key, &own);
    }
    let contact = agency.contact.state(ground.now);
    let known = contact != ContactState::Missing;
    checks.add(Attribute::Complete, known, "quality-fix-contact", &place);
    let twin = ground.agencies_named(&agency.name) > 1;
    checks.add(Attribute::Clean, !twin, "quality-fix-twin-agency", &own);
    let confirmed = contact == ContactState::Confirmed;
    checks.add(Attribute::Alive, confirmed, "quality-fix-contact-confirm", &place);
    let keyed = !agency.identifier.is_empty();
    checks.add(Attribute::Shared, keyed, "quality-fix-identifier", &own);
    let placed = agency.kind != AgencyKind::Other;
    checks.add(Attribute::Uniform, placed, "quality-fix-kind", &own);
    checks.found
}
