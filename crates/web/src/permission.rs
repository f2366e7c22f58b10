//! Roles and what each may do: one table, read by the guard of every route.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an account is for. The list is append-only: the words stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the platform: accounts, sources, settings. Sees the whole province.
    Administrator,
    /// Leads the shift: alerts, incidents, orders. Sees the whole province.
    DutyOfficer,
    /// Hunts and handles alerts. Sees the whole province.
    Analyst,
    /// Answers for one agency and those below it.
    AgencyOfficer,
    /// Reads figures and reports of the whole province.
    Leader,
    /// Reads everything and the audit log, changes nothing. Sees the whole province.
    Auditor,
}

impl Role {
    /// All roles, in the order of the matrix.
    pub const ALL: [Self; 6] = [
        Self::Administrator,
        Self::DutyOfficer,
        Self::Analyst,
        Self::AgencyOfficer,
        Self::Leader,
        Self::Auditor,
    ];

    /// Returns the word used in columns, forms and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::DutyOfficer => "duty_officer",
            Self::Analyst => "analyst",
            Self::AgencyOfficer => "agency_officer",
            Self::Leader => "leader",
            Self::Auditor => "auditor",
        }
    }

    /// Returns the role that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Returns the language key of the role's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Administrator => "identity-role-administrator",
            Self::DutyOfficer => "identity-role-duty-officer",
            Self::Analyst => "identity-role-analyst",
            Self::AgencyOfficer => "identity-role-agency-officer",
            Self::Leader => "identity-role-leader",
            Self::Auditor => "identity-role-auditor",
        }
    }

    /// Returns whether the role sees every agency; the others see their own part of the tree.
    pub const fn sees_province(self) -> bool {
        !matches!(self, Self::AgencyOfficer)
    }

    /// Returns whether the role may do this.
    pub fn may(self, permission: Permission) -> bool {
        MATRIX.iter().any(|(listed, roles)| *listed == permission && roles.contains(&self))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

use Role::{Administrator as Adm, AgencyOfficer as Ago, Analyst as Ana, Auditor as Aud};
use Role::{DutyOfficer as Dut, Leader as Lea};

/// Declares the permissions and, on the same line, who has them.
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)+;)+) => {
        /// Something that can be allowed. Every route names one, or says that it is public.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Permission { $($(#[$doc])* $name,)+ }

        impl Permission {
            /// All permissions, in the order of the matrix.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        /// Who may do what: the whole truth, read by [`Role::may`].
        const MATRIX: &[(Permission, &[Role])] = &[$((Permission::$name, &[$($role),+])),+];
    };
}

permissions! {
    /// Sees the duty screen.
    DutyRead: Adm Dut Ana Ago Lea Aud;
    /// Reads alerts.
    AlertRead: Adm Dut Ana Ago Aud;
    /// Takes, assigns, closes and comments alerts.
    AlertHandle: Adm Dut Ana;
    /// Reads incidents.
    IncidentRead: Adm Dut Ana Ago Lea Aud;
    /// Opens and handles incidents.
    IncidentHandle: Adm Dut Ana;
    /// Reads exceptions.
    ExceptionRead: Adm Dut Ana Aud;
    /// Makes and ends exceptions.
    ExceptionChange: Adm Dut Ana;
    /// Searches events.
    EventSearch: Adm Dut Ana Ago Aud;
    /// Takes events out of the platform as a file.
    EventExport: Adm Dut Ana;
    /// Reads detection rules.
    RuleRead: Adm Dut Ana Aud;
    /// Switches rules on and off, adds and edits them.
    RuleChange: Adm Dut Ana;
    /// Reads agencies.
    AgencyRead: Adm Dut Ana Ago Lea Aud;
    /// Adds and changes agencies.
    AgencyChange: Adm;
    /// Reads information systems.
    SystemRead: Adm Dut Ana Ago Lea Aud;
    /// Adds and changes information systems.
    SystemChange: Adm Dut Ago;
    /// Reads log sources and their health.
    SourceRead: Adm Dut Ana Ago Aud;
    /// Connects, changes and disconnects log sources; sees a token once.
    SourceChange: Adm Dut;
    /// Reads records that could not be decoded.
    DeadLetterRead: Adm Dut Ana Aud;
    /// Sends such records through the decoder again, or drops them.
    DeadLetterChange: Adm Dut;
    /// Sees accounts.
    AccountRead: Adm Aud;
    /// Invites, changes and disables accounts.
    AccountChange: Adm;
    /// Reads the audit log.
    AuditRead: Adm Aud;
    /// Reads the state of the platform itself (queues, disk, versions).
    PlatformRead: Adm Dut Aud;
    /// Changes settings of the platform.
    PlatformChange: Adm;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_has_one_line_and_an_administrator() {
        for permission in Permission::ALL {
            assert_eq!(MATRIX.iter().filter(|(listed, _)| listed == permission).count(), 1);
            assert!(Role::Administrator.may(*permission), "{permission:?}");
        }
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        for permission in Permission::ALL {
            let name = format!("{permission:?}");
            let reads = name.ends_with("Read") || name == "EventSearch";
            for role in [Role::Auditor, Role::Leader] {
                assert!(!role.may(*permission) || reads, "{role} may {name}");
            }
        }
    }

    /// The matrix once more, drawn: a change of rights must be made twice, on purpose.
    #[test]
    fn the_matrix_is_as_agreed() {
        let drawn: Vec<String> = Permission::ALL
            .iter()
            .map(|permission| {
                let marks: String = Role::ALL
                    .iter()
                    .map(|role| if role.may(*permission) { 'x' } else { '.' })
                    .collect();
                format!("{marks} {permission:?}")
            })
            .collect();
        let agreed = "xxxxxx DutyRead
xxxx.x AlertRead
xxx... AlertHandle
xxxxxx IncidentRead
xxx... IncidentHandle
xxx..x ExceptionRead
xxx... ExceptionChange
xxxx.x EventSearch
xxx... EventExport
xxx..x RuleRead
xxx... RuleChange
xxxxxx AgencyRead
x..... AgencyChange
xxxxxx SystemRead
xx.x.. SystemChange
xxxx.x SourceRead
xx.... SourceChange
xxx..x DeadLetterRead
xx.... DeadLetterChange
x....x AccountRead
x..... AccountChange
x....x AuditRead
xx...x PlatformRead
x..... PlatformChange";
        assert_eq!(drawn.join("\n"), agreed);
    }
}
