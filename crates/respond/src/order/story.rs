//! What happened to an order, and what proves it: the tables `order_line` and `order_proof`.

use db::Tx;
use event::{AgencyId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::model::{Line, Proof};
use crate::alert::within;
use crate::error::RespondError;

mod line {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_line")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub order_id: Uuid,
        pub agency_id: Option<Uuid>,
        pub at: DateTimeUtc,
        pub kind: String,
        pub author: String,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod proof {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_proof")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub order_id: Uuid,
        pub agency_id: Uuid,
        pub name: String,
        pub size_bytes: i64,
        pub sha256: String,
        pub added_by: String,
        pub added_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Lines and proofs of one order that are read at once.
const LINES_MAX: u64 = 2_000;

/// Writes a line of what happened.
pub(super) async fn add_line(
    conn: &impl ConnectionTrait,
    id: Uuid,
    order: Uuid,
    line: &Line,
) -> Result<(), RespondError> {
    let row = line::ActiveModel {
        id: Set(id),
        order_id: Set(order),
        agency_id: Set(line.agency.map(AgencyId::uuid)),
        at: Set(line.at),
        kind: Set(line.kind.clone()),
        author: Set(line.author.clone()),
        text: Set(line.text.clone()),
    };
    line::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns what happened to an order, as far as it is in sight; the newest first.
pub(super) async fn lines(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    order: Uuid,
) -> Result<Vec<Line>, RespondError> {
    let seen = Condition::any()
        .add(line::Column::AgencyId.is_null())
        .add(within(scope, line::Column::AgencyId));
    let rows = line::Entity::find()
        .filter(line::Column::OrderId.eq(order))
        .filter(seen)
        .order_by_desc(line::Column::At)
        .order_by_desc(line::Column::Id)
        .limit(LINES_MAX)
        .all(conn)
        .await?;
    let read = |row: line::Model| Line {
        agency: row.agency_id.map(AgencyId::from_uuid),
        at: row.at,
        kind: row.kind,
        author: row.author,
        text: row.text,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Keeps what is known of a proof.
pub(super) async fn add_proof(tx: &Tx, proof: &Proof) -> Result<(), RespondError> {
    let row = proof::ActiveModel {
        id: Set(proof.id),
        order_id: Set(proof.order),
        agency_id: Set(proof.agency.uuid()),
        name: Set(proof.name.clone()),
        size_bytes: Set(proof.size_bytes),
        sha256: Set(proof.sha256.clone()),
        added_by: Set(proof.added_by.clone()),
        added_at: Set(proof.added_at),
    };
    proof::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the proofs of an order that are in sight, the oldest first.
pub(super) async fn proofs(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    order: Uuid,
) -> Result<Vec<Proof>, RespondError> {
    let own = within(scope, proof::Column::AgencyId).add(proof::Column::OrderId.eq(order));
    let rows = proof::Entity::find()
        .filter(own)
        .order_by_asc(proof::Column::AddedAt)
        .order_by_asc(proof::Column::Id)
        .limit(LINES_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(proof_of).collect())
}

/// Returns every proof there is, for bringing the files of older versions into the store.
pub(crate) async fn all_proofs(conn: &impl ConnectionTrait) -> Result<Vec<Proof>, RespondError> {
    Ok(proof::Entity::find().all(conn).await?.into_iter().map(proof_of).collect())
}

fn proof_of(row: proof::Model) -> Proof {
    Proof {
        id: row.id,
        order: row.order_id,
        agency: AgencyId::from_uuid(row.agency_id),
        name: row.name,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
        added_by: row.added_by,
        added_at: row.added_at,
    }
}
