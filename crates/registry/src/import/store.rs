//! The table `import_batch`. A batch is its importer's own: nobody else sees what stood in their file.

use db::DbError;
use event::AccountId;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{QueryOrder as _, QuerySelect as _};

use super::model::{Batch, BatchHead, BatchState, Kind};
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
        pub counts: String,
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
        counts: serde_json::json!(batch.counts()).to_string(),
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

/// Returns the latest batches of a kind that an account looked at; the rows of their files are not read.
pub(super) async fn latest(
    conn: &impl ConnectionTrait,
    account: AccountId,
    kind: Kind,
) -> Result<Vec<BatchHead>, DbError> {
    use row::Column;
    let columns = [
        Column::Id,
        Column::File,
        Column::State,
        Column::Counts,
        Column::CreatedAt,
        Column::EndedAt,
    ];
    let query = row::Entity::find()
        .select_only()
        .columns(columns)
        .filter(Column::AccountId.eq(account.uuid()))
        .filter(Column::Kind.eq(kind.word()))
        .order_by_desc(Column::CreatedAt)
        .limit(limits::IMPORTS_SHOWN);
    let rows: Vec<Head> = query.into_tuple().all(conn).await?;
    let head = |(id, file, state, counts, created_at, ended_at): Head| BatchHead {
        id,
        kind,
        file,
        state: BatchState::from_word(&state),
        counts: serde_json::from_str(&counts).unwrap_or_default(),
        created_at,
        ended_at,
    };
    Ok(rows.into_iter().map(head).collect())
}

type Head = (Uuid, String, String, String, DateTimeUtc, Option<DateTimeUtc>);

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
