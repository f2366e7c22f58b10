//! The table `officer_notice`.

use db::Tx;
use event::{AccountId, AgencyId, IncidentId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::Notice;
use crate::actor::Handler;
use crate::alert::within;
use crate::error::RespondError;

mod row {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "officer_notice")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: Uuid,
        pub account_id: Uuid,
        pub client_key: String,
        pub agency_id: Uuid,
        pub answers: Json,
        pub author: String,
        pub made_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

/// Writes a notice down under the key its sender gave it. Returns whether it is new: the same key of
/// the same person is the same notice, also while another transaction writes it.
pub(super) async fn add(
    tx: &Tx,
    who: &Handler,
    key: &str,
    (incident, agency): (IncidentId, AgencyId),
    notice: &Notice,
) -> Result<bool, RespondError> {
    let row = row::ActiveModel {
        incident_id: Set(incident.uuid()),
        account_id: Set(who.account.uuid()),
        client_key: Set(key.to_owned()),
        agency_id: Set(agency.uuid()),
        answers: Set(serde_json::to_value(notice).map_err(RespondError::Json)?),
        author: Set(who.name.clone()),
        made_at: Set(tx.now()),
    };
    let stands =
        OnConflict::columns([Column::AccountId, Column::ClientKey]).do_nothing().to_owned();
    let rows = row::Entity::insert(row).on_conflict(stands).exec_without_returning(tx.conn());
    Ok(rows.await? > 0)
}

/// Returns the incident of a notice that this person sent under this key.
pub(super) async fn sent(
    conn: &impl ConnectionTrait,
    account: AccountId,
    key: &str,
) -> Result<Option<IncidentId>, RespondError> {
    let found = row::Entity::find()
        .filter(Column::AccountId.eq(account.uuid()))
        .filter(Column::ClientKey.eq(key))
        .one(conn)
        .await?;
    Ok(found.map(|row| IncidentId::from_uuid(row.incident_id)))
}

/// Returns whether an incident in the scope began as a notice.
pub(super) async fn exists(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    incident: IncidentId,
) -> Result<bool, RespondError> {
    let found = row::Entity::find_by_id(incident.uuid()).filter(within(scope, Column::AgencyId));
    Ok(found.one(conn).await?.is_some())
}

/// A notice as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The answers.
    pub(crate) notice: Notice,
    /// Who sent it.
    pub(crate) author: String,
    /// When it came.
    pub(crate) at: DateTimeUtc,
}

/// Returns the notice that an incident began as; the caller has read the incident.
pub(crate) async fn of_incident(
    conn: &impl ConnectionTrait,
    incident: IncidentId,
) -> Result<Option<Sent>, RespondError> {
    Ok(of_incidents(conn, &[incident]).await?.into_iter().next().map(|(_, sent)| sent))
}

/// Returns the notices that these incidents began as; the caller has read the incidents.
pub(crate) async fn of_incidents(
    conn: &impl ConnectionTrait,
    incidents: &[IncidentId],
) -> Result<Vec<(IncidentId, Sent)>, RespondError> {
    let ids = incidents.iter().map(|id| id.uuid());
    let rows = row::Entity::find().filter(Column::IncidentId.is_in(ids)).all(conn).await?;
    let read = |row: row::Model| {
        let notice = serde_json::from_value(row.answers).map_err(RespondError::Json)?;
        let sent = Sent { notice, author: row.author, at: row.made_at };
        Ok((IncidentId::from_uuid(row.incident_id), sent))
    };
    rows.into_iter().map(read).collect()
}
