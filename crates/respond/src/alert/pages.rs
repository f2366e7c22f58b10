//! Gathering what the pages of alerts show.

use db::audit::{self, AuditFilter, AuditRow};
use event::lake::IDS_MAX;
use event::{AlertId, EventId};
use web::Who;

use super::model::Alert;
use super::routes::ListQuery;
use super::store::{self, AlertOrder, StateFilter};
use super::views::{
    AlertFilterView, AlertList, AlertPage, AlertRow, Choice, ClosureView, HistoryLine,
    IncidentLink, MatchRow, SeverityCount,
};
use super::{count, story};
use crate::address::Address;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::EventLine;
use crate::limits::{EVENTS_SHOWN, OPEN_COUNTED_MAX, SHORT_LIST};
use crate::queue_view::{self, Queue, ViewTabs};
use crate::{field_name, mark};

/// Audit entries of one alert that its history shows.
const HISTORY_LINES: u64 = 100;

/// Returns what the list is opened with: what was asked for, else the reader's default view.
pub(super) async fn opened(
    desk: &Desk,
    who: &Who,
    query: ListQuery,
) -> Result<ListQuery, RespondError> {
    let asks = !query.view.is_empty() || !query.address("").query().is_empty();
    if asks || query.page.is_some() {
        return Ok(query);
    }
    let Some(opened) = queue_view::default_of(desk, who, Queue::Alerts).await? else {
        return Ok(query);
    };
    let read: Result<ListQuery, _> = serde_html_form::from_str(&opened.query);
    Ok(read.map_or(query, |read| ListQuery { view: opened.view, ..read }))
}

/// Returns the list that this query opens.
#[cfg(test)]
pub(crate) async fn opened_list(
    desk: &Desk,
    who: &Who,
    query: &str,
) -> Result<AlertList, RespondError> {
    let query = serde_html_form::from_str(query).unwrap();
    list(desk, who, &opened(desk, who, query).await?).await
}

/// Returns the saved views with what the reader sees through each.
async fn views(desk: &Desk, who: &Who, query: &ListQuery) -> Result<ViewTabs, RespondError> {
    let mut counted = Vec::new();
    for view in queue_view::of(desk, who, Queue::Alerts).await? {
        let read: ListQuery = serde_html_form::from_str(&view.query).unwrap_or_default();
        let filter = read.filter(who, desk.db.now());
        let limit = queue_view::COUNTED_MAX + 1;
        let count = store::count_up_to(desk.db.conn(), &who.scope, &filter, limit).await?;
        counted.push((view, count));
    }
    let present = ListQuery { rows: None, ..query.clone() }.address("").query();
    Ok(ViewTabs::of(who, Queue::Alerts, counted, (present, &query.view)))
}

/// Returns the list of alerts.
pub(crate) async fn list(
    desk: &Desk,
    who: &Who,
    query: &ListQuery,
) -> Result<AlertList, RespondError> {
    let conn = desk.db.conn();
    let filter = query.filter(who, desk.db.now());
    let page = query.paging();
    let found = store::list(conn, &who.scope, &filter, query.sorted(), page).await?;
    let (most, total) = (filter.counted_max(), found.total);
    let counts = severity_counts(desk, who).await?;
    let address = query.address("/alerts").with("view", &query.view);
    let back = match query.page {
        Some(page) => address.clone().with("page", page),
        None => address.clone(),
    };
    let directory = desk.directory.as_ref();
    Ok(AlertList {
        filter: filter_view(desk, who, query),
        views: views(desk, who, query).await?,
        counts,
        alerts: found.alerts.iter().map(|alert| AlertRow::of(alert, directory)).collect(),
        pager: page.pager("/alerts", &address.query(), total.min(most)).and_more(total > most),
        newest: found.newest,
        export: address.query(),
        back: back.to_string(),
    })
}

