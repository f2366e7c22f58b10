//! The tables `queue_view` and `queue_view_default`: all their database access.

use db::Tx;
use event::AccountId;
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, QueryOrder as _};
use web::Who;

use super::model::{Queue, QueueView};
use crate::error::RespondError;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "queue_view")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) queue: String,
        pub(super) name: String,
        pub(super) query: String,
        pub(super) owner_id: Uuid,
        pub(super) shared: bool,
        pub(super) made_at: DateTimeUtc,
        pub(super) changed_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod chosen {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "queue_view_default")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) account_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) queue: String,
        pub(super) view_id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

fn model(row: row::Model, default: Option<Uuid>) -> Result<QueueView, RespondError> {
    let unread = RespondError::BadRow { table: "queue_view", column: "queue" };
    Ok(QueueView {
        id: row.id,
        queue: Queue::from_word(&row.queue).ok_or(unread)?,
        name: row.name,
        query: row.query,
        owner: AccountId::from_uuid(row.owner_id),
        shared: row.shared,
        is_default: default == Some(row.id),
        made_at: row.made_at,
        changed_at: row.changed_at,
    })
}

/// Returns the condition of what this reader has: their own; of the shared ones all, if they see the
/// province.
fn within(who: &Who) -> Condition {
    let own =
        Condition::all().add(Column::OwnerId.eq(who.account.uuid())).add(Column::Shared.eq(false));
    let any = Condition::any().add(own);
    if who.scope.visible().is_none() { any.add(Column::Shared.eq(true)) } else { any }
}

async fn chosen_of(
    conn: &impl ConnectionTrait,
    who: &Who,
    queue: Queue,
) -> Result<Option<Uuid>, RespondError> {
    let key = (who.account.uuid(), queue.word().to_owned());
    Ok(chosen::Entity::find_by_id(key).one(conn).await?.map(|row| row.view_id))
}

/// Returns the views of a queue, one's own first, each group by name.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    who: &Who,
    queue: Queue,
) -> Result<Vec<QueueView>, RespondError> {
    let default = chosen_of(conn, who, queue).await?;
    let rows = row::Entity::find()
        .filter(within(who))
        .filter(Column::Queue.eq(queue.word()))
        .order_by_asc(Column::Shared)
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(|row| model(row, default)).collect()
}

/// Returns one view.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    who: &Who,
    id: Uuid,
) -> Result<QueueView, RespondError> {
    let row = row::Entity::find_by_id(id).filter(within(who)).one(conn).await?;
    let view = model(row.ok_or(RespondError::NotFound)?, None)?;
    if !who.may(view.queue.needs()) {
        return Err(RespondError::NotFound);
    }
    let is_default = chosen_of(conn, who, view.queue).await? == Some(id);
    Ok(QueueView { is_default, ..view })
}

/// Returns the view that someone's list opens with.
pub(super) async fn default_of(
    conn: &impl ConnectionTrait,
    who: &Who,
    queue: Queue,
) -> Result<Option<QueueView>, RespondError> {
    let Some(id) = chosen_of(conn, who, queue).await? else { return Ok(None) };
    // One that is no longer shared with them is none.
    let row = row::Entity::find_by_id(id).filter(within(who)).one(conn).await?;
    row.map(|row| model(row, Some(id))).transpose()
}

/// Writes a new view or a changed one.
pub(super) async fn put(tx: &Tx, view: &QueueView) -> Result<(), RespondError> {
    let row = row::ActiveModel {
        id: Set(view.id),
        queue: Set(view.queue.word().to_owned()),
        name: Set(view.name.clone()),
        query: Set(view.query.clone()),
        owner_id: Set(view.owner.uuid()),
        shared: Set(view.shared),
        made_at: Set(view.made_at),
        changed_at: Set(view.changed_at),
    };
    let changed = [Column::Name, Column::Query, Column::Shared, Column::ChangedAt];
    row::Entity::insert(row)
        .on_conflict(OnConflict::column(Column::Id).update_columns(changed).to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Deletes a view; lists that opened with it open whole again.
pub(super) async fn delete(tx: &Tx, id: Uuid) -> Result<(), RespondError> {
    chosen::Entity::delete_many().filter(chosen::Column::ViewId.eq(id)).exec(tx.conn()).await?;
    row::Entity::delete_by_id(id).exec(tx.conn()).await?;
    Ok(())
}

/// Lets someone's list open with a view, or whole again.
pub(super) async fn choose(
    tx: &Tx,
    who: &Who,
    queue: Queue,
    view: Option<Uuid>,
) -> Result<(), RespondError> {
    let account = who.account.uuid();
    let key = (account, queue.word().to_owned());
    chosen::Entity::delete_by_id(key).exec(tx.conn()).await?;
    if let Some(view_id) = view {
        let row = chosen::ActiveModel {
            account_id: Set(account),
            queue: Set(queue.word().to_owned()),
            view_id: Set(view_id),
        };
        chosen::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}
