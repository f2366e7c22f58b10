//! The table `indicator`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::{Db, Tx};
use event::observable::{Observable, ObservableKind};
use event::{AccountId, IncidentId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, Condition, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::model::{Indicator, Listed, Mark, State, Tlp, Withdrawal};
use crate::error::RespondError;
use crate::limits::INDICATORS_LISTED_MAX;

entity!(row, "indicator", {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    kind: String,
    value: String,
    standing: Option<String>,
    source: String,
    confidence: i16,
    tlp: String,
    reason: String,
    valid_until: DateTimeUtc,
    incident_id: Option<Uuid>,
    account_id: Uuid,
    author: String,
    made_at: DateTimeUtc,
    changed_at: DateTimeUtc,
    withdrawn_at: Option<DateTimeUtc>,
    withdrawn_by: Option<String>,
    withdrawn_reason: Option<String>,
});

use row::{Column, Entity};

fn key(one: &Observable) -> String {
    format!("{} {}", one.kind.word(), one.value)
}

fn indicator_of(row: row::Model) -> Result<Indicator, RespondError> {
    let bad = |column| RespondError::BadRow { table: "indicator", column };
    let kind = ObservableKind::from_word(&row.kind).ok_or(bad("kind"))?;
    Ok(Indicator {
        id: row.id,
        observable: Observable { kind, value: row.value },
        source: row.source,
        confidence: u8::try_from(row.confidence).map_err(|_| bad("confidence"))?,
        tlp: Tlp::from_word(&row.tlp).ok_or(bad("tlp"))?,
        reason: row.reason,
        valid_until: row.valid_until,
        incident: row.incident_id.map(IncidentId::from_uuid),
        account: AccountId::from_uuid(row.account_id),
        author: row.author,
        made_at: row.made_at,
        withdrawn: row.withdrawn_at.map(|at| Withdrawal {
            at,
            by: row.withdrawn_by.unwrap_or_default(),
            reason: row.withdrawn_reason.unwrap_or_default(),
        }),
    })
}

/// Writes a new indicator; returns whether the value did not stand already.
pub(super) async fn insert(tx: &Tx, one: &Indicator) -> Result<bool, RespondError> {
    // What is past its time makes room for what is said now.
    Entity::update_many()
        .col_expr(Column::Standing, Expr::value(None::<String>))
        .col_expr(Column::ChangedAt, Expr::value(tx.now()))
        .filter(Column::Standing.eq(key(&one.observable)))
        .filter(Column::ValidUntil.lte(tx.now()))
        .exec(tx.conn())
        .await?;
    let row = row::ActiveModel {
        id: Set(one.id),
        kind: Set(one.observable.kind.word().to_owned()),
        value: Set(one.observable.value.clone()),
        standing: Set(Some(key(&one.observable))),
        source: Set(one.source.clone()),
        confidence: Set(i16::from(one.confidence)),
        tlp: Set(one.tlp.word().to_owned()),
        reason: Set(one.reason.clone()),
        valid_until: Set(one.valid_until),
        incident_id: Set(one.incident.map(IncidentId::uuid)),
        account_id: Set(one.account.uuid()),
        author: Set(one.author.clone()),
        made_at: Set(one.made_at),
        changed_at: Set(one.made_at),
        withdrawn_at: Set(None),
        withdrawn_by: Set(None),
        withdrawn_reason: Set(None),
    };
    let stands = OnConflict::column(Column::Standing).do_nothing().to_owned();
    let done = Entity::insert(row).on_conflict(stands).exec_without_returning(tx.conn()).await?;
    Ok(done > 0)
}

/// Takes an indicator off the list; returns whether it stood there.
pub(super) async fn withdraw(
    tx: &Tx,
    id: Uuid,
    (by, reason): (&str, &str),
) -> Result<bool, RespondError> {
    let done = Entity::update_many()
        .col_expr(Column::Standing, Expr::value(None::<String>))
        .col_expr(Column::ChangedAt, Expr::value(tx.now()))
        .col_expr(Column::WithdrawnAt, Expr::value(Some(tx.now())))
        .col_expr(Column::WithdrawnBy, Expr::value(Some(by)))
        .col_expr(Column::WithdrawnReason, Expr::value(Some(reason)))
        .filter(Column::Id.eq(id))
        .filter(Column::WithdrawnAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Returns one indicator.
pub(super) async fn get(conn: &impl ConnectionTrait, id: Uuid) -> Result<Indicator, RespondError> {
    let row = Entity::find_by_id(id).one(conn).await?;
    indicator_of(row.ok_or(RespondError::NotFound)?)
}

/// Which indicators are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Part of the value, of the reason or of the source.
    pub(super) text: String,
    /// Only of this kind.
    pub(super) kind: Option<ObservableKind>,
    /// Only in this state; nothing is all.
    pub(super) state: Option<State>,
    /// Only those of this incident.
    pub(super) incident: Option<IncidentId>,
}

impl Filter {
    fn condition(&self, now: DateTime<Utc>) -> Condition {
        let mut all = Condition::all();
        if !self.text.is_empty() {
            let any = [Column::Value, Column::Reason, Column::Source]
                .into_iter()
                .fold(Condition::any(), |any, column| any.add(column.contains(&self.text)));
            all = all.add(any);
        }
        if let Some(kind) = self.kind {
            all = all.add(Column::Kind.eq(kind.word()));
        }
        if let Some(incident) = self.incident {
            all = all.add(Column::IncidentId.eq(incident.uuid()));
        }
        match self.state {
            Some(State::InForce) => {
                all.add(Column::WithdrawnAt.is_null()).add(Column::ValidUntil.gt(now))
            }
            Some(State::Expired) => {
                all.add(Column::WithdrawnAt.is_null()).add(Column::ValidUntil.lte(now))
            }
            Some(State::Withdrawn) => all.add(Column::WithdrawnAt.is_not_null()),
            None => all,
        }
    }
}

/// Returns some of the indicators that a filter names, the newest first, and how many it names.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    filter: &Filter,
    now: DateTime<Utc>,
    (offset, limit): (u64, u64),
) -> Result<(Vec<Indicator>, u64), RespondError> {
    let found = Entity::find().filter(filter.condition(now));
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_desc(Column::MadeAt)
        .order_by_desc(Column::Id)
        .offset(offset)
        .limit(limit)
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(indicator_of).collect::<Result<_, _>>()?, total))
}