/// Returns how many alerts of each severity are open, each with the way to them.
pub(crate) async fn severity_counts(
    desk: &Desk,
    who: &Who,
) -> Result<Vec<SeverityCount>, RespondError> {
    let counts = store::open_counts(desk.db.conn(), &who.scope, desk.db.now()).await?;
    let count = |(severity, count): (event::Severity, u64)| SeverityCount {
        severity,
        count,
        more: count >= OPEN_COUNTED_MAX,
        href: Address::of("/alerts").with("severity", severity.word()).to_string(),
    };
    Ok(counts.into_iter().map(count).collect())
}

fn filter_view(desk: &Desk, who: &Who, query: &ListQuery) -> AlertFilterView {
    let lang = who.lang;
    let state = match query.filter(who, desk.db.now()).state {
        StateFilter::Open | StateFilter::Awake(_) => "",
        StateFilter::Asleep(_) => "snoozed",
        StateFilter::All => "all",
        StateFilter::Is(state) => state,
    };
    let states = [
        ("", "alert-state-open"),
        ("new", "alert-state-new"),
        ("acknowledged", "alert-state-acknowledged"),
        ("in_progress", "alert-state-in-progress"),
        ("snoozed", "alert-state-snoozed"),
        ("closed", "alert-state-closed"),
        ("all", "alert-state-all"),
    ];
    let orders = [
        ("", "alert-order-worst"),
        ("newest", "alert-order-newest"),
        ("oldest", "alert-order-oldest"),
    ];
    let order = match query.sorted() {
        AlertOrder::Worst => "",
        AlertOrder::Newest => "newest",
        AlertOrder::Oldest => "oldest",
    };
    let level = query.level.unwrap_or(0);
    let levels = (1..=5_u8).rev().map(|number| Choice {
        value: number.to_string(),
        name: web::Phrase::key("alert-level-min").arg("level", i64::from(number)).text(lang),
        chosen: number == level,
    });
    let start = ListQuery { page: None, rows: None, ..ListQuery::default() };
    let now = ListQuery { page: None, rows: None, ..query.clone() };
    AlertFilterView {
        states: Choice::words(lang, &states, state),
        severities: Choice::severities(lang, query.filter(who, desk.db.now()).severity),
        levels: levels.collect(),
        agencies: Choice::named(desk.directory.agencies(&who.scope), Some(&query.agency)),
        systems: Choice::named(desk.directory.systems(&who.scope), Some(&query.system)),
        orders: Choice::words(lang, &orders, order),
        rule: query.rule.clone(),
        entity: query.entity.clone(),
        mine: query.mine,
        text: query.q.clone(),
        view: query.view.clone(),
        active: now.address("").query() != start.address("").query(),
    }
}

/// Returns one alert's page.
pub(crate) async fn detail(desk: &Desk, who: &Who, id: AlertId) -> Result<AlertPage, RespondError> {
    let conn = desk.db.conn();
    let alert = store::get(conn, &who.scope, id).await?;
    let directory = desk.directory.as_ref();
    let rule = desk.rules.rule(&alert.rule);
    let (events, events_unavailable) = events(desk, who, &alert).await;
    let related = store::related(conn, &who.scope, &alert, SHORT_LIST).await?;
    let incident = match alert.incident {
        None => None,
        Some(id) => crate::incident::number_of(conn, &who.scope, id)
            .await?
            .map(|number| IncidentLink { id: id.to_string(), number }),
    };
    let assignee = alert.assignee.map(|id| id.to_string());
    Ok(AlertPage {
        alert: AlertRow::of(&alert, directory),
        why: story::why(&alert),
        told: story::told(&alert, who.lang),
        matched: alert.matched.iter().map(|one| matched(one, who.lang)).collect(),
        first_steps: story::first_steps(&alert, rule.as_ref()),
        rule_loaded: rule.is_some(),
        saved_search: crate::saved::page_of_rule(&alert.rule),
        rule: alert.rule.clone(),
        tags: alert.tags.clone(),
        detected_at: alert.detected_at,
        closure: ClosureView::of(&alert.status),
        events,
        events_kept: alert.events.iter().count() as u64,
        events_unavailable,
        search: search_address(&alert),
        system: alert.system.and_then(|id| directory.system(id)),
        agency: directory.agency(alert.agency),
        related: related.iter().map(|alert| AlertRow::of(alert, directory)).collect(),
        related_href: Address::of("/alerts")
            .with("state", "all")
            .with("entity", &alert.entity.value)
            .to_string(),
        people: Choice::named(directory.people(alert.agency), assignee.as_deref()),
        incident,
        history: history(desk, who, &alert).await?,
    })
}

