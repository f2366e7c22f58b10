//! The table `order_system`: which systems a warning concerns, as they were when it was issued.

use db::Tx;
use event::{AgencyId, Scope, SystemId};
use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder as _;
use sea_orm::entity::prelude::*;

use super::model::Concern;
use crate::alert::within;
use crate::error::RespondError;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_system")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) order_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) system_id: Uuid,
        pub(super) agency_id: Uuid,
        pub(super) name: String,
        pub(super) why: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows of one statement: a database allows some ten thousand parameters.
const CHUNK: usize = 500;

/// Writes which systems an order concerns.
pub(super) async fn add(tx: &Tx, order: Uuid, concerns: &[Concern]) -> Result<(), RespondError> {
    for part in concerns.chunks(CHUNK) {
        let rows = part.iter().map(|one| row::ActiveModel {
            order_id: Set(order),
            system_id: Set(one.system.uuid()),
            agency_id: Set(one.agency.uuid()),
            name: Set(one.name.clone()),
            why: Set(one.why.clone()),
        });
        row::Entity::insert_many(rows).exec_without_returning(tx.conn()).await?;
    }
    Ok(())
}

/// Returns the systems in the scope that an order concerns, by name.
pub(super) async fn of(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    order: Uuid,
) -> Result<Vec<Concern>, RespondError> {
    let rows = row::Entity::find()
        .filter(within(scope, row::Column::AgencyId))
        .filter(row::Column::OrderId.eq(order))
        .order_by_asc(row::Column::Name)
        .all(conn)
        .await?;
    let concern = |row: row::Model| Concern {
        agency: AgencyId::from_uuid(row.agency_id),
        system: SystemId::from_uuid(row.system_id),
        name: row.name,
        why: row.why,
    };
    Ok(rows.into_iter().map(concern).collect())
}
