//! The tables `dossier`, `dossier_step`, `dossier_comment` and `dossier_number`. What hangs on a dossier
//! is asked for by whoever has read it within a scope.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use db::{DbError, Tx};
use event::{AccountId, AgencyId, Level, Scope, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, QueryOrder as _, QuerySelect as _};

use super::model::{Comment, Dossier, State, Step, Taken, Verdict};
use crate::{limits, stores};

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dossier")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub number: String,
        pub system_id: Uuid,
        pub agency_id: Uuid,
        pub level: i16,
        pub outside: bool,
        pub regime: String,
        pub state: String,
        pub open_system: Option<Uuid>,
        pub sections: Json,
        pub drawn: Json,
        pub round: i32,
        pub made_by: Uuid,
        pub author: String,
        pub made_at: DateTimeUtc,
        pub changed_at: DateTimeUtc,
        pub state_on: String,
        pub due_on: Option<String>,
        pub outcome: Json,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod step {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dossier_step")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub dossier_id: Uuid,
        pub round: i32,
        pub at: DateTimeUtc,
        pub step: String,
        pub account_id: Uuid,
        pub acting_for: Option<Uuid>,
        pub author: String,
        pub note: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dossier_comment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub dossier_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub round: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub part: String,
        pub verdict: String,
        pub text: String,
        pub account_id: Uuid,
        pub author: String,
        pub made_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod number {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dossier_number")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        pub last: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<row::Model> for Dossier {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id,
            number: row.number,
            system: SystemId::from_uuid(row.system_id),
            agency: AgencyId::from_uuid(row.agency_id),
            level: u8::try_from(row.level).unwrap_or_default(),
            outside: row.outside,
            regime: row.regime,
            // A word of a newer version is one that this version takes no step in.
            state: State::from_word(&row.state).unwrap_or(State::Withdrawn),
            sections: serde_json::from_value(row.sections).unwrap_or_default(),
            drawn: serde_json::from_value(row.drawn).unwrap_or_default(),
            round: row.round,
            made_by: AccountId::from_uuid(row.made_by),
            author: row.author,
            made_at: row.made_at,
            changed_at: row.changed_at,
            state_on: row.state_on.parse().unwrap_or_default(),
            due_on: row.due_on.as_deref().and_then(|day| day.parse().ok()),
            outcome: serde_json::from_value(row.outcome).unwrap_or_default(),
            version: row.version,
        }
    }
}

fn row_of(dossier: &Dossier) -> row::Model {
    row::Model {
        id: dossier.id,
        number: dossier.number.clone(),
        system_id: dossier.system.uuid(),
        agency_id: dossier.agency.uuid(),
        level: i16::from(dossier.level),
        outside: dossier.outside,
        regime: dossier.regime.clone(),
        state: dossier.state.word().to_owned(),
        open_system: (!dossier.state.is_over()).then(|| dossier.system.uuid()),
        sections: serde_json::json!(dossier.sections),
        drawn: serde_json::json!(dossier.drawn),
        round: dossier.round,
        made_by: dossier.made_by.uuid(),
        author: dossier.author.clone(),
        made_at: dossier.made_at,
        changed_at: dossier.changed_at,
        state_on: dossier.state_on.to_string(),
        due_on: dossier.due_on.map(|day| day.to_string()),
        outcome: serde_json::json!(dossier.outcome),
        version: dossier.version,
    }
}

/// Which dossiers a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DossierFilter {
    pub(super) states: Vec<State>,
    pub(super) level: Option<Level>,
    pub(super) agency: Option<AgencyId>,
    pub(super) system: Option<SystemId>,
    /// Only those whose limit ended before this day.
    pub(super) late_on: Option<NaiveDate>,
}

