//! The table `approval`.

use chrono::{DateTime, Utc};
use db::{Db, DbError};
use event::{AccountId, AgencyId, Scope};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::model::{Request, State};
use crate::Who;

/// Most requests listed.
const LISTED_MAX: u64 = 200;

mod row {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "approval")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub action: String,
        pub subject_kind: String,
        pub subject_id: String,
        pub agency_id: Option<Uuid>,
        pub summary: String,
        pub payload: Json,
        pub reason: String,
        pub requested_by: Uuid,
        pub requested_name: String,
        pub requested_at: DateTimeUtc,
        pub expires_at: DateTimeUtc,
        pub state: String,
        pub decided_by: Option<Uuid>,
        pub decided_name: Option<String>,
        pub decided_at: Option<DateTimeUtc>,
        pub note: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl row::Model {
    fn request(self, now: DateTime<Utc>) -> Request {
        Request {
            id: self.id,
            action: self.action,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            agency: self.agency_id.map(AgencyId::from_uuid),
            summary: serde_json::from_str(&self.summary).ok(),
            payload: self.payload,
            reason: self.reason,
            requested_by: AccountId::from_uuid(self.requested_by),
            requested_name: self.requested_name,
            requested_at: self.requested_at,
            expires_at: self.expires_at,
            state: State::of(&self.state, self.expires_at, now),
            decided_name: self.decided_name,
            decided_at: self.decided_at,
            note: self.note,
        }
    }
}

/// Begins every read: what lies outside the scope does not exist. What is no agency's is the province's.
fn seen(scope: &Scope) -> Select<row::Entity> {
    match scope.visible() {
        None => row::Entity::find(),
        Some(visible) => row::Entity::find()
            .filter(row::Column::AgencyId.is_in(visible.iter().map(|agency| agency.uuid()))),
    }
}

pub(super) async fn insert(conn: &impl ConnectionTrait, request: &Request) -> Result<(), DbError> {
    let row = row::Model {
        id: request.id,
        action: request.action.clone(),
        subject_kind: request.subject_kind.clone(),
        subject_id: request.subject_id.clone(),
        agency_id: request.agency.map(AgencyId::uuid),
        summary: serde_json::to_string(&request.summary).unwrap_or_default(),
        payload: request.payload.clone(),
        reason: request.reason.clone(),
        requested_by: request.requested_by.uuid(),
        requested_name: request.requested_name.clone(),
        requested_at: request.requested_at,
        expires_at: request.expires_at,
        state: request.state.word().to_owned(),
        decided_by: None,
        decided_name: None,
        decided_at: None,
        note: String::new(),
    };
    row::Entity::insert(row.into_active_model()).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns the newest requests for these acts within a scope, and those that someone made themselves.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (own, actions): (AccountId, Vec<&'static str>),
    now: DateTime<Utc>,
) -> Result<Vec<Request>, DbError> {
    let mine = row::Entity::find()
        .filter(row::Column::RequestedBy.eq(own.uuid()))
        .order_by_desc(row::Column::RequestedAt)
        .limit(LISTED_MAX);
    let others = seen(scope)
        .filter(row::Column::Action.is_in(actions))
        .filter(row::Column::RequestedBy.ne(own.uuid()))
        .order_by_desc(row::Column::RequestedAt)
        .limit(LISTED_MAX);
    let mut rows = others.all(conn).await?;
    rows.extend(mine.all(conn).await?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.requested_at));
    Ok(rows.into_iter().map(|row| row.request(now)).collect())
}

/// Returns a request, whoever may see it: the caller checks.
pub(super) async fn by_id(
    conn: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Request>, DbError> {
    let found = row::Entity::find_by_id(id).one(conn).await?;
    Ok(found.map(|row| row.request(now)))
}

/// Settles a request that still waits; returns whether it did: of two who decide at once, one wins.
pub(super) async fn settle(
    conn: &impl ConnectionTrait,
    id: Uuid,
    (state, note): (State, &str),
    (by, name): (AccountId, &str),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let settled = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state.word()))
        .col_expr(row::Column::DecidedBy, Expr::value(Some(by.uuid())))
        .col_expr(row::Column::DecidedName, Expr::value(Some(name)))
        .col_expr(row::Column::DecidedAt, Expr::value(Some(now)))
        .col_expr(row::Column::Note, Expr::value(note))
        .filter(row::Column::Id.eq(id))
        .filter(row::Column::State.eq(State::Waiting.word()))
        .filter(row::Column::ExpiresAt.gt(now))
        .exec(conn)
        .await?;
    Ok(settled.rows_affected == 1)
}

/// Returns whether a request for the same act on the same thing waits.
pub(super) async fn waits(
    conn: &impl ConnectionTrait,
    (action, subject_id): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let same = Condition::all()
        .add(row::Column::Action.eq(action))
        .add(row::Column::SubjectId.eq(subject_id))
        .add(row::Column::State.eq(State::Waiting.word()))
        .add(row::Column::ExpiresAt.gt(now));
    Ok(row::Entity::find().filter(same).count(conn).await? > 0)
}

/// Returns how many requests of others wait for this reader, for these acts.
pub(super) async fn waiting_for(
    db: &Db,
    who: &Who,
    actions: Vec<&'static str>,
) -> Result<u64, DbError> {
    let waiting = seen(&who.scope)
        .filter(row::Column::Action.is_in(actions))
        .filter(row::Column::RequestedBy.ne(who.account.uuid()))
        .filter(row::Column::State.eq(State::Waiting.word()))
        .filter(row::Column::ExpiresAt.gt(db.now()));
    Ok(waiting.count(db.conn()).await?)
}
