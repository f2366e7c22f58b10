//! The tables `agency` and `agency_name`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::DbError;
use event::{AgencyId, Scope, fold};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};

use super::contact::{Contact, quarter_begins};
use super::history::FormerName;
use super::model::{Agency, AgencyFilter, AgencyKind};
use crate::{limits, stores};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agency")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub code: String,
        pub name: String,
        pub name_folded: String,
        pub kind: String,
        pub parent_id: Option<Uuid>,
        pub phone: String,
        pub email: String,
        pub address: String,
        pub identifier: Option<String>,
        pub sector: String,
        pub unit: String,
        pub contact_name: String,
        pub contact_phone: String,
        pub contact_confirmed_at: Option<DateTimeUtc>,
        pub contact_confirmed_by: String,
        pub successor_id: Option<Uuid>,
        pub valid_from: DateTimeUtc,
        pub valid_to: Option<DateTimeUtc>,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod former {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agency_name")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub name: String,
        pub name_folded: String,
        pub from_at: DateTimeUtc,
        pub to_at: DateTimeUtc,
        pub decision: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

impl From<former::Model> for FormerName {
    fn from(row: former::Model) -> Self {
        Self {
            agency: AgencyId::from_uuid(row.agency_id),
            name: row.name,
            from: row.from_at,
            to: row.to_at,
            decision: row.decision,
        }
    }
}

impl From<row::Model> for Agency {
    fn from(row: row::Model) -> Self {
        Self {
            id: AgencyId::from_uuid(row.id),
            code: row.code,
            name: row.name,
            kind: AgencyKind::from_word(&row.kind),
            parent: row.parent_id.map(AgencyId::from_uuid),
            phone: row.phone,
            email: row.email,
            address: row.address,
            identifier: row.identifier.unwrap_or_default(),
            sector: row.sector,
            unit: row.unit,
            contact: Contact {
                name: row.contact_name,
                phone: row.contact_phone,
                confirmed_at: row.contact_confirmed_at,
                confirmed_by: row.contact_confirmed_by,
            },
            successor: row.successor_id.map(AgencyId::from_uuid),
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            version: row.version,
        }
    }
}

impl From<&Agency> for row::Model {
    fn from(agency: &Agency) -> Self {
        Self {
            id: agency.id.uuid(),
            code: agency.code.clone(),
            name: agency.name.clone(),
            name_folded: fold::fold(&format!(
                "{} {} {}",
                agency.name, agency.code, agency.identifier
            )),
            kind: agency.kind.word().to_owned(),
            parent_id: agency.parent.map(AgencyId::uuid),
            phone: agency.phone.clone(),
            email: agency.email.clone(),
            address: agency.address.clone(),
            identifier: (!agency.identifier.is_empty()).then(|| agency.identifier.clone()),
            sector: agency.sector.clone(),
            unit: agency.unit.clone(),
            contact_name: agency.contact.name.clone(),
            contact_phone: agency.contact.phone.clone(),
            contact_confirmed_at: agency.contact.confirmed_at,
            contact_confirmed_by: agency.contact.confirmed_by.clone(),
            successor_id: agency.successor.map(AgencyId::uuid),
            valid_from: agency.valid_from,
            valid_to: agency.valid_to,
            version: agency.version,
        }
    }
}

/// Begins every read: what lies outside the scope does not exist.
fn seen(scope: &Scope) -> Select<row::Entity> {
    stores::within(scope, row::Column::Id)
}

fn filtered(scope: &Scope, filter: &AgencyFilter, now: DateTime<Utc>) -> Select<row::Entity> {
    let mut query = seen(scope);
    if let Some(typed) = &filter.q {
        let former = Query::select()
            .column(former::Column::AgencyId)
            .from(former::Entity)
            .and_where(Expr::col(former::Column::NameFolded).like(db::holding(typed)))
            .to_owned();
        let found = Condition::any()
            .add(row::Column::NameFolded.like(db::holding(typed)))
            .add(row::Column::Id.in_subquery(former));
        query = query.filter(found);
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(row::Column::Kind.eq(kind.as_str()));
    }
    if filter.contact.as_deref() == Some("due") {
        let due = Condition::any()
            .add(row::Column::ContactPhone.eq(""))
            .add(row::Column::ContactConfirmedAt.is_null())
            .add(row::Column::ContactConfirmedAt.lt(quarter_begins(now)));
        query = query.filter(due);
    }
    match filter.state.as_deref() {
        Some("closed") => query.filter(row::Column::ValidTo.is_not_null()),
        _ => query.filter(row::Column::ValidTo.is_null()),
    }
}

/// Returns into which agency each one that was merged went: the platform's own reading.
///
/// # Errors
///
/// When the database does not answer.
pub async fn successors(
    conn: &impl ConnectionTrait,
) -> Result<BTreeMap<AgencyId, AgencyId>, DbError> {
    let merged = row::Entity::find()
        .filter(row::Column::SuccessorId.is_not_null())
        .order_by_asc(row::Column::Id)
        .limit(limits::ROWS_MAX)
        .all(conn)
        .await?;
    let pair = |row: row::Model| {
        Some((AgencyId::from_uuid(row.id), AgencyId::from_uuid(row.successor_id?)))
    };
    Ok(merged.into_iter().filter_map(pair).collect())
}

/// Returns a part of the list, by kind and name, and how long the whole list is.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (filter, now): (&AgencyFilter, DateTime<Utc>),
    part: (u64, u64),
) -> Result<(Vec<Agency>, u64), DbError> {
    let query = filtered(scope, filter, now)
        .order_by_asc(row::Column::Kind)
        .order_by_asc(row::Column::NameFolded)
        .order_by_asc(row::Column::Id);
    stores::part(conn, query, part).await
}

