//! Who asks, and which part of the agency tree they may see.

use std::collections::BTreeSet;

use crate::{AccountId, AgencyId, Origin};

/// What one reader may see. Every read of agency data takes one; a store function without one does
/// not exist. What lies outside is *not found*, never *forbidden*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    account: Option<AccountId>,
    agencies: Option<BTreeSet<AgencyId>>,
}

impl Scope {
    /// Returns the scope of the platform itself (the pipeline, jobs, the command line).
    pub const fn platform() -> Self {
        Self { account: None, agencies: None }
    }

    /// Returns the scope of someone at the provincial centre, who sees every agency.
    pub const fn province(account: AccountId) -> Self {
        Self { account: Some(account), agencies: None }
    }

    /// Returns the scope of someone who sees these agencies (a subtree, already walked) and no others.
    pub const fn agencies(account: AccountId, agencies: BTreeSet<AgencyId>) -> Self {
        Self { account: Some(account), agencies: Some(agencies) }
    }

    /// Returns who asks; `None` is the platform.
    pub const fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// Returns the agencies that may be seen; `None` is all of them.
    pub const fn visible(&self) -> Option<&BTreeSet<AgencyId>> {
        self.agencies.as_ref()
    }

    /// Returns whether something that belongs to this agency may be seen.
    pub fn sees(&self, agency: AgencyId) -> bool {
        self.agencies.as_ref().is_none_or(|agencies| agencies.contains(&agency))
    }

    /// Returns whether an event or finding of this origin may be seen.
    pub fn sees_origin(&self, origin: &Origin) -> bool {
        self.sees(origin.agency)
    }
}
