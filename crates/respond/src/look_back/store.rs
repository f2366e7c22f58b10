//! The tables `look_back` and `look_back_finding`.

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, Finding, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};

use super::model::{Kept, Look, Outcome, Wanted};
use crate::error::RespondError;
use web::paging::Page;

mod look {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "look_back")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) job_id: Uuid,
        pub(super) account_id: Uuid,
        pub(super) title: String,
        pub(super) wanted: Json,
        pub(super) from_at: DateTimeUtc,
        pub(super) to_at: DateTimeUtc,
        pub(super) made_at: DateTimeUtc,
        pub(super) outcome: Option<Json>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod finding {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "look_back_finding")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) look_back_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) number: i64,
        pub(super) agency_id: Uuid,
        pub(super) finding: Json,
        pub(super) taken_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows of one statement: a database allows some ten thousand parameters.
const CHUNK: usize = 500;

fn bad(column: &'static str) -> RespondError {
    RespondError::BadRow { table: "look_back", column }
}

impl TryFrom<look::Model> for Look {
    type Error = RespondError;

    fn try_from(row: look::Model) -> Result<Self, RespondError> {
        let outcome: Option<Outcome> = match row.outcome {
            Some(outcome) => Some(serde_json::from_value(outcome).map_err(|_| bad("outcome"))?),
            None => None,
        };
        let wanted: Wanted = serde_json::from_value(row.wanted).map_err(|_| bad("wanted"))?;
        Ok(Self {
            id: row.id,
            job: row.job_id,
            account: AccountId::from_uuid(row.account_id),
            title: row.title,
            wanted,
            from: row.from_at,
            to: row.to_at,
            made_at: row.made_at,
            outcome,
        })
    }
}

/// Returns the condition of scope: one's own, or everyone's for who sees the province.
fn within(scope: &Scope) -> Condition {
    match scope.visible() {
        None => Condition::all(),
        Some(_) => {
            Condition::all().add(look::Column::AccountId.eq(scope.account().map(AccountId::uuid)))
        }
    }
}

/// Returns the condition of scope for what was found.
fn found_within(scope: &Scope) -> Condition {
    match scope.visible() {
        None => Condition::all(),
        Some(agencies) => Condition::all()
            .add(finding::Column::AgencyId.is_in(agencies.iter().map(|id| id.uuid()))),
    }
}

/// Writes a new look back.
pub(super) async fn insert(tx: &Tx, look: &Look) -> Result<(), RespondError> {
    let row = look::ActiveModel {
        id: Set(look.id),
        job_id: Set(look.job),
        account_id: Set(look.account.uuid()),
        title: Set(look.title.clone()),
        wanted: Set(serde_json::to_value(&look.wanted).map_err(RespondError::Json)?),
        from_at: Set(look.from),
        to_at: Set(look.to),
        made_at: Set(look.made_at),
        outcome: Set(None),
    };
    look::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Writes what came of it.
pub(super) async fn finish(
    tx: &Tx,
    id: Uuid,
    outcome: &Outcome,
    findings: &[Finding],
) -> Result<(), RespondError> {
    let outcome = serde_json::to_value(outcome).map_err(RespondError::Json)?;
    look::Entity::update_many()
        .col_expr(look::Column::Outcome, Expr::value(Some(outcome)))
        .filter(look::Column::Id.eq(id))
        .exec(tx.conn())
        .await?;
    finding::Entity::delete_many()
        .filter(finding::Column::LookBackId.eq(id))
        .exec(tx.conn())
        .await?;
    let mut number: i64 = 0;
    for part in findings.chunks(CHUNK) {
        let mut rows = Vec::with_capacity(part.len());
        for one in part {
            number += 1;
            rows.push(finding::ActiveModel {
                look_back_id: Set(id),
                number: Set(number),
                agency_id: Set(one.origin.agency.uuid()),
                finding: Set(serde_json::to_value(one).map_err(RespondError::Json)?),
                taken_at: Set(None),
            });
        }
        finding::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Returns a page of looks back, the newest first, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    page: Page,
) -> Result<(Vec<Look>, u64), RespondError> {
    let found = look::Entity::find().filter(within(scope));
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_desc(look::Column::MadeAt)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(Look::try_from).collect::<Result<_, _>>()?, total))
}

/// Returns one look back.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Look, RespondError> {
    let row = look::Entity::find_by_id(id).filter(within(scope)).one(conn).await?;
    row.ok_or(RespondError::NotFound)?.try_into()
}

/// Returns a page of what was found, in the order of the list, and how many the scope may see.
pub(super) async fn found(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
    page: Page,
) -> Result<(Vec<Kept>, u64), RespondError> {
    let found = finding::Entity::find()
        .filter(finding::Column::LookBackId.eq(id))
        .filter(found_within(scope));
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_asc(finding::Column::Number)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(kept).collect::<Result<_, _>>()?, total))
}

/// Returns the findings with these numbers (all of them for `None`) that are no alerts yet.
pub(super) async fn untaken(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
    numbers: Option<&[i64]>,
) -> Result<Vec<Kept>, RespondError> {
    let mut found = finding::Entity::find()
        .filter(finding::Column::LookBackId.eq(id))
        .filter(finding::Column::TakenAt.is_null())
        .filter(found_within(scope));
    if let Some(numbers) = numbers {
        found = found.filter(finding::Column::Number.is_in(numbers.iter().copied()));
    }
    let rows = found.order_by_asc(finding::Column::Number).all(conn).await?;
    rows.into_iter().map(kept).collect()
}

fn kept(row: finding::Model) -> Result<Kept, RespondError> {
    let finding = serde_json::from_value(row.finding)
        .map_err(|_| RespondError::BadRow { table: "look_back_finding", column: "finding" })?;
    Ok(Kept { number: row.number, finding, taken_at: row.taken_at })
}

/// Notes that findings were handed to the alerts.
pub(super) async fn take(
    tx: &Tx,
    id: Uuid,
    numbers: &[i64],
    now: DateTime<Utc>,
) -> Result<(), RespondError> {
    for part in numbers.chunks(CHUNK) {
        finding::Entity::update_many()
            .col_expr(finding::Column::TakenAt, Expr::value(Some(now)))
            .filter(finding::Column::LookBackId.eq(id))
            .filter(finding::Column::Number.is_in(part.iter().copied()))
            .exec(tx.conn())
            .await?;
    }
    Ok(())
}
