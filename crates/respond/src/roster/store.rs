//! The tables `duty_shift` and `duty_handover`. The roster is the centre's: whoever sees the duty page may
//! know whom to ring, so shifts have no scope; handovers are for those who handle alerts of the province.

use chrono::{DateTime, Utc};
use db::{DbError, Tx};
use event::AccountId;
use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::handover::Handover;
use super::model::Shift;

/// Shifts read at once: a quarter of three a day.
const SHIFTS_MAX: u64 = 500;

/// Handovers listed: a quarter of two a day.
const HANDOVERS_MAX: u64 = 200;

mod shift {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "duty_shift")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub first_id: Uuid,
        pub second_id: Option<Uuid>,
        pub substitute_id: Option<Uuid>,
        pub phone: String,
        pub from_at: DateTimeUtc,
        pub to_at: DateTimeUtc,
        pub note: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod handover {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "duty_handover")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub from_at: DateTimeUtc,
        pub leaver_id: Uuid,
        pub leaver_name: String,
        pub left_at: DateTimeUtc,
        pub notes: String,
        pub snapshot: String,
        pub digest: String,
        pub comer_id: Option<Uuid>,
        pub comer_name: Option<String>,
        pub taken_at: Option<DateTimeUtc>,
        pub remark: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use shift::Column;

impl From<shift::Model> for Shift {
    fn from(row: shift::Model) -> Self {
        Self {
            id: row.id,
            first: AccountId::from_uuid(row.first_id),
            second: row.second_id.map(AccountId::from_uuid),
            substitute: row.substitute_id.map(AccountId::from_uuid),
            phone: row.phone,
            from: row.from_at,
            to: row.to_at,
            note: row.note,
        }
    }
}

fn row(given: &Shift) -> shift::Model {
    shift::Model {
        id: given.id,
        first_id: given.first.uuid(),
        second_id: given.second.map(AccountId::uuid),
        substitute_id: given.substitute.map(AccountId::uuid),
        phone: given.phone.clone(),
        from_at: given.from,
        to_at: given.to,
        note: given.note.clone(),
    }
}

/// Returns the shifts that touch a stretch of time, by their beginnings.
pub(super) async fn between(
    conn: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Shift>, DbError> {
    let found = shift::Entity::find()
        .filter(Column::FromAt.lt(to))
        .filter(Column::ToAt.gt(from))
        .order_by_asc(Column::FromAt)
        .limit(SHIFTS_MAX);
    Ok(found.all(conn).await?.into_iter().map(Shift::from).collect())
}

/// Returns a shift, kept from others until the change ends.
pub(super) async fn get(tx: &Tx, id: Uuid) -> Result<Option<Shift>, DbError> {
    let found = shift::Entity::find_by_id(id).lock_exclusive().one(tx.conn()).await?;
    Ok(found.map(Shift::from))
}

pub(super) async fn insert(tx: &Tx, given: &Shift) -> Result<(), DbError> {
    shift::Entity::insert(row(given).into_active_model()).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Changes who answers in a shift, and at which number.
pub(super) async fn update(tx: &Tx, given: &Shift) -> Result<(), DbError> {
    shift::Entity::update_many()
        .col_expr(Column::FirstId, Expr::value(given.first.uuid()))
        .col_expr(Column::SecondId, Expr::value(given.second.map(AccountId::uuid)))
        .col_expr(Column::SubstituteId, Expr::value(given.substitute.map(AccountId::uuid)))
        .col_expr(Column::Phone, Expr::value(given.phone.as_str()))
        .col_expr(Column::Note, Expr::value(given.note.as_str()))
        .filter(Column::Id.eq(given.id))
        .exec(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn remove(tx: &Tx, id: Uuid) -> Result<(), DbError> {
    shift::Entity::delete_by_id(id).exec(tx.conn()).await?;
    Ok(())
}

impl From<handover::Model> for Handover {
    fn from(row: handover::Model) -> Self {
        Self {
            id: row.id,
            from: row.from_at,
            leaver: AccountId::from_uuid(row.leaver_id),
            leaver_name: row.leaver_name,
            left_at: row.left_at,
            notes: row.notes,
            snapshot: row.snapshot,
            digest: row.digest,
            comer_name: row.comer_name,
            taken_at: row.taken_at,
            remark: row.remark,
        }
    }
}

pub(super) async fn keep(tx: &Tx, given: &Handover) -> Result<(), DbError> {
    let row = handover::Model {
        id: given.id,
        from_at: given.from,
        leaver_id: given.leaver.uuid(),
        leaver_name: given.leaver_name.clone(),
        left_at: given.left_at,
        notes: given.notes.clone(),
        snapshot: given.snapshot.clone(),
        digest: given.digest.clone(),
        comer_id: None,
        comer_name: None,
        taken_at: None,
        remark: String::new(),
    };
    handover::Entity::insert(row.into_active_model()).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns a handover.
pub(super) async fn handover(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Handover>, DbError> {
    Ok(handover::Entity::find_by_id(id).one(conn).await?.map(Handover::from))
}

/// Returns the handovers, the newest first.
pub(super) async fn handovers(conn: &impl ConnectionTrait) -> Result<Vec<Handover>, DbError> {
    let found = handover::Entity::find()
        .order_by_desc(handover::Column::LeftAt)
        .limit(HANDOVERS_MAX)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(Handover::from).collect())
}

/// Signs a handover for the one who comes, once; returns whether it still waited.
pub(super) async fn take(
    tx: &Tx,
    id: Uuid,
    (comer, name): (AccountId, &str),
    remark: &str,
) -> Result<bool, DbError> {
    use handover::Column;
    let taken = handover::Entity::update_many()
        .col_expr(Column::ComerId, Expr::value(Some(comer.uuid())))
        .col_expr(Column::ComerName, Expr::value(Some(name)))
        .col_expr(Column::TakenAt, Expr::value(Some(tx.now())))
        .col_expr(Column::Remark, Expr::value(remark))
        .filter(Column::Id.eq(id))
        .filter(Column::TakenAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(taken.rows_affected == 1)
}
