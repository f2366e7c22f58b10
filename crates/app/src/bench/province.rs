//! The throw-away province that is measured: one agency with an HTTP and a syslog source, written
//! straight into the empty database of the bench.

use anyhow::Result;
use db::Db;
use event::SourceId;
use registry::source::Token;
use sea_orm::sea_query::{Query, SimpleExpr};
use sea_orm::{ConnectionTrait as _, Value};
use serde_json::json;
use uuid::Uuid;

/// What the senders need.
#[derive(Debug, Clone)]
pub(crate) struct Province {
    /// The HTTP source.
    pub(crate) http: SourceId,
    /// Its token.
    pub(crate) token: String,
    /// The syslog source: any sender, any listener.
    pub(crate) syslog: SourceId,
}

/// Writes the province.
pub(crate) async fn found(db: &Db) -> Result<Province> {
    let agency = db.new_uuid();
    let (http, syslog) = (db.new_uuid(), db.new_uuid());
    let token = Token::new(db.ids().secret());
    let books = db.begin_bookkeeping().await?;
    let now = books.now();
    let row = insert(
        "agency",
        [
            ("id", agency.into()),
            ("code", "bench".into()),
            ("name", "Bench".into()),
            ("name_folded", "bench".into()),
            ("kind", "other".into()),
            ("phone", "".into()),
            ("email", "".into()),
            ("address", "".into()),
            ("valid_from", now.into()),
            ("version", 1.into()),
        ],
    )?;
    books.conn().execute(&row).await?;
    for (id, kind, hash) in [(http, "http", Some(token.stored())), (syslog, "syslog", None)] {
        let row = insert(
            "log_source",
            [
                ("id", id.into()),
                ("agency_id", agency.into()),
                ("code", kind.into()),
                ("name", kind.into()),
                ("name_folded", kind.into()),
                ("kind", kind.into()),
                ("parser", "auto".into()),
                ("token_hash", Value::from(hash)),
                ("peers", json!([]).into()),
                ("utc_offset_minutes", 420.into()),
                ("silence_after_s", 86_400.into()),
                ("enabled", true.into()),
                ("created_at", now.into()),
                ("updated_at", now.into()),
                ("version", 1.into()),
            ],
        )?;
        books.conn().execute(&row).await?;
    }
    books.commit().await?;
    let source = |id: Uuid| SourceId::from_uuid(id);
    Ok(Province { http: source(http), token: token.reveal().to_owned(), syslog: source(syslog) })
}

fn insert<const N: usize>(
    table: &'static str,
    cells: [(&'static str, Value); N],
) -> Result<sea_orm::sea_query::InsertStatement> {
    let mut statement = Query::insert();
    let (columns, values): (Vec<_>, Vec<_>) =
        cells.into_iter().map(|(name, value)| (name, SimpleExpr::from(value))).unzip();
    statement.into_table(table).columns(columns).values(values)?;
    Ok(statement.clone())
}