/// Values that one question names: SQLite takes 32,766 of them, and an index look-up is quick.
const VALUES_PER_QUESTION: usize = 500;

/// Returns which of these values stand on the list and are looked for, with the id of their row.
pub(crate) async fn standing(
    conn: &impl ConnectionTrait,
    values: &[&Observable],
    now: DateTime<Utc>,
) -> Result<BTreeMap<Observable, Uuid>, RespondError> {
    let mut found = BTreeMap::new();
    for some in values.chunks(VALUES_PER_QUESTION) {
        let keys: Vec<String> = some.iter().map(|one| key(one)).collect();
        let rows = Entity::find()
            .filter(Column::Standing.is_in(keys))
            .filter(Column::ValidUntil.gt(now))
            .all(conn)
            .await?;
        for row in rows {
            let one = indicator_of(row)?;
            found.insert(one.observable, one.id);
        }
    }
    Ok(found)
}

/// Returns what is looked for: every indicator that nobody has taken off. Those past their time are held
/// against earlier events only, which whoever looks decides by the time of the event.
///
/// # Errors
/// When the database does not answer.
pub async fn in_force(db: &Db) -> Result<Vec<Listed>, RespondError> {
    let rows = Entity::find()
        .filter(Column::WithdrawnAt.is_null())
        .order_by_desc(Column::MadeAt)
        .limit(INDICATORS_LISTED_MAX)
        .all(db.conn())
        .await?;
    let listed = |row| {
        let one = indicator_of(row)?;
        Ok(Listed {
            observable: one.observable,
            source: one.source,
            reason: one.reason,
            confidence: one.confidence,
            tlp: one.tlp.word(),
            valid_until: one.valid_until,
        })
    };
    rows.into_iter().map(listed).collect()
}

/// Returns how the list stands now: cheap enough to be asked every few seconds.
///
/// # Errors
/// When the database does not answer.
pub async fn mark(db: &Db) -> Result<Mark, RespondError> {
    let found: Option<(i64, i64, Option<DateTime<Utc>>)> = Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "rows_there")
        .column_as(Column::WithdrawnAt.count(), "rows_withdrawn")
        .column_as(Expr::col(Column::ChangedAt).max(), "changed")
        .into_tuple()
        .one(db.conn())
        .await?;
    let (rows, withdrawn, changed_at) = found.unwrap_or_default();
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Mark { rows: count(rows), withdrawn: count(withdrawn), changed_at })
}
