//! Exports that were brought in lately: whoever brings old logs back wants to look at them, though their time may be
//! over. For some weeks they stay as if they were not; who needs them longer holds them for an incident.

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use db::audit::{self, AuditFilter};
use event::{Scope, SystemId};
use lake::keep::OwnerRows;
use serde::Deserialize;

/// The action of an import's entry in the audit trail.
pub(crate) const IMPORT_ACTION: &str = "lake.import";

/// How long they stay at least.
const STAYS: TimeDelta = TimeDelta::days(30);

/// Imports that are looked at: one is a command on the server.
const IMPORTS_MAX: u64 = 1000;

/// What an import brought in, as its entry in the audit trail tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Imported {
    /// Events from this moment on.
    from: DateTime<Utc>,
    /// Before this one.
    to: DateTime<Utc>,
    /// Of these systems; nothing is all there were.
    systems: Option<Vec<SystemId>>,
}

impl Imported {
    /// Returns the imports of the last weeks.
    ///
    /// # Errors
    ///
    /// When the database does not answer, or with something else.
    pub(crate) async fn lately(db: &Db, now: DateTime<Utc>) -> Result<Vec<Self>> {
        let filter = AuditFilter {
            action: Some(IMPORT_ACTION.to_owned()),
            from: now.checked_sub_signed(STAYS),
            ..AuditFilter::default()
        };
        let rows = audit::list(db, &Scope::platform(), &filter, IMPORTS_MAX).await?;
        let mut imports = Vec::with_capacity(rows.len());
        for row in rows {
            imports.push(serde_json::from_str(&row.detail)?);
        }
        Ok(imports)
    }

    /// Returns whether any of these rows may have come by it.
    pub(crate) fn covers(&self, rows: &OwnerRows) -> bool {
        let is_of = match (&self.systems, rows.owner.system) {
            (None, _) => true,
            (Some(systems), Some(system)) => systems.contains(&system),
            (Some(_), None) => false,
        };
        is_of && rows.to >= self.from && rows.from < self.to
    }
}

#[cfg(test)]
mod tests {
    use db::{Actor, AuditEntry, Subject};
    use event::AgencyId;
    use lake::keep::Owner;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn what_was_brought_in_stays_some_weeks() {
        for test in db::testing::databases().await {
            let system = |number| SystemId::from_uuid(Uuid::from_u128(number));
            let noon = |day: &str| format!("{day}T12:00:00Z").parse::<DateTime<Utc>>().unwrap();
            let (from, to) = (noon("2025-01-01"), noon("2025-01-31"));
            for systems in [None, Some(vec![system(1)])] {
                let detail = serde_json::json!({ "from": from, "to": to, "systems": systems });
                let subject = Subject::all("lake_file");
                let entry = AuditEntry::new(Actor::CommandLine, IMPORT_ACTION, subject, detail);
                test.db.begin().await.unwrap().commit(entry).await.unwrap();
            }
            let now = test.db.now();
            let late = now + STAYS + TimeDelta::days(1);
            assert_eq!(Imported::lately(&test.db, late).await.unwrap(), [], "{}", test.name);
            let lately = Imported::lately(&test.db, now).await.unwrap();
            assert_eq!(lately.len(), 2, "{}", test.name);
            let of = |own: Option<u128>, day: &str| {
                let agency = AgencyId::from_uuid(Uuid::from_u128(9));
                let owner = Owner { agency, system: own.map(system) };
                let rows = OwnerRows { owner, events: 1, from: noon(day), to: noon(day) };
                // The newest comes first.
                [lately[0].covers(&rows), lately[1].covers(&rows)]
            };
            assert_eq!(of(Some(1), "2025-01-01"), [true, true]);
            assert_eq!(of(Some(1), "2025-01-30"), [true, true]);
            assert_eq!(of(Some(1), "2025-01-31"), [false, false], "its end is exclusive");
            assert_eq!(of(Some(1), "2024-12-31"), [false, false]);
            assert_eq!(of(Some(2), "2025-01-15"), [false, true]);
            assert_eq!(of(None, "2025-01-15"), [false, true]);
        }
    }
}
