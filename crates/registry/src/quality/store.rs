//! The table `quality_day`: how each agency's data stood at the end of each day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use db::DbError;
use event::{AgencyId, Scope};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use super::check::Counts;
use crate::{limits, stores};

#[expect(unreachable_pub, reason = "SeaORM wants its items public")]
mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "quality_day")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub agency_id: Uuid,
        pub counts: Json,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Writes how agencies' data stood on a day, over what was written before of that day.
pub(super) async fn put(
    conn: &impl ConnectionTrait,
    day: NaiveDate,
    counts: &BTreeMap<AgencyId, Counts>,
) -> Result<(), DbError> {
    let rows: Vec<row::ActiveModel> = counts
        .iter()
        .map(|(agency, counts)| {
            let counts = serde_json::json!(counts);
            let row = row::Model { day: day.to_string(), agency_id: agency.uuid(), counts };
            row.into_active_model().reset_all()
        })
        .collect();
    let over = OnConflict::columns([row::Column::Day, row::Column::AgencyId])
        .update_column(row::Column::Counts)
        .to_owned();
    for part in rows.chunks(limits::IDS_PER_QUERY) {
        row::Entity::insert_many(part.to_vec())
            .on_conflict(over.clone())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(())
}

/// Forgets the days before one.
pub(super) async fn forget_before(
    conn: &impl ConnectionTrait,
    day: NaiveDate,
) -> Result<(), DbError> {
    let old = row::Column::Day.lt(day.to_string());
    row::Entity::delete_many().filter(old).exec(conn).await?;
    Ok(())
}

/// Returns how the data in scope stood on each day since one that was measured; of one agency, if one
/// is given.
pub(super) async fn since(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    (day, agency): (NaiveDate, Option<AgencyId>),
) -> Result<BTreeMap<String, Counts>, DbError> {
    let mut query = stores::within::<row::Entity>(scope, row::Column::AgencyId)
        .filter(row::Column::Day.gte(day.to_string()))
        .order_by_asc(row::Column::Day)
        .limit(limits::QUALITY_ROWS_MAX);
    if let Some(agency) = agency {
        query = query.filter(row::Column::AgencyId.eq(agency.uuid()));
    }
    let mut days: BTreeMap<String, Counts> = BTreeMap::new();
    for row in query.all(conn).await? {
        let counts: Counts = serde_json::from_value(row.counts).unwrap_or_default();
        days.entry(row.day).or_default().join(&counts);
    }
    Ok(days)
}
