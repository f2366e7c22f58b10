//! The table `evidence_receipt`.

use db::Tx;
use event::AccountId;
use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder as _;
use sea_orm::entity::prelude::*;

use super::{Occasion, Receipt};
use crate::error::RespondError;

entity!(receipt, "evidence_receipt", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    number: String,
    evidence_id: Uuid,
    occasion: String,
    content: String,
    digest: String,
    giver_id: Uuid,
    giver_name: String,
    given_at: DateTimeUtc,
    to_id: Option<Uuid>,
    taker_id: Option<Uuid>,
    taker_name: Option<String>,
    taken_at: Option<DateTimeUtc>,
    remark: String,
});

use receipt::{Column, Entity};

fn read(row: receipt::Model) -> Result<Receipt, RespondError> {
    let bad = RespondError::BadRow { table: "evidence_receipt", column: "occasion" };
    Ok(Receipt {
        id: row.id,
        number: row.number,
        evidence: row.evidence_id,
        occasion: Occasion::from_word(&row.occasion).ok_or(bad)?,
        content: row.content,
        digest: row.digest,
        giver: AccountId::from_uuid(row.giver_id),
        giver_name: row.giver_name,
        given_at: row.given_at,
        to: row.to_id.map(AccountId::from_uuid),
        taker: row.taker_id.map(AccountId::from_uuid),
        taker_name: row.taker_name,
        taken_at: row.taken_at,
        remark: row.remark,
    })
}

/// Keeps a receipt that its giver signed.
pub(super) async fn insert(tx: &Tx, given: &Receipt) -> Result<(), RespondError> {
    let row = receipt::ActiveModel {
        id: Set(given.id),
        number: Set(given.number.clone()),
        evidence_id: Set(given.evidence),
        occasion: Set(given.occasion.word().to_owned()),
        content: Set(given.content.clone()),
        digest: Set(given.digest.clone()),
        giver_id: Set(given.giver.uuid()),
        giver_name: Set(given.giver_name.clone()),
        given_at: Set(given.given_at),
        to_id: Set(given.to.map(AccountId::uuid)),
        taker_id: Set(None),
        taker_name: Set(None),
        taken_at: Set(None),
        remark: Set(String::new()),
    };
    Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Signs for who takes, once; returns whether it still waited.
pub(super) async fn take(
    tx: &Tx,
    id: Uuid,
    (taker, name): (AccountId, &str),
    remark: &str,
) -> Result<bool, RespondError> {
    let taken = Entity::update_many()
        .col_expr(Column::TakerId, Expr::value(Some(taker.uuid())))
        .col_expr(Column::TakerName, Expr::value(Some(name)))
        .col_expr(Column::TakenAt, Expr::value(Some(tx.now())))
        .col_expr(Column::Remark, Expr::value(remark))
        .filter(Column::Id.eq(id))
        .filter(Column::TakenAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Returns a receipt of a piece that the caller has read.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
    id: Uuid,
) -> Result<Receipt, RespondError> {
    let own = Entity::find_by_id(id).filter(Column::EvidenceId.eq(evidence));
    read(own.one(conn).await?.ok_or(RespondError::NotFound)?)
}

/// Returns the receipts of a piece, the first first.
pub(super) async fn of(
    conn: &impl ConnectionTrait,
    evidence: Uuid,
) -> Result<Vec<Receipt>, RespondError> {
    let rows = Entity::find()
        .filter(Column::EvidenceId.eq(evidence))
        .order_by_asc(Column::GivenAt)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(read).collect()
}
