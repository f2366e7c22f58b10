//! What the change of law asks of each system and until when: levels kept from the old law, systems under
//! investment when it changed, and those that run without a level (NĐ 331/2026, Điều 39; Luật 116/2025,
//! Điều 45.1).

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use event::{AgencyId, SystemId};
use serde::Deserialize;
use web::{AppError, Who};

use super::page::regime_name;
use super::store;
use super::views::{CaseCount, TransitionRow};
use crate::gate::{self, Paper};
use crate::law::{DossierLaw, Law, told};
use crate::profile::{self, Profile};
use crate::system::{System, SystemState};
use crate::{Registry, failed, today};

/// The decree before the change.
const OLD: &str = "nd85_2016";

/// The kind of paper that decides on a level.
const LEVEL_DECISION: &str = "level_decision";

/// How far a plan must be for nothing to be left.
const PLAN_WHOLE: &str = "day_du";

/// Which part of the list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TransitionFilter {
    /// Only this agency's.
    pub(super) agency: Option<AgencyId>,
    /// Only this case.
    pub(super) case: Option<String>,
}

/// The day on which the new law came into force: what was decided before is kept.
fn law_changed() -> NaiveDate {
    // Luật An ninh mạng 116/2025/QH15.
    NaiveDate::from_ymd_opt(2026, 7, 1).unwrap_or_default()
}

/// Returns the case of a system; nothing when the change asks nothing more of it.
fn case_of(
    system: &System,
    facts: &Profile,
    papers: &[Paper],
    day: NaiveDate,
) -> Option<&'static str> {
    if system.state == SystemState::Retired {
        return None;
    }
    let law = Law::builtin();
    let decided = papers
        .iter()
        .filter(|paper| paper.kind == LEVEL_DECISION && paper.counts(law, day))
        .map(|paper| paper.issued_on)
        .max();
    let done = facts.plan_state == PLAN_WHOLE;
    match decided {
        Some(on) if on < law_changed() => (!done).then_some("kept"),
        Some(_) if facts.regime == OLD => (!done).then_some("measures"),
        Some(_) => None,
        None if system.state == SystemState::Building && facts.regime == OLD => Some("investing"),
        None if system.state == SystemState::Building => None,
        None => Some("never"),
    }
}