fn matched(one: &event::Match, lang: web::Lang) -> MatchRow {
    let parts: Vec<(usize, usize)> = one.part.into_iter().collect();
    MatchRow {
        name: field_name::human(&one.field, lang),
        marked: mark::pieces(&mark::marked(&one.value, &parts, event::Match::VALUE_CHARS_MAX)),
        field: one.field.clone(),
        value: one.value.clone(),
        pattern: one.pattern.clone(),
        wanted: count::wanted(one, lang),
        selection: one.selection.clone(),
    }
}

/// Returns the events behind an alert: its first and its last ones. A lake that does not answer
/// costs the page these lines, not the page.
async fn events(desk: &Desk, who: &Who, alert: &Alert) -> (Vec<EventLine>, bool) {
    let all: Vec<EventId> = alert.events.iter().take(IDS_MAX).collect();
    let half = EVENTS_SHOWN / 2;
    let shown: Vec<EventId> = if all.len() <= EVENTS_SHOWN {
        all
    } else {
        let tail = all.len().saturating_sub(half);
        all.iter().take(half).chain(all.iter().skip(tail)).copied().collect()
    };
    match desk.lake.events(&who.scope, &shown).await {
        Ok(events) => {
            let line = |event| EventLine::of(event, &alert.matched, desk.directory.as_ref());
            (events.iter().map(line).collect(), false)
        }
        Err(_) => (Vec::new(), true),
    }
}

/// Returns the search that shows the events around an alert.
fn search_address(alert: &Alert) -> String {
    use event::EntityKind::{Host, Source, SrcIp, User};
    let value = alert.entity.value.as_str();
    let query = match alert.entity.kind {
        SrcIp => crate::event_line::term("src_ip", value),
        User => crate::event_line::term("user", value),
        Host => crate::event_line::term("host", value),
        Source => String::new(),
    };
    let around = chrono::TimeDelta::minutes(5);
    Address::of("/search")
        .with("q", query)
        .with("from", (alert.first_at - around).to_rfc3339())
        .with("to", (alert.last_at + around).to_rfc3339())
        .to_string()
}

/// Returns what was done with an alert and said under it, the oldest first.
async fn history(desk: &Desk, who: &Who, alert: &Alert) -> Result<Vec<HistoryLine>, RespondError> {
    let filter = AuditFilter {
        subject_kind: Some("alert".to_owned()),
        subject_id: Some(alert.id.to_string()),
        ..AuditFilter::default()
    };
    let done = audit::list(&desk.db, &who.scope, &filter, HISTORY_LINES).await?;
    let said = store::comments(desk.db.conn(), alert).await?;
    let comments = said.into_iter().map(|comment| HistoryLine {
        at: comment.made_at,
        who: comment.author,
        action: String::new(),
        text: comment.text,
    });
    let mut lines: Vec<HistoryLine> =
        done.into_iter().filter_map(history_line).chain(comments).collect();
    lines.push(HistoryLine {
        at: alert.detected_at,
        who: String::new(),
        action: "alert-history-made".to_owned(),
        text: String::new(),
    });
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn history_line(row: AuditRow) -> Option<HistoryLine> {
    let action = match row.action.as_str() {
        "alert.acknowledged" => "alert-history-acknowledged",
        "alert.started" => "alert-history-started",
        "alert.closed" => "alert-history-closed",
        "alert.reopened" => "alert-history-reopened",
        "alert.assign" => "alert-history-assigned",
        "alert.snooze" => "alert-history-snoozed",
        _ => return None,
    };
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
    let why = detail.get("why").and_then(serde_json::Value::as_str).unwrap_or_default();
    Some(HistoryLine {
        at: row.at,
        who: row.actor_name,
        action: action.to_owned(),
        text: why.to_owned(),
    })
}
