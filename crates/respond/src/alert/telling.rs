//! What people are told of new alerts, and that someone has taken one up.

use chrono::{DateTime, Utc};
use db::DbError;
use event::AlertId;
use sea_orm::ConnectionTrait;
use web::notify::{self, Kind, Notice};

use super::model::Alert;

/// Rules of the platform about itself: a source that is silent.
const SILENT_RULE: &str = "luytre-source-silent";

/// Rules of the platform about itself: its disk, time that no rule has looked at, its machines, logs that were lost.
const PLATFORM_RULES: [&str; 4] =
    ["luytre-storage", "luytre-detection-gap", "luytre-node", "luytre-intake"];

/// Returns what there is to tell of a new alert.
pub(super) fn notice(alert: &Alert) -> Notice {
    let kind = match alert.rule.as_str() {
        SILENT_RULE => Kind::SourceSilent,
        rule if PLATFORM_RULES.contains(&rule) => Kind::Storage,
        _ => Kind::AlertOpened,
    };
    let id = alert.id.to_string();
    Notice::new(kind, &id, &format!("/alerts/{id}"))
        .number(&alert.number)
        .weighed(alert.severity, alert.level)
        .of_agency(alert.agency)
}

/// Notes that someone has taken alerts up: nobody else is woken for them.
pub(crate) async fn taken_up(
    conn: &impl ConnectionTrait,
    ids: &[AlertId],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for kind in [Kind::AlertOpened, Kind::SourceSilent, Kind::Storage] {
        notify::settle(conn, kind, &ids, now).await?;
    }
    Ok(())
}
