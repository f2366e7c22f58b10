//! Switching baselines on and off on their page, one log source at a time. What is switched here counts more
//! than the configuration; taken back, the configuration counts again. What is off still learns.

use axum::extract::State;
use db::{AuditEntry, Db, Subject, Tx};
use event::{AccountId, SourceId};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{AppError, Body, Done, Phrase, Who, done};

use crate::actor::Handler;
use crate::desk::Desk;
use crate::error::RespondError;

entity!(row, "baseline_switch", {
    #[sea_orm(primary_key, auto_increment = false)]
    baseline: String,
    #[sea_orm(primary_key, auto_increment = false)]
    source_id: Uuid,
    is_on: bool,
    account_id: Uuid,
    changed_at: DateTimeUtc,
});

use row::{Column, Entity};

/// A baseline switched for one log source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The baseline's id.
    pub baseline: String,
    /// The log source.
    pub source: SourceId,
    /// Whether it makes findings.
    pub is_on: bool,
}

/// Returns what was switched on the page, in a fixed order.
///
/// # Errors
/// When the database fails.
pub async fn switched(db: &Db) -> Result<Vec<Switched>, RespondError> {
    use sea_orm::QueryOrder as _;
    let rows = Entity::find().order_by_asc(Column::Baseline).order_by_asc(Column::SourceId);
    let one = |row: row::Model| Switched {
        baseline: row.baseline,
        source: SourceId::from_uuid(row.source_id),
        is_on: row.is_on,
    };
    Ok(rows.all(db.conn()).await?.into_iter().map(one).collect())
}

/// Which baseline is switched, and how.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SwitchForm {
    /// The baseline's id.
    pub(super) baseline: String,
    /// The log source's id.
    pub(super) source: String,
    /// `on`, `off`, or `default`: as the configuration has it.
    pub(super) state: String,
}

pub(super) async fn switch(
    State(desk): State<Desk>,
    who: Who,
    Body(form): Body<SwitchForm>,
) -> Result<Done, AppError> {
    set(&desk, &Handler::from(&who), form).await?;
    Ok(done("/rules/baselines".to_owned()).notice(Phrase::key("baseline-notice-switched")))
}

/// Switches, notes it, and tells the engine.
pub(super) async fn set(desk: &Desk, who: &Handler, form: SwitchForm) -> Result<(), RespondError> {
    let source: SourceId = form
        .source
        .parse()
        .map_err(|_bad| RespondError::Field { field: "source", key: "baseline-error-source" })?;
    // Only what the page shows: a baseline that has met the source.
    let is_shown = |own: &super::Learning| own.baseline == form.baseline && own.source == source;
    if !desk.rules.learning().iter().any(is_shown) {
        return Err(RespondError::NotFound);
    }
    let is_on = match form.state.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        "default" => None,
        _ => return Err(RespondError::Field { field: "state", key: "baseline-error-state" }),
    };
    let tx = desk.db.begin().await?;
    if let Some(is_on) = is_on {
        keep(&tx, who.account, &form.baseline, source, is_on).await?;
    } else {
        let key = (form.baseline.clone(), source.uuid());
        Entity::delete_by_id(key).exec(tx.conn()).await?;
    }
    let detail = json!({ "baseline": form.baseline, "state": form.state });
    let subject = Subject::new("source", source);
    tx.commit(AuditEntry::new(who.actor(), "baseline.switch", subject, detail)).await?;
    desk.rules.switch(&switched(&desk.db).await?);
    Ok(())
}

async fn keep(
    tx: &Tx,
    account: AccountId,
    baseline: &str,
    source: SourceId,
    is_on: bool,
) -> Result<(), RespondError> {
    let row = row::ActiveModel {
        baseline: Set(baseline.to_owned()),
        source_id: Set(source.uuid()),
        is_on: Set(is_on),
        account_id: Set(account.uuid()),
        changed_at: Set(tx.now()),
    };
    let newer = OnConflict::columns([Column::Baseline, Column::SourceId])
        .update_columns([Column::IsOn, Column::AccountId, Column::ChangedAt])
        .to_owned();
    Entity::insert(row).on_conflict(newer).exec_without_returning(tx.conn()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use db::testing::databases;
    use web::Role;
    use web::testing::who;

    use super::*;
    use crate::testing::desk;

    fn form(source: SourceId, state: &str) -> SwitchForm {
        let baseline = "b".to_owned();
        SwitchForm { baseline, source: source.to_string(), state: state.to_owned() }
    }

    #[tokio::test]
    async fn a_baseline_is_switched_for_one_source_and_back_to_the_configuration() {
        for test in databases().await {
            let desk = desk(&test, Vec::new());
            let who = Handler::from(&who(Role::Analyst));
            let shown = desk.rules.learning();
            let (first, second) = (&shown[0], &shown[1]);
            let own = |source, state| SwitchForm {
                baseline: first.baseline.clone(),
                ..form(source, state)
            };
            for (source, state) in
                [(first.source, "off"), (second.source, "off"), (first.source, "on")]
            {
                set(&desk, &who, own(source, state)).await.unwrap();
            }
            let kept = switched(&test.db).await.unwrap();
            let is_on = |source| kept.iter().find(|one| one.source == source).map(|one| one.is_on);
            assert_eq!((is_on(first.source), is_on(second.source)), (Some(true), Some(false)));
            set(&desk, &who, own(second.source, "default")).await.unwrap();
            assert_eq!(switched(&test.db).await.unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn what_the_page_does_not_show_cannot_be_switched() {
        let test = db::testing::sqlite().await;
        let desk = desk(&test, Vec::new());
        let who = Handler::from(&who(Role::Analyst));
        let source = desk.rules.learning()[0].source;
        let unknown = SourceId::from_uuid(Uuid::from_u128(0xbad));
        let own = |source: SourceId, state: &str| SwitchForm {
            baseline: desk.rules.learning()[0].baseline.clone(),
            ..form(source, state)
        };
        let gone = set(&desk, &who, own(unknown, "off")).await;
        assert!(matches!(gone, Err(RespondError::NotFound)));
        let other = SwitchForm { baseline: "other".to_owned(), ..form(source, "off") };
        assert!(matches!(set(&desk, &who, other).await, Err(RespondError::NotFound)));
        let odd = set(&desk, &who, own(source, "maybe")).await;
        assert!(matches!(odd, Err(RespondError::Field { field: "state", .. })));
        let bad = SwitchForm { source: "x".to_owned(), ..own(source, "off") };
        let bad = set(&desk, &who, bad).await;
        assert!(matches!(bad, Err(RespondError::Field { field: "source", .. })));
        assert!(switched(&test.db).await.unwrap().is_empty());
    }
}