/// Returns the systems in scope that the change asks something of, the nearest date first, and how many
/// stand under each case.
pub(super) async fn rows(
    registry: &Registry,
    who: &Who,
    filter: &TransitionFilter,
) -> Result<(Vec<TransitionRow>, Vec<CaseCount>), AppError> {
    let snapshot = registry.directory.snapshot();
    let seen = |system: &&Arc<System>| {
        who.scope.sees(system.agency) && filter.agency.is_none_or(|agency| agency == system.agency)
    };
    let systems: Vec<&Arc<System>> = snapshot.systems().filter(seen).collect();
    let ids: Vec<SystemId> = systems.iter().map(|system| system.id).collect();
    let (conn, day, law) = (registry.db.conn(), today(registry), DossierLaw::builtin());
    let papers = gate::papers_of_all(conn, &ids).await.map_err(failed)?;
    let profiles = profile::of_all(conn, &ids).await.map_err(failed)?;
    let dossiers = store::newest_of(conn, &ids).await.map_err(failed)?;
    let none = Profile::default();
    let mut rows = Vec::new();
    let mut cases: Vec<CaseCount> = law
        .transition
        .iter()
        .map(|case| CaseCount {
            case: case.id.clone(),
            asks: told(&case.vi, &case.en, who.lang).to_owned(),
            due: case.due,
            count: 0,
        })
        .collect();
    for system in systems {
        let facts = profiles.get(&system.id).map_or(&none, |profile| &profile.facts);
        let own = papers.get(&system.id).map_or(&[][..], Vec::as_slice);
        let Some(case) = case_of(system, facts, own, day).and_then(|id| law.case(id)) else {
            continue;
        };
        if let Some(count) = cases.iter_mut().find(|count| count.case == case.id) {
            count.count += 1;
        }
        if filter.case.as_ref().is_some_and(|wanted| *wanted != case.id) {
            continue;
        }
        let regime = match (facts.regime.as_str(), case.id.as_str()) {
            ("", "kept") => OLD,
            ("", _) => Law::builtin().regime_on(day).map_or("", |regime| regime.id.as_str()),
            (chosen, _) => chosen,
        };
        let catalogue = Law::builtin().regime.iter().find(|one| one.id == regime);
        let dossier = dossiers.get(&system.id);
        rows.push(TransitionRow {
            system: system.id.to_string(),
            system_name: system.name.clone(),
            agency: system.agency.to_string(),
            agency_name: snapshot.tree().name(system.agency).to_owned(),
            level: system.level,
            regime: regime_name(regime, who.lang),
            catalogue: catalogue.map(|one| one.catalogue.clone()).unwrap_or_default(),
            case: case.id.clone(),
            asks: told(&case.vi, &case.en, who.lang).to_owned(),
            clause: case.clause.clone(),
            due: case.due,
            days_left: (case.due - day).num_days(),
            dossier: dossier.map(|one| one.id.to_string()),
            dossier_number: dossier.map(|one| one.number.clone()),
            dossier_state: dossier.map(|one| one.state.key()),
        });
    }
    rows.sort_by_cached_key(|row| {
        (row.due, Reverse(row.level), event::fold::fold(&row.system_name))
    });
    Ok((rows, cases))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn system(state: SystemState) -> System {
        System {
            id: SystemId::from_uuid(Uuid::from_u128(1)),
            agency: AgencyId::from_uuid(Uuid::from_u128(2)),
            code: "a".to_owned(),
            name: "A".to_owned(),
            level: event::Level::new(3),
            state,
            operator: String::new(),
            owner_contact: String::new(),
            duty_phone: String::new(),
            description: String::new(),
            domains: Vec::new(),
            ip_ranges: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        }
    }

    fn decision(on: &str) -> Vec<Paper> {
        vec![Paper {
            id: Uuid::from_u128(3),
            system: SystemId::from_uuid(Uuid::from_u128(1)),
            kind: LEVEL_DECISION.to_owned(),
            number: "1/QĐ".to_owned(),
            issuer: String::new(),
            level: event::Level::new(3),
            issued_on: on.parse().unwrap(),
            valid_to: None,
            note: String::new(),
            created_at: DateTime::UNIX_EPOCH,
            created_by: String::new(),
            withdrawn_at: None,
        }]
    }

    #[test]
    fn each_system_falls_under_the_case_of_the_law() {
        let day: NaiveDate = "2026-11-27".parse().unwrap();
        let facts = |regime: &str, plan: &str| Profile {
            regime: regime.to_owned(),
            plan_state: plan.to_owned(),
            ..Profile::default()
        };
        let cases = [
            (SystemState::Running, "", "", Some("2024-05-01"), Some("kept")),
            (SystemState::Running, "", "day_du", Some("2024-05-01"), None),
            (SystemState::Running, OLD, "mot_so_hang_muc", Some("2026-10-01"), Some("measures")),
            (SystemState::Running, "nd331_2026", "", Some("2026-10-01"), None),
            (SystemState::Running, "", "", None, Some("never")),
            (SystemState::Building, OLD, "", None, Some("investing")),
            (SystemState::Building, "", "", None, None),
            (SystemState::Retired, "", "", None, None),
            // A decision of the future decides nothing yet.
            (SystemState::Running, "", "", Some("2026-12-24"), Some("never")),
        ];
        for (state, regime, plan, decided, expected) in cases {
            let papers = decided.map(decision).unwrap_or_default();
            let found = case_of(&system(state), &facts(regime, plan), &papers, day);
            assert_eq!(found, expected, "{state:?} {regime} {plan} {decided:?}");
        }
    }
}
