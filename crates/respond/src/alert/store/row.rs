//! The tables of alerts as `SeaORM` sees them, and their way into the model.

use chrono::{DateTime, Utc};
use event::{AccountId, AgencyId, AlertId, Entity as Thing, IncidentId, Level, Severity};
use event::{SourceId, SystemId, fold::fold};
use sea_orm::ActiveValue::Set;

use crate::alert::grouping::{kind_from_word, kind_word};
use crate::alert::model::{Alert, Closure, Reason, Status, priority};
use crate::error::RespondError;

pub(in crate::alert) mod alert {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: String,
        pub rule: String,
        pub title: String,
        pub title_vi: Option<String>,
        pub severity: i16,
        pub level: Option<i16>,
        pub priority: i16,
        pub tags: String,
        pub agency_id: Uuid,
        pub system_id: Option<Uuid>,
        pub source_id: Uuid,
        pub entity_kind: String,
        pub entity_value: String,
        pub state: String,
        pub is_open: bool,
        pub closure: Option<String>,
        pub closure_reason: Option<String>,
        pub duplicate_of: Option<Uuid>,
        pub assignee_id: Option<Uuid>,
        pub incident_id: Option<Uuid>,
        pub snoozed_until: Option<DateTimeUtc>,
        pub matched: String,
        pub findings: i64,
        pub events: String,
        pub first_at: DateTimeUtc,
        pub last_at: DateTimeUtc,
        pub detected_at: DateTimeUtc,
        pub detected_quarter: i32,
        pub changed_at: DateTimeUtc,
        pub group_key: String,
        pub folded: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(in crate::alert) mod finding {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert_finding")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub rule: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_id: Uuid,
        pub alert_id: Option<Uuid>,
        pub exception_id: Option<Uuid>,
        pub agency_id: Uuid,
        pub system_id: Option<Uuid>,
        pub occurred_at: DateTimeUtc,
        pub received_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(in crate::alert) mod comment {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "alert_comment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub alert_id: Uuid,
        pub account_id: Option<Uuid>,
        pub author: String,
        pub made_at: DateTimeUtc,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl TryFrom<alert::Model> for Alert {
    type Error = RespondError;

    fn try_from(row: alert::Model) -> Result<Self, RespondError> {
        let bad = |column: &'static str| RespondError::BadRow { table: "alert", column };
        Ok(Self {
            status: status(&row)?,
            id: AlertId::from_uuid(row.id),
            number: row.number,
            rule: row.rule,
            title: row.title,
            title_vi: row.title_vi,
            severity: severity(row.severity).ok_or(bad("severity"))?,
            level: level(row.level),
            tags: serde_json::from_str(&row.tags).map_err(|_| bad("tags"))?,
            agency: AgencyId::from_uuid(row.agency_id),
            system: row.system_id.map(SystemId::from_uuid),
            source: SourceId::from_uuid(row.source_id),
            entity: Thing {
                kind: kind_from_word(&row.entity_kind).ok_or(bad("entity_kind"))?,
                value: row.entity_value,
            },
            assignee: row.assignee_id.map(AccountId::from_uuid),
            incident: row.incident_id.map(IncidentId::from_uuid),
            snoozed_until: row.snoozed_until,
            matched: serde_json::from_str(&row.matched).map_err(|_| bad("matched"))?,
            findings: u64::try_from(row.findings).unwrap_or(0),
            events: serde_json::from_str(&row.events).map_err(|_| bad("events"))?,
            first_at: row.first_at,
            last_at: row.last_at,
            detected_at: row.detected_at,
            changed_at: row.changed_at,
        })
    }
}

/// Returns the severity of a column.
pub(crate) fn severity(number: i16) -> Option<Severity> {
    u8::try_from(number).ok().and_then(Severity::from_number)
}

/// Returns the level of a column.
pub(crate) fn level(number: Option<i16>) -> Option<Level> {
    number.and_then(|number| u8::try_from(number).ok()).and_then(Level::new)
}

fn status(row: &alert::Model) -> Result<Status, RespondError> {
    let bad = |column: &'static str| RespondError::BadRow { table: "alert", column };
    let reason =
        || row.closure_reason.as_deref().and_then(Reason::new).ok_or(bad("closure_reason"));
    Ok(match row.state.as_str() {
        "new" => Status::New,
        "acknowledged" => Status::Acknowledged,
        "in_progress" => Status::InProgress,
        "closed" => Status::Closed(match row.closure.as_deref() {
            Some("resolved") => Closure::Resolved(reason()?),
            Some(Closure::FALSE) => Closure::False(reason()?),
            Some("duplicate") => {
                Closure::Duplicate(AlertId::from_uuid(row.duplicate_of.ok_or(bad("duplicate_of"))?))
            }
            _ => return Err(bad("closure")),
        }),
        _ => return Err(bad("state")),
    })
}

/// The columns that tell a status.
pub(super) struct StatusColumns {
    pub(super) state: String,
    pub(super) is_open: bool,
    pub(super) closure: Option<String>,
    pub(super) closure_reason: Option<String>,
    pub(super) duplicate_of: Option<sea_orm::prelude::Uuid>,
}

impl From<&Status> for StatusColumns {
    fn from(status: &Status) -> Self {
        let (closure, closure_reason, duplicate_of) = match status {
            Status::Closed(closure @ (Closure::Resolved(reason) | Closure::False(reason))) => {
                (Some(closure.word().to_owned()), Some(reason.as_str().to_owned()), None)
            }
            Status::Closed(closure @ Closure::Duplicate(of)) => {
                (Some(closure.word().to_owned()), None, Some(of.uuid()))
            }
            _ => (None, None, None),
        };
        Self {
            state: status.word().to_owned(),
            is_open: status.is_open(),
            closure,
            closure_reason,
            duplicate_of,
        }
    }
}

/// Returns a new alert as a row.
pub(super) fn insertable(
    alert: &Alert,
    group_key: &str,
) -> Result<alert::ActiveModel, RespondError> {
    let columns = StatusColumns::from(&alert.status);
    Ok(alert::ActiveModel {
        id: Set(alert.id.uuid()),
        number: Set(alert.number.clone()),
        rule: Set(alert.rule.clone()),
        title: Set(alert.title.clone()),
        title_vi: Set(alert.title_vi.clone()),
        severity: Set(i16::from(alert.severity.number())),
        level: Set(alert.level.map(|level| i16::from(level.number()))),
        priority: Set(priority(alert.severity, alert.level)),
        tags: Set(json(&alert.tags)?),
        agency_id: Set(alert.agency.uuid()),
        system_id: Set(alert.system.map(SystemId::uuid)),
        source_id: Set(alert.source.uuid()),
        entity_kind: Set(kind_word(alert.entity.kind).to_owned()),
        entity_value: Set(alert.entity.value.clone()),
        state: Set(columns.state),
        is_open: Set(columns.is_open),
        closure: Set(columns.closure),
        closure_reason: Set(columns.closure_reason),
        duplicate_of: Set(columns.duplicate_of),
        assignee_id: Set(alert.assignee.map(AccountId::uuid)),
        incident_id: Set(alert.incident.map(IncidentId::uuid)),
        snoozed_until: Set(alert.snoozed_until),
        matched: Set(json(&alert.matched)?),
        findings: Set(i64::try_from(alert.findings).unwrap_or(i64::MAX)),
        events: Set(json(&alert.events)?),
        first_at: Set(alert.first_at),
        last_at: Set(alert.last_at),
        detected_at: Set(alert.detected_at),
        detected_quarter: Set(quarter(alert.detected_at)),
        changed_at: Set(alert.changed_at),
        group_key: Set(group_key.to_owned()),
        folded: Set(search_key(alert)),
    })
}

/// Returns the quarter of an hour that a moment falls into, counted since 1970.
pub(crate) fn quarter(at: DateTime<Utc>) -> i32 {
    i32::try_from(at.timestamp().div_euclid(QUARTER_S)).unwrap_or(i32::MAX)
}

/// Seconds of a quarter of an hour.
const QUARTER_S: i64 = 15 * 60;

/// Returns what the list's text box looks through.
fn search_key(alert: &Alert) -> String {
    fold(&format!(
        "{} {} {} {}",
        alert.number,
        alert.title,
        alert.title_vi.as_deref().unwrap_or_default(),
        alert.entity.value
    ))
}

/// Returns a value as JSON text for a column.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, RespondError> {
    serde_json::to_string(value).map_err(RespondError::Json)
}
