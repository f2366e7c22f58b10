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
    /// Brings agencies together over an incident or an order. Sees the whole province.
    Coordinator,
    /// Judges the level dossiers of others' systems. Sees the whole province.
    Appraiser,
    /// Inspects agencies on the spot and on paper. Sees the whole province.
    Inspector,
    /// Leads one agency and those below it: reads, signs, answers for it.
    AgencyHead,
    /// The officer of a commune: reads and keeps what is theirs.
    CommuneOfficer,
    /// A firm that runs systems for agencies: sees its own part of the tree.
    Partner,
    /// A program: no password and no pages, only tokens with scopes. Sees its agency's part of the
    /// tree, or the province without one.
    ApiClient,
}

/// How far a role sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every agency.
    Province,
    /// Its own agency and those below it; an account without an agency sees nothing.
    Subtree,
    /// Its own agency and those below it; every agency if the account has none.
    Either,
}

impl Role {
    /// All roles, in the order of the matrix.
    pub const ALL: [Self; 13] = [
        Self::Administrator,
        Self::DutyOfficer,
        Self::Analyst,
        Self::AgencyOfficer,
        Self::Leader,
        Self::Auditor,
        Self::Coordinator,
        Self::Appraiser,
        Self::Inspector,
        Self::AgencyHead,
        Self::CommuneOfficer,
        Self::Partner,
        Self::ApiClient,
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
            Self::Coordinator => "coordinator",
            Self::Appraiser => "appraiser",
            Self::Inspector => "inspector",
            Self::AgencyHead => "agency_head",
            Self::CommuneOfficer => "commune_officer",
            Self::Partner => "partner",
            Self::ApiClient => "api_client",
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
            Self::Coordinator => "identity-role-coordinator",
            Self::Appraiser => "identity-role-appraiser",
            Self::Inspector => "identity-role-inspector",
            Self::AgencyHead => "identity-role-agency-head",
            Self::CommuneOfficer => "identity-role-commune-officer",
            Self::Partner => "identity-role-partner",
            Self::ApiClient => "identity-role-api-client",
        }
    }

    /// Returns how far the role sees.
    pub const fn reach(self) -> Reach {
        match self {
            Self::Administrator
            | Self::DutyOfficer
            | Self::Analyst
            | Self::Leader
            | Self::Auditor
            | Self::Coordinator
            | Self::Appraiser
            | Self::Inspector => Reach::Province,
            Self::AgencyOfficer | Self::AgencyHead | Self::CommuneOfficer | Self::Partner => {
                Reach::Subtree
            }
            Self::ApiClient => Reach::Either,
        }
    }

    /// Returns whether the role always sees every agency; the others see their own part of the tree.
    pub const fn sees_province(self) -> bool {
        matches!(self.reach(), Reach::Province)
    }

    /// Returns whether a password alone must not open this role: it sees or changes the whole
    /// province.
    pub const fn needs_second_factor(self) -> bool {
        self.sees_province()
    }

    /// Returns whether a person signs in with it; a program only has tokens.
    pub const fn signs_in(self) -> bool {
        !matches!(self, Self::ApiClient)
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

use Role::Partner as Par;
use Role::{Administrator as Adm, AgencyHead as Agh, AgencyOfficer as Ago, Analyst as Ana};
use Role::{ApiClient as Api, Appraiser as App, Auditor as Aud, CommuneOfficer as Com};
use Role::{Coordinator as Coo, DutyOfficer as Dut, Inspector as Ins, Leader as Lea};

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

            /// Returns the word used in a token's scopes and in the API's description.
            pub fn word(self) -> String {
                let name = match self { $(Self::$name => stringify!($name),)+ };
                let mut word = String::with_capacity(name.len().saturating_add(4));
                for letter in name.chars() {
                    if letter.is_ascii_uppercase() && !word.is_empty() {
                        word.push('_');
                    }
                    word.push(letter.to_ascii_lowercase());
                }
                word
            }

            /// Returns the permission that a word names.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|permission| permission.word() == word)
            }

            /// Returns whether it only looks.
            pub fn only_reads(self) -> bool {
                self.word().ends_with("_read") || self == Self::EventSearch
            }
        }

        /// Who may do what: the whole truth, read by [`Role::may`].
        const MATRIX: &[(Permission, &[Role])] = &[$((Permission::$name, &[$($role),+])),+];
    };
}

