//! The table `asset`.

use chrono::{Days, NaiveDate};
use db::{DbError, TextIndex};
use event::fold::fold;
use event::{AgencyId, Scope, SystemId};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::IntoCondition as _;
use sea_orm::{Condition, QueryOrder as _, QuerySelect as _};

use super::model::{Asset, AssetFilter, AssetKind};
use crate::{limits, stores};

mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "asset")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub agency_id: Uuid,
        pub system_id: Option<Uuid>,
        pub kind: String,
        pub name: String,
        pub name_folded: String,
        pub product: String,
        pub release: String,
        pub address: String,
        pub place: String,
        pub purpose: String,
        pub support_ends: Option<String>,
        pub note: String,
        pub search: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
        pub version: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

impl From<row::Model> for Asset {
    fn from(row: row::Model) -> Self {
        Self {
            id: row.id,
            agency: AgencyId::from_uuid(row.agency_id),
            system: row.system_id.map(SystemId::from_uuid),
            kind: AssetKind::from_word(&row.kind).unwrap_or(AssetKind::Other),
            name: row.name,
            product: row.product,
            release: row.release,
            address: row.address,
            place: row.place,
            purpose: row.purpose,
            support_ends: row.support_ends.as_deref().and_then(|day| day.parse().ok()),
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

fn row_of(asset: &Asset) -> row::Model {
    let words = [&asset.name, &asset.product, &asset.release, &asset.address, &asset.place];
    let search = words.map(|word| fold(word)).join(" ");
    row::Model {
        id: asset.id,
        agency_id: asset.agency.uuid(),
        system_id: asset.system.map(SystemId::uuid),
        kind: asset.kind.word().to_owned(),
        name: asset.name.clone(),
        name_folded: fold(&asset.name),
        product: asset.product.clone(),
        release: asset.release.clone(),
        address: asset.address.clone(),
        place: asset.place.clone(),
        purpose: asset.purpose.clone(),
        support_ends: asset.support_ends.map(|day| day.to_string()),
        note: asset.note.clone(),
        search,
        created_at: asset.created_at,
        updated_at: asset.updated_at,
        version: asset.version,
    }
}

/// What people know an asset by: name, product, release, address and place, folded.
const WORDS: TextIndex<Column> = TextIndex { text: Column::Search, id: Column::Id };

/// Returns what assets of a list meet, but for the words in them.
fn condition(scope: &Scope, filter: &AssetFilter, today: NaiveDate) -> Condition {
    let kind = filter.kind.as_deref().and_then(AssetKind::from_word);
    let soon = today.checked_add_days(Days::new(limits::SUPPORT_SOON_DAYS)).unwrap_or(today);
    let support = match filter.support.as_deref() {
        Some("ended") => Some(Column::SupportEnds.lt(today.to_string()).into_condition()),
        Some("soon") => Some(
            Condition::all()
                .add(Column::SupportEnds.gte(today.to_string()))
                .add(Column::SupportEnds.lte(soon.to_string())),
        ),
        Some("unknown") => Some(Column::SupportEnds.is_null().into_condition()),
        _ => None,
    };
    Condition::all()
        .add_option(stores::seen(scope, Column::AgencyId))
        .add_option(kind.map(|kind| Column::Kind.eq(kind.word())))
        .add_option(filter.system.map(|system| Column::SystemId.eq(system.uuid())))
        .add_option(filter.agency.map(|agency| Column::AgencyId.eq(agency.uuid())))
        .add_option(support)
}

/// Returns a part of the assets in scope by name, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (filter, today): (&AssetFilter, NaiveDate),
    part: (u64, u64),
) -> Result<(Vec<Asset>, u64), DbError> {
    let typed = filter.q.as_deref().unwrap_or_default();
    let query = WORDS.select::<row::Entity>(conn, typed, condition(scope, filter, today)).await?;
    let query = query.order_by_asc(Column::NameFolded).order_by_asc(Column::Id);
    stores::part(conn, query, part).await
}

/// Returns every asset in scope, for matching what is imported and what is seen.
pub(crate) async fn all(conn: &impl ConnectionTrait, scope: &Scope) -> Result<Vec<Asset>, DbError> {
    let query = stores::within::<row::Entity>(scope, Column::AgencyId);
    let rows = query.limit(limits::ASSETS_MAX).all(conn).await?;
    Ok(rows.into_iter().map(Asset::from).collect())
}

/// Returns how many assets of an agency have an address; 0 for none.
pub(crate) async fn at_address(
    conn: &impl ConnectionTrait,
    agency: AgencyId,
    address: &str,
) -> Result<usize, DbError> {
    if address.is_empty() {
        return Ok(0);
    }
    let query = row::Entity::find()
        .filter(Column::AgencyId.eq(agency.uuid()))
        .filter(Column::Address.eq(address));
    Ok(usize::try_from(query.count(conn).await?).unwrap_or(usize::MAX))
}

/// Returns the assets of a system that the caller has read, by kind and name.
pub(crate) async fn of_system(
    conn: &impl ConnectionTrait,
    system: SystemId,
) -> Result<Vec<Asset>, DbError> {
    let rows = row::Entity::find()
        .filter(Column::SystemId.eq(system.uuid()))
        .order_by_asc(Column::Kind)
        .order_by_asc(Column::NameFolded)
        .limit(limits::ASSETS_OF_SYSTEM_MAX)
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(Asset::from).collect())
}

/// Returns one asset.
pub(crate) async fn by_id(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Option<Asset>, DbError> {
    let query = stores::within::<row::Entity>(scope, Column::AgencyId);
    Ok(query.filter(Column::Id.eq(id)).one(conn).await?.map(Asset::from))
}

/// Adds an asset.
pub(crate) async fn insert(conn: &impl ConnectionTrait, asset: &Asset) -> Result<(), DbError> {
    stores::insert(conn, row_of(asset)).await
}

/// Writes an asset over its former version; says whether that version still stood.
pub(crate) async fn update(conn: &impl ConnectionTrait, asset: &Asset) -> Result<bool, DbError> {
    stores::overwrite(conn, row_of(asset), (Column::Id, Column::Version)).await
}

/// Removes an asset that the caller has read.
pub(crate) async fn delete(conn: &impl ConnectionTrait, id: Uuid) -> Result<(), DbError> {
    row::Entity::delete_by_id(id).exec(conn).await?;
    Ok(())
}

/// Gives the assets of an agency to another.
pub(crate) async fn move_all(
    conn: &impl ConnectionTrait,
    from_to: (AgencyId, AgencyId),
) -> Result<u64, DbError> {
    let columns = (Column::AgencyId, Some(Column::Version));
    stores::move_all::<row::Entity>(conn, columns, from_to).await
}

/// Gives the assets of a system to the agency that the system went to.
pub(crate) async fn follow(
    conn: &impl ConnectionTrait,
    system: SystemId,
    agency: AgencyId,
) -> Result<(), DbError> {
    row::Entity::update_many()
        .col_expr(Column::AgencyId, Expr::value(agency.uuid()))
        .filter(Column::SystemId.eq(system.uuid()))
        .exec(conn)
        .await?;
    Ok(())
}
