//! The table `agency`.

use db::DbError;
use event::{AgencyId, Scope, fold};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::model::{Agency, AgencyFilter, AgencyKind};
use crate::limits;
use crate::text::containing;

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
        pub valid_from: DateTimeUtc,
        pub valid_to: Option<DateTimeUtc>,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
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
            name_folded: fold::fold(&format!("{} {}", agency.name, agency.code)),
            kind: agency.kind.word().to_owned(),
            parent_id: agency.parent.map(AgencyId::uuid),
            phone: agency.phone.clone(),
            email: agency.email.clone(),
            address: agency.address.clone(),
            valid_from: agency.valid_from,
            valid_to: agency.valid_to,
            version: agency.version,
        }
    }
}

/// Begins every read: what lies outside the scope does not exist.
fn seen(scope: &Scope) -> Select<row::Entity> {
    match scope.visible() {
        None => row::Entity::find(),
        Some(visible) => row::Entity::find()
            .filter(row::Column::Id.is_in(visible.iter().map(|agency| agency.uuid()))),
    }
}

fn filtered(scope: &Scope, filter: &AgencyFilter) -> Select<row::Entity> {
    let mut query = seen(scope);
    if let Some(typed) = &filter.q {
        query = query.filter(row::Column::NameFolded.like(containing(typed)));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(row::Column::Kind.eq(kind.as_str()));
    }
    match filter.state.as_deref() {
        Some("closed") => query.filter(row::Column::ValidTo.is_not_null()),
        _ => query.filter(row::Column::ValidTo.is_null()),
    }
}

/// Returns a part of the list, by kind and name, and how long the whole list is.
pub(crate) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: &AgencyFilter,
    (offset, limit): (u64, u64),
) -> Result<(Vec<Agency>, u64), DbError> {
    let total = filtered(scope, filter).count(conn).await?;
    let rows = filtered(scope, filter)
        .order_by_asc(row::Column::Kind)
        .order_by_asc(row::Column::NameFolded)
        .order_by_asc(row::Column::Id)
        .offset(offset)
        .limit(limit)
        .all(conn)
        .await?;
    Ok((rows.into_iter().map(Agency::from).collect(), total))
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
    let row = row::Model::from(agency).into_active_model().reset_all();
    row::Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Writes an agency over its former version; says whether that version still stood.
pub(crate) async fn update(conn: &impl ConnectionTrait, agency: &Agency) -> Result<bool, DbError> {
    let mut row = row::Model::from(agency).into_active_model().reset_all();
    row.version = Set(agency.version + 1);
    let done = row::Entity::update_many()
        .set(row)
        .filter(row::Column::Id.eq(agency.id.uuid()))
        .filter(row::Column::Version.eq(agency.version))
        .exec(conn)
        .await?;
    Ok(done.rows_affected == 1)
}