/// Returns every agency in scope, also closed ones, by name.
pub(crate) async fn all(
    conn: &impl ConnectionTrait,
    scope: &Scope,
) -> Result<Vec<Agency>, DbError> {
    let rows =
        seen(scope).order_by_asc(row::Column::NameFolded).limit(limits::ROWS_MAX).all(conn).await?;
    Ok(rows.into_iter().map(Agency::from).collect())
}

/// Returns an agency, if it is in scope.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: AgencyId,
) -> Result<Option<Agency>, DbError> {
    let row = seen(scope).filter(row::Column::Id.eq(id.uuid())).one(conn).await?;
    Ok(row.map(Agency::from))
}

/// Adds an agency.
pub(crate) async fn insert(conn: &impl ConnectionTrait, agency: &Agency) -> Result<(), DbError> {
    stores::insert(conn, row::Model::from(agency)).await
}

/// Writes an agency over its former version; says whether that version still stood.
pub(crate) async fn update(conn: &impl ConnectionTrait, agency: &Agency) -> Result<bool, DbError> {
    stores::overwrite(conn, row::Model::from(agency), (row::Column::Id, row::Column::Version)).await
}

/// Removes an agency that nothing refers to: an import that is undone. Others are closed.
pub(crate) async fn delete(conn: &impl ConnectionTrait, id: AgencyId) -> Result<(), DbError> {
    row::Entity::delete_by_id(id.uuid()).exec(conn).await?;
    Ok(())
}

/// Puts the agencies directly below one under another; returns how many.
pub(super) async fn move_below(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let columns = (row::Column::ParentId, Some(row::Column::Version));
    stores::move_all::<row::Entity>(conn, columns, from_to).await
}

/// Returns the names that an agency had, or all agencies, the latest first. Whoever holds an
/// [`Agency`] has read it within a scope.
pub(crate) async fn former_names(
    conn: &impl ConnectionTrait,
    agency: Option<&Agency>,
) -> Result<Vec<FormerName>, DbError> {
    let query = former::Entity::find().order_by_desc(former::Column::ToAt);
    let query = match agency {
        Some(agency) => query
            .filter(former::Column::AgencyId.eq(agency.id.uuid()))
            .limit(limits::FORMER_NAMES_MAX),
        None => query.limit(limits::ROWS_MAX),
    };
    Ok(query.all(conn).await?.into_iter().map(FormerName::from).collect())
}

/// Keeps a name that an agency had.
pub(super) async fn insert_former_name(
    conn: &impl ConnectionTrait,
    id: Uuid,
    name: &FormerName,
) -> Result<(), DbError> {
    let row = former::Model {
        id,
        agency_id: name.agency.uuid(),
        name: name.name.clone(),
        name_folded: fold::fold(&name.name),
        from_at: name.from,
        to_at: name.to,
        decision: name.decision.clone(),
    };
    stores::insert(conn, row).await
}