permissions! {
    /// Sees the duty screen.
    DutyRead: Adm Dut Ana Ago Lea Aud Coo Agh Com;
    /// Enters who is on call when.
    RosterChange: Adm Dut;
    /// Reads alerts.
    AlertRead: Adm Dut Ana Ago Aud Coo Agh Com Par Api;
    /// Takes, assigns, closes and comments alerts.
    AlertHandle: Adm Dut Ana;
    /// Shares views of the alert queue and of the incidents with the centre.
    ViewShare: Adm Dut Coo;
    /// Reads incidents.
    IncidentRead: Adm Dut Ana Ago Lea Aud Coo Ins Agh Com Par Api;
    /// Opens and handles incidents.
    IncidentHandle: Adm Dut Ana Coo;
    /// Takes part in an incident: comments, names observables, ticks off one's own tasks.
    IncidentJoin: Adm Dut Ana Ago Coo Agh Com;
    /// Reads orders to the agencies in sight.
    OrderRead: Adm Dut Ana Ago Lea Aud Coo Ins Agh Com Par Api;
    /// Issues orders, judges what was done, closes them.
    OrderIssue: Adm Dut Coo;
    /// Acknowledges an order for an agency, proves and says that it is done.
    OrderAnswer: Adm Dut Ago Agh Com;
    /// Reports incidents by six questions, and writes formal reports.
    ReportWrite: Adm Dut Ana Ago Coo Agh Com;
    /// Approves formal reports of others.
    ReportApprove: Adm Dut Agh;
    /// Reads exceptions.
    ExceptionRead: Adm Dut Ana Ago Aud;
    /// Looks at what an exception would hide, and proposes one to the centre.
    ExceptionPropose: Adm Dut Ana Ago;
    /// Makes and ends exceptions.
    ExceptionChange: Adm Dut Ana;
    /// Searches events.
    EventSearch: Adm Dut Ana Ago Aud Coo Par Api;
    /// Keeps searches, shares them and lets them run by themselves.
    SearchKeep: Adm Dut Ana Ago Coo;
    /// Takes events out of the platform as a file.
    EventExport: Adm Dut Ana;
    /// Reads detection rules.
    RuleRead: Adm Dut Ana Aud;
    /// Switches rules on and off, adds and edits them.
    RuleChange: Adm Dut Ana;
    /// Reads playbooks.
    PlaybookRead: Adm Dut Ana Ago Lea Aud Coo Ins Agh Com;
    /// Brings playbooks in and takes them away.
    PlaybookChange: Adm Dut;
    /// Reads the platform's own list of indicators.
    IndicatorRead: Adm Dut Ana Aud Coo;
    /// Puts indicators on that list, and takes them off.
    IndicatorChange: Adm Dut Ana;
    /// Reads agencies.
    AgencyRead: Adm Dut Ana Ago Lea Aud Coo App Ins Agh Com Par Api;
    /// Adds and changes agencies.
    AgencyChange: Adm;
    /// Keeps and confirms who is called day and night.
    AgencyContact: Adm Dut Ago Agh Com;
    /// Reads information systems.
    SystemRead: Adm Dut Ana Ago Lea Aud Coo App Ins Agh Com Par Api;
    /// Adds and changes information systems.
    SystemChange: Adm Dut Ago Com Api;
    /// Marks a system critical, and lets one run without what the law wants until a day.
    SystemDecide: Adm Dut;
    /// Reads level dossiers.
    DossierRead: Adm Dut Ana Ago Lea Aud Coo App Ins Agh Com;
    /// Writes level dossiers, sends them, files what was decided.
    DossierWrite: Adm Ago Com;
    /// Signs a dossier off inside its agency.
    DossierSign: Adm Agh;
    /// Finds dossiers complete, judges their parts, gives the opinion.
    DossierAppraise: Adm App;
    /// Decides on appraised dossiers: the unit on levels 1 and 2, the owner on the others.
    DossierDecide: Adm App Agh;
    /// Reads log sources and their health.
    SourceRead: Adm Dut Ana Ago Aud Coo App Ins Agh Com Par Api;
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
    /// Reads posts, who holds them and who held them.
    PostRead: Adm Dut Ana Ago Lea Aud Coo App Ins Agh Com Par;
    /// Makes and closes posts, appoints people to them.
    PostChange: Adm Ago Agh Com;
    /// Reads the audit log.
    AuditRead: Adm Aud;
    /// Reads the state of the platform itself (queues, disk, versions).
    PlatformRead: Adm Dut Aud;
    /// Changes settings of the platform.
    PlatformChange: Adm;
    /// Sees work under way: one's own, and that about agencies one sees.
    JobRead: Adm Dut Ana Ago Lea Aud Coo App Ins Agh Com Api;
    /// Stops such work, and sends it through the queue again.
    JobChange: Adm Dut Ana Ago;
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
    fn who_is_bound_to_an_agency_runs_nothing_of_the_province() {
        let central =
            [Permission::AccountChange, Permission::AuditRead, Permission::PlatformChange]
                .into_iter()
                .chain([
                    Permission::RuleChange,
                    Permission::ExceptionChange,
                    Permission::AgencyChange,
                ]);
        for permission in central {
            for role in Role::ALL.into_iter().filter(|role| !role.sees_province()) {
                assert!(!role.may(permission), "{role} may {permission:?}");
            }
        }
        let words: std::collections::BTreeSet<&str> = Role::ALL.map(Role::word).into();
        assert_eq!(words.len(), Role::ALL.len());
        assert!(Role::ALL.iter().all(|role| Role::from_word(role.word()) == Some(*role)));
    }

    #[test]
    fn who_only_looks_changes_nothing() {
        for permission in Permission::ALL {
            let (name, reads) = (permission.word(), permission.only_reads());
            assert_eq!(Permission::from_word(&name), Some(*permission));
            assert_eq!(serde_json::to_value(permission).unwrap(), name);
            for role in [Role::Auditor, Role::Leader, Role::Inspector] {
                assert!(!role.may(*permission) || reads, "{role} may {name}");
            }
        }
    }

    /// The matrix once more, drawn: a change of rights must be made twice, on purpose. The columns are
    /// administrator, duty officer, analyst, agency officer, leader, auditor, coordinator, appraiser,
    /// inspector, agency head, commune officer, partner, API client.
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
        let agreed = "xxxxxxx..xx.. DutyRead
xx........... RosterChange
xxxx.xx..xxxx AlertRead
xxx.......... AlertHandle
xx....x...... ViewShare
xxxxxxx.xxxxx IncidentRead
xxx...x...... IncidentHandle
xxxx..x..xx.. IncidentJoin
xxxxxxx.xxxxx OrderRead
xx....x...... OrderIssue
xx.x.....xx.. OrderAnswer
xxxx..x..xx.. ReportWrite
xx.......x... ReportApprove
xxxx.x....... ExceptionRead
xxxx......... ExceptionPropose
xxx.......... ExceptionChange
xxxx.xx....xx EventSearch
xxxx..x...... SearchKeep
xxx.......... EventExport
xxx..x....... RuleRead
xxx.......... RuleChange
xxxxxxx.xxx.. PlaybookRead
xx........... PlaybookChange
xxx..xx...... IndicatorRead
xxx.......... IndicatorChange
xxxxxxxxxxxxx AgencyRead
x............ AgencyChange
xx.x.....xx.. AgencyContact
xxxxxxxxxxxxx SystemRead
xx.x......x.x SystemChange
xx........... SystemDecide
xxxxxxxxxxx.. DossierRead
x..x......x.. DossierWrite
x........x... DossierSign
x......x..... DossierAppraise
x......x.x... DossierDecide
xxxx.xxxxxxxx SourceRead
xx........... SourceChange
xxx..x....... DeadLetterRead
xx........... DeadLetterChange
x....x....... AccountRead
x............ AccountChange
xxxxxxxxxxxx. PostRead
x..x.....xx.. PostChange
x....x....... AuditRead
xx...x....... PlatformRead
x............ PlatformChange
xxxxxxxxxxx.x JobRead
xxxx......... JobChange";
        assert_eq!(drawn.join("\n"), agreed);
    }
}
