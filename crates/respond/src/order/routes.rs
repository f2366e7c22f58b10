//! The pages of orders and the presses on them.

use axum::extract::State as Held;
use axum::response::{IntoResponse as _, Response};
use event::AgencyId;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::document::{DOCX_MEDIA, PDF_MEDIA};
use web::paging::Page;
use web::{
    AppError, Body, By, Done, Path, Permission, Phrase, Query, Reach, Routes, Upload, View, Who,
    done,
};

use super::form::{self, NewOrder};
use super::model::{Order, State};
use super::record;
use super::store::{self, Filter};
use super::views::{Board, LineView, OrderForm, OrderList, OrderPage, OrderRow, PartRow};
use super::{actions, answer, concern, print, sheet, story};
use crate::actor::Handler;
use crate::address::Address;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file;
use crate::incident;

/// Returns the routes of orders.
pub(crate) fn routes() -> Routes<Desk> {
    use Permission::{OrderAnswer, OrderIssue, OrderRead};
    Routes::new()
        .get("/orders", OrderRead, list)
        .doc("Lists orders to the agencies in sight, the newest first")
        .gives::<OrderList>()
        .get("/orders/new", OrderIssue, new)
        .doc("Shows the form of a new order, begun from a template or an earlier order")
        .gives::<OrderForm>()
        .post("/orders", OrderIssue, issue)
        .doc("Issues an order to agencies")
        .takes::<NewOrder>()
        .get("/orders/record", OrderRead, record::page)
        .doc("Tells how each agency answered the orders of a period")
        .gives::<super::views::RecordPage>()
        .get("/orders/record.xlsx", OrderRead, record::xlsx)
        .doc("The same as a spreadsheet")
        .get("/orders/{id}", OrderRead, detail)
        .doc("Shows one order with its board")
        .gives::<OrderPage>()
        .get("/orders/{id}/board.xlsx", OrderRead, board)
        .doc("The board as a spreadsheet")
        .get("/orders/{id}/document", OrderRead, document)
        .doc("The order as an official document, DOCX or PDF")
        .get("/orders/{id}/record", OrderRead, record_of)
        .doc("What came of the order as an official document, DOCX or PDF")
        .post("/orders/{id}/remind", OrderIssue, remind)
        .doc("Reminds every agency that is not done")
        .post("/orders/{id}/close", OrderIssue, close)
        .doc("Closes the order with a summary")
        .takes::<CloseForm>()
        .post("/orders/{id}/parts/{agency}/acknowledge", OrderAnswer, acknowledge)
        .doc("Says that the agency has the order")
        .post("/orders/{id}/parts/{agency}/proof", OrderAnswer, prove)
        .doc("Adds a file that proves what was done: a form's file, or the body")
        .post("/orders/{id}/parts/{agency}/done", OrderAnswer, finish)
        .doc("Says that it is done, and what was done")
        .takes::<DoneForm>()
        .get("/orders/{id}/parts/{agency}/proof/{proof}", OrderRead, proof)
        .doc("A file that proves what was done")
        .post("/orders/{id}/parts/{agency}/accept", OrderIssue, accept)
        .doc("Says that what was done is enough")
        .post("/orders/{id}/parts/{agency}/return", OrderIssue, give_back)
        .doc("Gives it back, with the reason")
        .takes::<ReturnForm>()
}

/// What the list is filtered by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    state: String,
    agency: String,
    incident: String,
    page: Option<u64>,
    rows: Option<u64>,
}

const STATES: [(&str, &str); 3] =
    [("", "order-filter-all"), ("open", "order-filter-open"), ("closed", "order-filter-closed")];

async fn list(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<ListQuery>,
) -> Result<View<OrderList>, AppError> {
    Ok(View::new(listed(&desk, &who, query).await?))
}

pub(super) async fn listed(
    desk: &Desk,
    who: &Who,
    query: ListQuery,
) -> Result<OrderList, RespondError> {
    let filter = Filter {
        open: match query.state.as_str() {
            "open" => Some(true),
            "closed" => Some(false),
            _ => None,
        },
        agency: query.agency.parse().ok(),
        incident: query.incident.parse().ok(),
    };
    let page = Page { page: query.page, rows: query.rows };
    let conn = desk.db.conn();
    let (orders, total) = store::list(conn, &who.scope, filter, page).await?;
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
    let counts = store::counts(conn, &who.scope, &ids).await?;
    let now = desk.db.now();
    let row = |order: &Order| OrderRow::of(order, Board::of(counts.get(&order.id)), now);
    let rest = Address::of("/orders")
        .with("state", &query.state)
        .with("agency", &query.agency)
        .with("incident", &query.incident)
        .query();
    Ok(OrderList {
        states: Choice::words(who.lang, &STATES, &query.state),
        agencies: Choice::named(desk.directory.agencies(&who.scope), Some(&query.agency)),
        active: !rest.is_empty(),
        pager: page.pager("/orders", &rest, total),
        orders: orders.iter().map(row).collect(),
    })
}

