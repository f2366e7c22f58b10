//! The agencies as a tree, for the eye.

use askama::Template;
use chrono::{DateTime, Utc};
use event::{AgencyId, Scope};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use web::{Permission, filters};

use super::contact::ContactState;
use super::model::Agency;
use crate::{Snapshot, limits};

/// An agency in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Branch {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// How deep it stands, from 0.
    pub(crate) depth: usize,
    /// How many stand directly below it.
    pub(crate) below: usize,
    /// Systems of it and of all below it.
    pub(crate) systems: usize,
    pub(crate) contact: ContactState,
    #[serde(skip)]
    pub(crate) kind_key: &'static str,
    /// How many lists end after it.
    #[serde(skip)]
    pub(crate) ends: usize,
}

/// The tree.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "agency/tree.html")]
pub(crate) struct AgencyTreePage {
    /// In the order they are read: each followed by those below it.
    pub(crate) branches: Vec<Branch>,
}

struct Ground<'a> {
    below: BTreeMap<AgencyId, Vec<&'a Agency>>,
    systems: BTreeMap<AgencyId, usize>,
    now: DateTime<Utc>,
}

/// Returns the open agencies in scope, each followed by those below it.
pub(super) fn branches(snapshot: &Snapshot, scope: &Scope, now: DateTime<Utc>) -> Vec<Branch> {
    let seen: Vec<&Agency> = snapshot
        .tree()
        .iter()
        .map(AsRef::as_ref)
        .filter(|agency| scope.sees(agency.id) && agency.valid_to.is_none())
        .collect();
    let ids: BTreeSet<AgencyId> = seen.iter().map(|agency| agency.id).collect();
    let mut ground = Ground { below: BTreeMap::new(), systems: BTreeMap::new(), now };
    for system in snapshot.systems().filter(|system| scope.sees(system.agency)) {
        *ground.systems.entry(system.agency).or_default() += 1;
    }
    let mut tops = Vec::new();
    for agency in seen {
        match agency.parent.filter(|parent| ids.contains(parent)) {
            Some(parent) => ground.below.entry(parent).or_default().push(agency),
            None => tops.push(agency),
        }
    }
    let mut found = Vec::new();
    ground.walk(tops, 0, &mut found);
    found
}

impl Ground<'_> {
    /// Adds these agencies and what is below them; returns how many systems they have together.
    fn walk(&self, mut agencies: Vec<&Agency>, depth: usize, found: &mut Vec<Branch>) -> usize {
        let any = !agencies.is_empty();
        agencies.sort_by_cached_key(|agency| (agency.kind, event::fold::fold(&agency.name)));
        let mut together = 0;
        for agency in agencies {
            let deeper = depth + 1 < limits::TREE_DEPTH_MAX;
            let below = self.below.get(&agency.id).filter(|_| deeper).cloned();
            let below = below.unwrap_or_default();
            let place = found.len();
            found.push(self.branch(agency, depth, below.len()));
            let own = self.systems.get(&agency.id).copied().unwrap_or(0);
            let systems = own + self.walk(below, depth + 1, found);
            if let Some(branch) = found.get_mut(place) {
                branch.systems = systems;
            }
            together += systems;
        }
        if depth > 0
            && any
            && let Some(last) = found.last_mut()
        {
            last.ends += 1;
        }
        together
    }

    fn branch(&self, agency: &Agency, depth: usize, below: usize) -> Branch {
        Branch {
            id: agency.id.to_string(),
            name: agency.name.clone(),
            kind: agency.kind.word().to_owned(),
            depth,
            below,
            systems: 0,
            contact: agency.contact.state(self.now),
            kind_key: agency.kind.key(),
            ends: 0,
        }
    }
}