/// Returns a part of the dossiers in scope, the last changed first, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &DossierFilter,
    part: (u64, u64),
) -> Result<(Vec<Dossier>, u64), DbError> {
    let mut query = stores::within::<row::Entity>(scope, row::Column::AgencyId);
    if !filter.states.is_empty() {
        query = query.filter(row::Column::State.is_in(filter.states.iter().map(|one| one.word())));
    }
    if let Some(level) = filter.level {
        query = query.filter(row::Column::Level.eq(i16::from(level.number())));
    }
    if let Some(agency) = filter.agency {
        query = query.filter(row::Column::AgencyId.eq(agency.uuid()));
    }
    if let Some(system) = filter.system {
        query = query.filter(row::Column::SystemId.eq(system.uuid()));
    }
    if let Some(day) = filter.late_on {
        query = query.filter(row::Column::DueOn.lt(day.to_string()));
    }
    let query = query.order_by_desc(row::Column::ChangedAt).order_by_desc(row::Column::Number);
    stores::part(conn, query, part).await
}

/// Returns the dossiers under way whose limit ends by a day, for whoever reminds of them.
pub(super) async fn due_by(
    conn: &impl ConnectionTrait,
    day: NaiveDate,
) -> Result<Vec<Dossier>, DbError> {
    let rows = row::Entity::find()
        .filter(row::Column::OpenSystem.is_not_null())
        .filter(row::Column::DueOn.lte(day.to_string()))
        .order_by_asc(row::Column::DueOn)
        .limit(limits::DOSSIERS_REMINDED_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Dossier::from).collect())
}

/// Returns the newest dossier of each of these systems that was not given up.
pub(super) async fn newest_of(
    conn: &impl ConnectionTrait,
    systems: &[SystemId],
) -> Result<BTreeMap<SystemId, Dossier>, DbError> {
    let mut found = BTreeMap::new();
    for part in systems.chunks(limits::IDS_PER_QUERY) {
        let rows = row::Entity::find()
            .filter(row::Column::SystemId.is_in(part.iter().map(|id| id.uuid())))
            .filter(row::Column::State.ne(State::Withdrawn.word()))
            .order_by_asc(row::Column::MadeAt)
            .all(conn)
            .await?;
        found.extend(rows.into_iter().map(Dossier::from).map(|one| (one.system, one)));
    }
    Ok(found)
}

/// Returns one dossier.
pub(super) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Dossier>, DbError> {
    let query = stores::within::<row::Entity>(scope, row::Column::AgencyId);
    Ok(query.filter(row::Column::Id.eq(id)).one(conn).await?.map(Dossier::from))
}

/// Adds a dossier.
pub(super) async fn insert(conn: &impl ConnectionTrait, dossier: &Dossier) -> Result<(), DbError> {
    stores::insert(conn, row_of(dossier)).await
}

/// Writes a dossier over its former version; says whether that version still stood.
pub(super) async fn update(
    conn: &impl ConnectionTrait,
    dossier: &Dossier,
) -> Result<bool, DbError> {
    stores::overwrite(conn, row_of(dossier), (row::Column::Id, row::Column::Version)).await
}

/// Gives the dossiers of an agency to another.
pub(crate) async fn move_all(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let columns = (row::Column::AgencyId, Some(row::Column::Version));
    stores::move_all::<row::Entity>(conn, columns, from_to).await
}

/// Gives the dossiers of a system to the agency that the system went to.
pub(crate) async fn follow(
    conn: &impl ConnectionTrait,
    system: SystemId,
    agency: AgencyId,
) -> Result<(), DbError> {
    row::Entity::update_many()
        .col_expr(row::Column::AgencyId, Expr::value(agency.uuid()))
        .filter(row::Column::SystemId.eq(system.uuid()))
        .filter(row::Column::AgencyId.ne(agency.uuid()))
        .exec(conn)
        .await?;
    Ok(())
}