async fn new(
    Held(desk): Held<Desk>,
    who: Who,
    Query(query): Query<form::From>,
) -> Result<View<OrderForm>, AppError> {
    Ok(View::new(form::begun(&desk, &who, &query).await?))
}

async fn issue(
    Held(desk): Held<Desk>,
    who: Who,
    Body(typed): Body<NewOrder>,
) -> Result<Response, AppError> {
    let issued = match form::draft(&desk, &who, &typed) {
        Ok(draft) => actions::issue(&desk, &Handler::from(&who), draft).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    match issued {
        Ok(order) => Ok(done(format!("/orders/{}", order.id))
            .made()
            .notice(Phrase::key("order-done-issued").arg("number", order.number.as_str()))
            .into_response()),
        Err(AppError::Invalid(errors)) if who.by != By::Token => {
            let page = form::again(&desk, &who, typed, errors.told(who.lang));
            Ok(View::new(page).status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(error) => Err(error),
    }
}

/// How the board is filtered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct BoardQuery {
    state: String,
}

const PART_STATES: [(&str, &str); 6] = [
    ("", "order-filter-all"),
    ("late", "order-filter-late"),
    ("sent", "order-state-sent"),
    ("acknowledged", "order-state-acknowledged"),
    ("done", "order-state-done"),
    ("accepted", "order-state-accepted"),
];

async fn detail(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(query): Query<BoardQuery>,
) -> Result<View<OrderPage>, AppError> {
    seen(&desk, &who, id).await?;
    Ok(View::new(page(&desk, &who, id, &query.state).await?))
}

/// Notes that an agency's own people have opened the order.
async fn seen(desk: &Desk, who: &Who, id: Uuid) -> Result<(), RespondError> {
    let Some(agency) = who.agency.filter(|_| who.role.reach() == Reach::Subtree) else {
        return Ok(());
    };
    let tx = desk.db.begin_bookkeeping().await?;
    let is_first = store::open(tx.conn(), (id, agency), desk.db.now()).await?;
    tx.commit().await?;
    if is_first {
        desk.hub.orders_changed(Some(agency));
    }
    Ok(())
}

/// Gathers what an order's page shows.
pub(super) async fn page(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    state: &str,
) -> Result<OrderPage, RespondError> {
    let conn = desk.db.conn();
    let order = store::get(conn, &who.scope, id).await?;
    let (rows, board) = rows(desk, who, &order).await?;
    let lines = story::lines(conn, &who.scope, id).await?;
    let incident = match order.incident.filter(|_| who.may(Permission::IncidentRead)) {
        Some(incident) => match incident::get(conn, &who.scope, incident).await {
            Ok(found) => Some((found.id.to_string(), found.number)),
            Err(RespondError::NotFound) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let shown = |row: &PartRow| match state {
        "" => true,
        "late" => row.tone() == "bad",
        state => row.state == state,
    };
    let directory = desk.directory.as_ref();
    let now = desk.db.now();
    Ok(OrderPage {
        body: order.body.clone(),
        issuer: order.issuer.clone(),
        needs_proof: order.needs_proof,
        head_after_days: order.head_after_days,
        incident,
        closed_by: order.closed.as_ref().map(|end| end.by.clone()),
        summary: order.closed.as_ref().map(|end| end.summary.clone()),
        states: Choice::words(who.lang, &PART_STATES, state),
        parts: rows.into_iter().filter(shown).collect(),
        lines: lines.into_iter().map(|line| LineView::of(line, directory)).collect(),
        order: OrderRow::of(&order, board, now),
    })
}

/// Returns the board of an order: the late agencies first, then by state and name.
pub(super) async fn rows(
    desk: &Desk,
    who: &Who,
    order: &Order,
) -> Result<(Vec<PartRow>, Board), RespondError> {
    let conn = desk.db.conn();
    let parts = store::parts(conn, &who.scope, order.id).await?;
    let proofs = story::proofs(conn, &who.scope, order.id).await?;
    let concerns = concern::of(conn, &who.scope, order.id).await?;
    let counts = store::counts(conn, &who.scope, &[order.id]).await?;
    let (now, directory) = (desk.db.now(), desk.directory.as_ref());
    let beside = (&*proofs, &*concerns, directory);
    let mut rows: Vec<PartRow> =
        parts.iter().map(|part| PartRow::of(part, order, beside, now)).collect();
    let place = |row: &PartRow| State::ALL.iter().position(|state| state.word() == row.state);
    rows.sort_by(|a, b| {
        (a.tone() != "bad", place(a), &a.agency).cmp(&(b.tone() != "bad", place(b), &b.agency))
    });
    Ok((rows, Board::of(counts.get(&order.id))))
}

async fn board(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
) -> Result<Response, AppError> {
    let order = store::get(desk.db.conn(), &who.scope, id).await?;
    let (rows, _) = rows(&desk, &who, &order).await?;
    Ok(file::table(&order.number, &sheet::board(&rows, who.lang), file::Format::Xlsx)?)
}

async fn document(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(head): Query<print::Head>,
) -> Result<Response, AppError> {
    Ok(printed(&desk, &who, id, (&head, Printed::Order)).await?)
}

async fn record_of(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Query(head): Query<print::Head>,
) -> Result<Response, AppError> {
    Ok(printed(&desk, &who, id, (&head, Printed::Record)).await?)
}

/// What of an order is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// The order itself.
    Order,
    /// What came of it.
    Record,
}

/// Prints an order, or what came of it, as far as the reader sees.
pub(super) async fn printed(
    desk: &Desk,
    who: &Who,
    id: Uuid,
    (head, what): (&print::Head, Printed),
) -> Result<Response, RespondError> {
    let order = store::get(desk.db.conn(), &who.scope, id).await?;
    let (rows, board) = rows(desk, who, &order).await?;
    let document = match what {
        Printed::Order => print::order(head, &order, &rows),
        Printed::Record => print::record(head, &order, (&rows, &board), desk.db.now()),
    };
    let is_pdf = head.format == "pdf";
    let print = move || if is_pdf { document.pdf() } else { document.docx() };
    let bytes = tokio::task::spawn_blocking(print)
        .await
        .map_err(|error| RespondError::File(Box::new(error)))?
        .map_err(|error| RespondError::File(Box::new(error)))?;
    let (ending, media) = if is_pdf { ("pdf", PDF_MEDIA) } else { ("docx", DOCX_MEDIA) };
    let name = match what {
        Printed::Order => order.number.to_lowercase(),
        Printed::Record => format!("{}-ket-qua", order.number.to_lowercase()),
    };
    file::answer(&name, ending, media, bytes)
}

async fn remind(Held(desk): Held<Desk>, who: Who, Path(id): Path<Uuid>) -> Result<Done, AppError> {
    let count = actions::remind_all(&desk, &Handler::from(&who), id).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(told(id, Phrase::key("order-done-reminded").arg("count", count)))
}

fn told(id: Uuid, phrase: Phrase) -> Done {
    done(format!("/orders/{id}")).notice(phrase)
}

/// The end of an order.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseForm {
    /// What came of it.
    #[serde(default)]
    summary: String,
}

async fn close(
    Held(desk): Held<Desk>,
    who: Who,
    Path(id): Path<Uuid>,
    Body(form): Body<CloseForm>,
) -> Result<Done, AppError> {
    actions::close(&desk, &Handler::from(&who), id, &form.summary).await?;
    Ok(told(id, Phrase::key("order-done-closed")))
}

async fn acknowledge(
    Held(desk): Held<Desk>,
    who: Who,
    Path(part): Path<(Uuid, AgencyId)>,
) -> Result<Done, AppError> {
    answer::acknowledge(&desk, &Handler::from(&who), part).await?;
    Ok(told(part.0, Phrase::key("order-done-acknowledged")))
}

async fn prove(
    Held(desk): Held<Desk>,
    who: Who,
    Path(part): Path<(Uuid, AgencyId)>,
    upload: Upload,
) -> Result<Done, AppError> {
    answer::prove(&desk, &Handler::from(&who), part, upload).await?;
    Ok(told(part.0, Phrase::key("order-done-proof")))
}

/// That it is done.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DoneForm {
    /// What was done.
    #[serde(default)]
    result: String,
}

async fn finish(
    Held(desk): Held<Desk>,
    who: Who,
    Path(part): Path<(Uuid, AgencyId)>,
    Body(form): Body<DoneForm>,
) -> Result<Done, AppError> {
    answer::done(&desk, &Handler::from(&who), part, &form.result).await?;
    Ok(told(part.0, Phrase::key("order-done-done")))
}

async fn proof(
    Held(desk): Held<Desk>,
    who: Who,
    Path((id, agency, proof)): Path<(Uuid, AgencyId, Uuid)>,
) -> Result<Response, AppError> {
    let (proof, bytes) = answer::take(&desk, &Handler::from(&who), (id, agency), proof).await?;
    // The name on the disk of whoever takes it is ours: a foreign name is no header's business.
    let ending = proof.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let plain = ending.len() <= 5 && ending.chars().all(|c| c.is_ascii_alphanumeric());
    let ending = if plain && !ending.is_empty() { ending } else { "bin" };
    let name = format!("minh-chung-{}", proof.id);
    Ok(file::answer(&name, ending, "application/octet-stream", bytes)?)
}

async fn accept(
    Held(desk): Held<Desk>,
    who: Who,
    Path(part): Path<(Uuid, AgencyId)>,
) -> Result<Done, AppError> {
    actions::accept(&desk, &Handler::from(&who), part).await?;
    Ok(told(part.0, Phrase::key("order-done-accepted")))
}

/// Why it is given back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnForm {
    /// Why.
    #[serde(default)]
    reason: String,
}

async fn give_back(
    Held(desk): Held<Desk>,
    who: Who,
    Path(part): Path<(Uuid, AgencyId)>,
    Body(form): Body<ReturnForm>,
) -> Result<Done, AppError> {
    actions::give_back(&desk, &Handler::from(&who), part, &form.reason).await?;
    Ok(told(part.0, Phrase::key("order-done-returned")))
}
