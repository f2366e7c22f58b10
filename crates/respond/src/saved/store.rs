//! The tables `saved_search` and `saved_search_run`: all their database access.

use chrono::{DateTime, TimeDelta, Utc};
use db::Tx;
use event::{AccountId, AgencyId, Severity};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};
use web::Who;
use web::paging::Page;

use super::model::{EVERY_MIN, Plan, Run, Saved, Share};
use crate::error::RespondError;

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "saved_search")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: Uuid,
        pub(super) name: String,
        pub(super) about: String,
        pub(super) line: String,
        pub(super) span: String,
        pub(super) owner_id: Uuid,
        pub(super) share: String,
        pub(super) agency_id: Option<Uuid>,
        pub(super) every_s: i32,
        pub(super) above: i64,
        pub(super) severity: i16,
        pub(super) made_at: DateTimeUtc,
        pub(super) changed_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod run_row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "saved_search_run")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) search_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) window_from: DateTimeUtc,
        pub(super) window_to: DateTimeUtc,
        pub(super) ran_at: DateTimeUtc,
        pub(super) hits: i64,
        pub(super) raised: bool,
        pub(super) late_s: i64,
        pub(super) skipped_key: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

impl From<row::Model> for Saved {
    fn from(row: row::Model) -> Self {
        let plan = (row.every_s > 0).then(|| Plan {
            every: TimeDelta::seconds(i64::from(row.every_s)),
            above: u64::try_from(row.above).unwrap_or(0),
            severity: u8::try_from(row.severity)
                .ok()
                .and_then(Severity::from_number)
                .unwrap_or(Severity::Medium),
        });
        Self {
            id: row.id,
            name: row.name,
            about: row.about,
            line: row.line,
            span: row.span,
            owner: AccountId::from_uuid(row.owner_id),
            // A word of a later version is nobody's but the owner's here.
            share: match (row.share.as_str(), row.agency_id) {
                ("all", _) => Share::All,
                ("agency", Some(agency)) => Share::Agency(AgencyId::from_uuid(agency)),
                _ => Share::Own,
            },
            plan,
            made_at: row.made_at,
            changed_at: row.changed_at,
        }
    }
}

impl From<run_row::Model> for Run {
    fn from(row: run_row::Model) -> Self {
        Self {
            search: row.search_id,
            from: row.window_from,
            to: row.window_to,
            ran_at: row.ran_at,
            hits: u64::try_from(row.hits).unwrap_or(0),
            raised: row.raised,
            late_s: row.late_s,
            skipped_key: row.skipped_key,
        }
    }
}

impl From<&Saved> for row::ActiveModel {
    fn from(saved: &Saved) -> Self {
        let every = saved.plan.map_or(0, |plan| plan.every.num_seconds());
        let above = saved.plan.map_or(0, |plan| plan.above);
        let severity = saved.plan.map_or(Severity::Medium, |plan| plan.severity);
        Self {
            id: Set(saved.id),
            name: Set(saved.name.clone()),
            about: Set(saved.about.clone()),
            line: Set(saved.line.clone()),
            span: Set(saved.span.clone()),
            owner_id: Set(saved.owner.uuid()),
            share: Set(saved.share.word().to_owned()),
            agency_id: Set(match saved.share {
                Share::Agency(agency) => Some(agency.uuid()),
                Share::Own | Share::All => None,
            }),
            every_s: Set(i32::try_from(every).unwrap_or(i32::MAX)),
            above: Set(i64::try_from(above).unwrap_or(i64::MAX)),
            severity: Set(i16::from(severity.number())),
            made_at: Set(saved.made_at),
            changed_at: Set(saved.changed_at),
        }
    }
}

/// Returns the condition of what this reader finds: their own, and what is shared with them. Who
/// changes the platform finds all: what runs by itself must have someone who can stop it.
fn within(who: &Who) -> Condition {
    if who.may(web::Permission::PlatformChange) && who.scope.visible().is_none() {
        return Condition::all();
    }
    let shared = Condition::all().add(Column::Share.eq("agency"));
    let shared = match who.scope.visible() {
        None => shared,
        Some(agencies) => {
            shared.add(Column::AgencyId.is_in(agencies.iter().map(|agency| agency.uuid())))
        }
    };
    Condition::any()
        .add(Column::OwnerId.eq(who.account.uuid()))
        .add(Column::Share.eq("all"))
        .add(shared)
}

/// Returns a page of saved searches by name, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    who: &Who,
    page: Page,
) -> Result<(Vec<Saved>, u64), RespondError> {
    let found = row::Entity::find().filter(within(who));
    let total = found.clone().count(conn).await?;
    let rows = found
        .order_by_asc(Column::Name)
        .order_by_asc(Column::Id)
        .offset(page.offset())
        .limit(page.limit())
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(Saved::from).collect(), total))
}

