//! The table `import_batch`. A batch is its importer's own: nobody else sees what stood in their file.

use db::DbError;
use event::AccountId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::model::{Batch, BatchState, Kind};
use crate::{limits, stores};

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "import_batch")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub kind: String,
        pub file: String,
        pub state: String,
        pub plan: Json,
        pub ignored: Json,
        pub account_id: Uuid,
        pub account_name: String,
        pub created_at: DateTimeUtc,
        pub ended_at: Option<DateTimeUtc>,
        pub job: String,
        pub trouble: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for Batch {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id,
            kind: Kind::from_word(&row.kind).unwrap_or(Kind::People),
            file: row.file,
            state: BatchState::from_word(&row.state),
            rows: serde_json::from_value(row.plan).unwrap_or_default(),
            ignored: serde_json::from_value(row.ignored).unwrap_or_default(),
            account: AccountId::from_uuid(row.account_id),
            by: row.account_name,
            created_at: row.created_at,
            ended_at: row.ended_at,
            job: row.job.parse().ok(),
            trouble: row.trouble,
        }
    }
}

/// Keeps a batch that was looked at.
pub(super) async fn insert(conn: &impl ConnectionTrait, batch: &Batch) -> Result<(), DbError> {
    let row = row::Model {
        id: batch.id,
        kind: batch.kind.word().to_owned(),
        file: batch.file.clone(),
        state: batch.state.word().to_owned(),
        plan: serde_json::json!(batch.rows),
        ignored: serde_json::json!(batch.ignored),
        account_id: batch.account.uuid(),
        account_name: batch.by.clone(),
        created_at: batch.created_at,
        ended_at: batch.ended_at,
        job: batch.job.map(|job| job.to_string()).unwrap_or_default(),
        trouble: batch.trouble.clone(),
    };
    stores::insert(conn, row).await
}

/// Returns a batch of an account.
pub(super) async fn by_id(
    conn: &impl ConnectionTrait,
    account: AccountId,
    id: Uuid,
) -> Result<Option<Batch>, DbError> {
    let own = row::Column::AccountId.eq(account.uuid());
    Ok(row::Entity::find_by_id(id).filter(own).one(conn).await?.map(Batch::from))
}

/// Returns the latest batches of an account, without their rows' contents being looked at.
pub(super) async fn latest(
    conn: &impl ConnectionTrait,
    account: AccountId,
) -> Result<Vec<Batch>, DbError> {
    let rows = row::Entity::find()
        .filter(row::Column::AccountId.eq(account.uuid()))
        .order_by_desc(row::Column::CreatedAt)
        .limit(limits::IMPORTS_SHOWN)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Batch::from).collect())
}

/// Moves a batch from one state to the next; says whether it stood there.
pub(super) async fn advance(
    conn: &impl ConnectionTrait,
    batch: &Batch,
    next: BatchState,
) -> Result<bool, DbError> {
    let row = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(next.word()))
        .col_expr(row::Column::EndedAt, Expr::value(batch.ended_at))
        .col_expr(
            row::Column::Job,
            Expr::value(batch.job.map_or_else(String::new, |job| job.to_string())),
        )
        .col_expr(row::Column::Trouble, Expr::value(batch.trouble.as_str()))
        .filter(row::Column::Id.eq(batch.id))
        .filter(row::Column::State.eq(batch.state.word()));
    Ok(row.exec(conn).await?.rows_affected == 1)
}
