//! The tables `report`, `report_version`, `report_number`, `report_signed`.

use chrono::{DateTime, Utc};
use db::Tx;
use event::{AccountId, AgencyId, IncidentId, Scope};
use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait as _, OnConflict};
use sea_orm::{QueryOrder as _, QuerySelect as _};
use web::paging::Page;

use super::model::{Body, DOCUMENT_TYPE, Report, ReportKind, State, Version};
use crate::alert::within;
use crate::error::RespondError;
use crate::limits::TIMELINE_LINES;

mod row {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub kind: String,
        pub state: String,
        pub agency_id: Uuid,
        pub incident_id: Option<Uuid>,
        pub from_at: Option<DateTimeUtc>,
        pub to_at: Option<DateTimeUtc>,
        pub summary: String,
        pub version: i32,
        pub made_by: Uuid,
        pub author: String,
        pub made_at: DateTimeUtc,
        pub changed_at: DateTimeUtc,
        pub submitted_by: Option<Uuid>,
        pub submitter: Option<String>,
        pub submitted_at: Option<DateTimeUtc>,
        pub approver: Option<String>,
        pub approved_at: Option<DateTimeUtc>,
        pub returned: Option<String>,
        pub number: Option<i64>,
        pub year: Option<i32>,
        pub r#type: Option<String>,
        pub quoted: Option<String>,
        pub frozen: Option<String>,
        pub sha256: Option<String>,
        pub sent_at: Option<DateTimeUtc>,
        pub reference: Option<String>,
        pub signed_on: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod version {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report_version")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub report_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i32,
        pub body: Json,
        pub account_id: Uuid,
        pub author: String,
        pub made_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod number {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report_number")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub agency_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub year: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub r#type: String,
        pub last: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod signed {
    #![expect(unreachable_pub, reason = "SeaORM makes public items of its own")]
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "report_signed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub report_id: Uuid,
        pub name: String,
        pub sha256: String,
        pub bytes: Vec<u8>,
        pub author: String,
        pub made_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

fn model(row: row::Model) -> Result<Report, RespondError> {
    let bad = |column| RespondError::BadRow { table: "report", column };
    Ok(Report {
        id: row.id,
        kind: ReportKind::from_word(&row.kind).ok_or(bad("kind"))?,
        state: State::from_word(&row.state).ok_or(bad("state"))?,
        agency: AgencyId::from_uuid(row.agency_id),
        incident: row.incident_id.map(IncidentId::from_uuid),
        period: row.from_at.zip(row.to_at),
        summary: row.summary,
        version: row.version,
        made_by: AccountId::from_uuid(row.made_by),
        author: row.author,
        made_at: row.made_at,
        submitted_by: row.submitted_by.map(AccountId::from_uuid),
        submitter: row.submitter,
        submitted_at: row.submitted_at,
        approver: row.approver,
        approved_at: row.approved_at,
        returned: row.returned,
        number: row.number,
        year: row.year,
        quoted: row.quoted,
        frozen: row.frozen,
        sha256: row.sha256,
        sent_at: row.sent_at,
        reference: row.reference,
        signed_on: row.signed_on,
    })
}

/// Which reports a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReportFilter {
    pub(super) state: Option<State>,
    pub(super) kind: Option<ReportKind>,
    pub(super) agency: Option<AgencyId>,
    pub(super) incident: Option<IncidentId>,
}

/// Returns a page of reports, the newest change first, and how many there are.
pub(super) async fn list(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    filter: ReportFilter,
    page: Page,
) -> Result<(Vec<Report>, u64), RespondError> {
    let mut all = within(scope, Column::AgencyId);
    let conditions = [
        filter.state.map(|state| Column::State.eq(state.word())),
        filter.kind.map(|kind| Column::Kind.eq(kind.word())),
        filter.agency.map(|id| Column::AgencyId.eq(id.uuid())),
        filter.incident.map(|id| Column::IncidentId.eq(id.uuid())),
    ];
    for condition in conditions.into_iter().flatten() {
        all = all.add(condition);
    }
    let matching = || row::Entity::find().filter(all.clone());
    let total = matching().count(conn).await?;
    let rows = matching().order_by_desc(Column::ChangedAt).order_by_asc(Column::Id);
    let rows = rows.offset(page.offset()).limit(page.limit()).all(conn).await?;
    Ok((rows.into_iter().map(model).collect::<Result<_, _>>()?, total))
}

/// Returns one report.
pub(super) async fn get(
    conn: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
) -> Result<Report, RespondError> {
    let found = row::Entity::find_by_id(id).filter(within(scope, Column::AgencyId));
    model(found.one(conn).await?.ok_or(RespondError::NotFound)?)
}

/// Returns one report and holds it for the change under way.
pub(super) async fn get_for_change(
    tx: &Tx,
    scope: &Scope,
    id: Uuid,
) -> Result<Report, RespondError> {
    let found = row::Entity::find_by_id(id).filter(within(scope, Column::AgencyId));
    model(found.lock_exclusive().one(tx.conn()).await?.ok_or(RespondError::NotFound)?)
}

/// Writes a report: a new one (version 1), or what has changed of one that stands.
pub(super) async fn save(tx: &Tx, report: &Report, is_new: bool) -> Result<(), RespondError> {
    let row = row::ActiveModel {
        id: Set(report.id),
        kind: Set(report.kind.word().to_owned()),
        state: Set(report.state.word().to_owned()),
        agency_id: Set(report.agency.uuid()),
        incident_id: Set(report.incident.map(IncidentId::uuid)),
        from_at: Set(report.period.map(|(from, _)| from)),
        to_at: Set(report.period.map(|(_, to)| to)),
        summary: Set(report.summary.clone()),
        version: Set(report.version),
        made_by: Set(report.made_by.uuid()),
        author: Set(report.author.clone()),
        made_at: Set(report.made_at),
        changed_at: Set(tx.now()),
        submitted_by: Set(report.submitted_by.map(AccountId::uuid)),
        submitter: Set(report.submitter.clone()),
        submitted_at: Set(report.submitted_at),
        approver: Set(report.approver.clone()),
        approved_at: Set(report.approved_at),
        returned: Set(report.returned.clone()),
        number: Set(report.number),
        year: Set(report.year),
        r#type: Set(report.number.map(|_| DOCUMENT_TYPE.to_owned())),
        quoted: Set(report.quoted.clone()),
        frozen: Set(report.frozen.clone()),
        sha256: Set(report.sha256.clone()),
        sent_at: Set(report.sent_at),
        reference: Set(report.reference.clone()),
        signed_on: Set(report.signed_on.clone()),
    };
    if is_new {
        row::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    } else {
        row::Entity::update(row).exec(tx.conn()).await?;
    }
    Ok(())
}

/// Writes a version of a report.
pub(super) async fn add_version(
    tx: &Tx,
    id: Uuid,
    version: i32,
    (account, author): (AccountId, &str),
    body: &Body,
) -> Result<(), RespondError> {
    let row = version::ActiveModel {
        report_id: Set(id),
        version: Set(version),
        body: Set(serde_json::to_value(body).map_err(RespondError::Json)?),
        account_id: Set(account.uuid()),
        author: Set(author.to_owned()),
        made_at: Set(tx.now()),
    };
    version::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Returns the versions of a report that the caller has read, the newest first.
pub(super) async fn versions(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Vec<Version>, RespondError> {
    let rows = version::Entity::find()
        .filter(version::Column::ReportId.eq(id))
        .order_by_desc(version::Column::Version)
        .limit(TIMELINE_LINES)
        .all(conn)
        .await?;
    let read = |row: version::Model| {
        Ok(Version {
            number: row.version,
            account: AccountId::from_uuid(row.account_id),
            author: row.author,
            made_at: row.made_at,
            body: serde_json::from_value(row.body).map_err(RespondError::Json)?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Returns the next number of an agency's reports of a year. It is taken only if the transaction is
/// committed, and no other transaction takes one before that: no gap, no double.
pub(super) async fn next_number(tx: &Tx, agency: AgencyId, year: i32) -> Result<i64, RespondError> {
    use number::{ActiveModel, Column, Entity};
    let r#type = DOCUMENT_TYPE.to_owned();
    let first = ActiveModel {
        agency_id: Set(agency.uuid()),
        year: Set(year),
        r#type: Set(r#type.clone()),
        last: Set(1),
    };
    let add = Expr::col((Entity, Column::Last)).add(1);
    let standing = OnConflict::columns([Column::AgencyId, Column::Year, Column::Type])
        .value(Column::Last, add)
        .to_owned();
    Entity::insert(first).on_conflict(standing).exec_without_returning(tx.conn()).await?;
    let row = Entity::find_by_id((agency.uuid(), year, r#type)).one(tx.conn()).await?;
    let bad = RespondError::BadRow { table: "report_number", column: "last" };
    Ok(row.ok_or(bad)?.last)
}

/// A signed copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) name: String,
    pub(super) sha256: String,
    pub(super) author: String,
    pub(super) made_at: DateTime<Utc>,
}

/// Files the signed copy of a report; there is one, and it is not replaced. Returns whether it was
/// filed.
pub(super) async fn file_signed(tx: &Tx, id: Uuid, copy: Signed) -> Result<bool, RespondError> {
    let row = signed::ActiveModel {
        report_id: Set(id),
        name: Set(copy.name),
        sha256: Set(copy.sha256),
        // The bytes are in the store of people's files; older versions had them here.
        bytes: Set(Vec::new()),
        author: Set(copy.author),
        made_at: Set(copy.made_at),
    };
    let stands = OnConflict::column(signed::Column::ReportId).do_nothing().to_owned();
    let done =
        signed::Entity::insert(row).on_conflict(stands).exec_without_returning(tx.conn()).await?;
    Ok(done > 0)
}

/// Returns the signed copy of a report that the caller has read.
pub(super) async fn signed(
    conn: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<Signed>, RespondError> {
    let row = signed::Entity::find_by_id(id).one(conn).await?;
    Ok(row.map(|row| Signed {
        name: row.name,
        sha256: row.sha256,
        author: row.author,
        made_at: row.made_at,
    }))
}

/// A signed copy whose bytes are still in its row.
#[derive(Debug)]
pub(crate) struct InRow {
    pub(crate) report: Uuid,
    pub(crate) agency: AgencyId,
    pub(crate) author: String,
    pub(crate) made_at: DateTime<Utc>,
    pub(crate) bytes: Vec<u8>,
}

/// Returns a signed copy that an older version keeps in its row; nothing when there is none.
pub(crate) async fn next_in_rows(
    conn: &impl ConnectionTrait,
) -> Result<Option<InRow>, RespondError> {
    let held = Expr::cust("length(bytes) > 0");
    let Some(copy) = signed::Entity::find().filter(held).one(conn).await? else {
        return Ok(None);
    };
    let report = row::Entity::find_by_id(copy.report_id).one(conn).await?;
    let report = report.ok_or(RespondError::NotFound)?;
    Ok(Some(InRow {
        report: copy.report_id,
        agency: AgencyId::from_uuid(report.agency_id),
        author: copy.author,
        made_at: copy.made_at,
        bytes: copy.bytes,
    }))
}

/// Takes the bytes out of a row: they are in the store under this digest.
pub(crate) async fn empty_row(
    conn: &impl ConnectionTrait,
    report: Uuid,
    sha256: &str,
) -> Result<(), RespondError> {
    signed::Entity::update_many()
        .set(signed::ActiveModel {
            bytes: Set(Vec::new()),
            sha256: Set(sha256.to_owned()),
            ..Default::default()
        })
        .filter(signed::Column::ReportId.eq(report))
        .exec(conn)
        .await?;
    Ok(())
}