/// Returns one saved search.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    who: &Who,
    id: Uuid,
) -> Result<Saved, RespondError> {
    let row = row::Entity::find_by_id(id).filter(within(who)).one(conn).await?;
    row.map(Saved::from).ok_or(RespondError::NotFound)
}

/// Returns the saved search whose window is due, whoever's it is; `None` when it was deleted.
pub(super) async fn due(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Saved>, RespondError> {
    Ok(row::Entity::find_by_id(id).one(conn).await?.map(Saved::from))
}

/// Returns how many searches this person keeps.
pub(super) async fn kept(
    conn: &impl ConnectionTrait,
    owner: AccountId,
) -> Result<u64, RespondError> {
    Ok(row::Entity::find().filter(Column::OwnerId.eq(owner.uuid())).count(conn).await?)
}

/// Writes a new one.
pub(super) async fn insert(tx: &Tx, saved: &Saved) -> Result<(), RespondError> {
    row::Entity::insert(row::ActiveModel::from(saved)).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Writes a changed one.
pub(super) async fn update(tx: &Tx, saved: &Saved) -> Result<(), RespondError> {
    row::Entity::update(row::ActiveModel::from(saved)).exec(tx.conn()).await?;
    Ok(())
}

/// Deletes one with its runs.
pub(super) async fn delete(tx: &Tx, id: Uuid) -> Result<(), RespondError> {
    run_row::Entity::delete_many().filter(run_row::Column::SearchId.eq(id)).exec(tx.conn()).await?;
    row::Entity::delete_by_id(id).exec(tx.conn()).await?;
    Ok(())
}

/// Writes down what came of a window; one that is there stays as it is. Runs from before `forget` go.
pub(super) async fn note_run(
    tx: &Tx,
    run: &Run,
    forget: DateTime<Utc>,
) -> Result<(), RespondError> {
    let key = [run_row::Column::SearchId, run_row::Column::WindowFrom];
    let row = run_row::ActiveModel {
        search_id: Set(run.search),
        window_from: Set(run.from),
        window_to: Set(run.to),
        ran_at: Set(run.ran_at),
        hits: Set(i64::try_from(run.hits).unwrap_or(i64::MAX)),
        raised: Set(run.raised),
        late_s: Set(run.late_s),
        skipped_key: Set(run.skipped_key.clone()),
    };
    run_row::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(tx.conn())
        .await?;
    run_row::Entity::delete_many()
        .filter(run_row::Column::SearchId.eq(run.search))
        .filter(run_row::Column::WindowFrom.lt(forget))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Writes down what came of a window that was asked about again.
pub(super) async fn amend_run(tx: &Tx, run: &Run) -> Result<(), RespondError> {
    let hits = i64::try_from(run.hits).unwrap_or(i64::MAX);
    let mut amended =
        run_row::Entity::update_many().col_expr(run_row::Column::Hits, Expr::value(hits));
    if run.raised {
        amended = amended.col_expr(run_row::Column::Raised, Expr::value(true));
    }
    amended
        .filter(run_row::Column::SearchId.eq(run.search))
        .filter(run_row::Column::WindowFrom.eq(run.from))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Returns every search that runs by itself.
pub(super) async fn scheduled(conn: &impl ConnectionTrait) -> Result<Vec<Saved>, RespondError> {
    let rows =
        row::Entity::find().filter(Column::EveryS.gt(0)).order_by_asc(Column::Id).all(conn).await?;
    Ok(rows.into_iter().map(Saved::from).collect())
}

/// Returns the first run of a search whose window ends after a moment.
pub(super) async fn run_from(
    conn: &impl ConnectionTrait,
    search: Uuid,
    moment: DateTime<Utc>,
) -> Result<Option<Run>, RespondError> {
    // No window is longer, so that the key leads to the row.
    let longest = TimeDelta::minutes(EVERY_MIN.into_iter().max().unwrap_or_default());
    let row = run_row::Entity::find()
        .filter(run_row::Column::SearchId.eq(search))
        .filter(run_row::Column::WindowFrom.gt(moment - longest))
        .filter(run_row::Column::WindowTo.gt(moment))
        .order_by_asc(run_row::Column::WindowFrom)
        .one(conn)
        .await?;
    Ok(row.map(Run::from))
}

/// Returns the newest runs.
pub(super) async fn runs(
    conn: &impl ConnectionTrait,
    search: Uuid,
    limit: u64,
) -> Result<Vec<Run>, RespondError> {
    let rows = run_row::Entity::find()
        .filter(run_row::Column::SearchId.eq(search))
        .order_by_desc(run_row::Column::WindowFrom)
        .limit(limit)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Run::from).collect())
}