/// Returns the next number of a year. It is taken only if the transaction is committed.
pub(super) async fn next_number(tx: &Tx, year: i32) -> Result<i32, DbError> {
    let first = number::ActiveModel { year: Set(year), last: Set(1) };
    let add = Expr::col((number::Entity, number::Column::Last)).add(1);
    let standing =
        OnConflict::column(number::Column::Year).value(number::Column::Last, add).to_owned();
    number::Entity::insert(first).on_conflict(standing).exec_without_returning(tx.conn()).await?;
    let row = number::Entity::find_by_id(year).one(tx.conn()).await?;
    Ok(row.map_or(1, |row| row.last))
}

/// Notes a step.
pub(super) async fn add_step(tx: &Tx, dossier: &Dossier, taken: &Taken) -> Result<(), DbError> {
    let row = step::Model {
        id: tx.new_uuid(),
        dossier_id: dossier.id,
        round: taken.round,
        at: taken.at,
        step: taken.step.word().to_owned(),
        account_id: taken.account.uuid(),
        acting_for: taken.acting_for.map(AccountId::uuid),
        author: taken.author.clone(),
        note: taken.note.clone(),
    };
    stores::insert(tx.conn(), row).await
}

/// Returns the steps taken in a dossier, the first first.
pub(super) async fn steps(
    conn: &impl ConnectionTrait,
    dossier: &Dossier,
) -> Result<Vec<Taken>, DbError> {
    let rows = step::Entity::find()
        .filter(step::Column::DossierId.eq(dossier.id))
        .order_by_asc(step::Column::At)
        .order_by_asc(step::Column::Id)
        .all(conn)
        .await?;
    let read = |row: step::Model| {
        Some(Taken {
            step: Step::from_word(&row.step)?,
            round: row.round,
            at: row.at,
            account: AccountId::from_uuid(row.account_id),
            acting_for: row.acting_for.map(AccountId::from_uuid),
            author: row.author,
            note: row.note,
        })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Keeps what an appraiser says of a part, instead of what was said in the same round.
pub(super) async fn put_comment(
    conn: &impl ConnectionTrait,
    dossier: &Dossier,
    said: &Comment,
) -> Result<(), DbError> {
    use comment::Column::{AccountId, Author, DossierId, MadeAt, Part, Round, Text, Verdict};
    let row = comment::ActiveModel {
        dossier_id: Set(dossier.id),
        round: Set(said.round),
        part: Set(said.part.clone()),
        verdict: Set(said.verdict.word().to_owned()),
        text: Set(said.text.clone()),
        account_id: Set(said.account.uuid()),
        author: Set(said.author.clone()),
        made_at: Set(said.made_at),
    };
    let stands = OnConflict::columns([DossierId, Round, Part])
        .update_columns([Verdict, Text, AccountId, Author, MadeAt])
        .to_owned();
    comment::Entity::insert(row).on_conflict(stands).exec_without_returning(conn).await?;
    Ok(())
}

/// Returns what was said of the parts of a dossier, the first round first.
pub(super) async fn comments(
    conn: &impl ConnectionTrait,
    dossier: &Dossier,
) -> Result<Vec<Comment>, DbError> {
    let rows = comment::Entity::find()
        .filter(comment::Column::DossierId.eq(dossier.id))
        .order_by_asc(comment::Column::Round)
        .order_by_asc(comment::Column::MadeAt)
        .all(conn)
        .await?;
    let read = |row: comment::Model| Comment {
        round: row.round,
        part: row.part,
        verdict: Verdict::from_word(&row.verdict).unwrap_or(Verdict::Not),
        text: row.text,
        account: AccountId::from_uuid(row.account_id),
        author: row.author,
        made_at: row.made_at,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Returns a step as someone takes it now.
pub(super) fn taken_by(
    who: &web::Who,
    step: Step,
    (round, at): (i32, DateTime<Utc>),
    note: String,
) -> Taken {
    Taken {
        step,
        round,
        at,
        account: who.account,
        acting_for: who.acting_for,
        author: who.name.clone(),
        note,
    }
}
