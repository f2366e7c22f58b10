//! Gathering what the duty page shows.

use chrono::{DateTime, TimeDelta, Utc};
use event::{Level, Severity};
use web::charts::{Chart, Kind, Point, Series};
use web::figures::vietnam;
use web::paging::Page;
use web::{Lang, Permission, Phrase, Who, filters};

use super::views::DutyPage;
use crate::address::Address;
use crate::alert::{self, AlertFilter, AlertOrder, AlertRow, Slice, StateFilter, TopKey};
use crate::desk::Desk;
use crate::directory::MinuteCount;
use crate::error::RespondError;
use crate::incident::{self, IncidentFilter, IncidentRow};
use crate::limits::{DUTY_ALERTS, SHORT_LIST};

/// The time that the charts cover.
pub(super) const DAY: TimeDelta = TimeDelta::hours(24);

/// The time that one bar covers, the same as the alerts are counted by: 96 of them fit on a phone
/// and tell a burst from a day.
pub(super) const BAR: TimeDelta = TimeDelta::minutes(15);

/// The level from which a system must be watched.
const WATCHED_FROM: u8 = 3;

/// Returns the duty page.
pub(super) async fn duty(desk: &Desk, who: &Who) -> Result<DutyPage, RespondError> {
    let conn = desk.db.conn();
    let scope = &who.scope;
    let now = desk.db.now();
    let directory = desk.directory.as_ref();
    let worst = Slice { order: AlertOrder::Worst, offset: 0, limit: DUTY_ALERTS };
    let open = AlertFilter { state: StateFilter::Awake(now), ..AlertFilter::default() };
    let own = AlertFilter { assignee: Some(who.account), ..open.clone() };
    let few = Slice { limit: SHORT_LIST, ..worst };
    let led = IncidentFilter {
        assignee: Some(who.account),
        open_only: true,
        ..IncidentFilter::default()
    };
    let short = Page { page: None, rows: Some(SHORT_LIST) };
    let (counts, incidents, alerts, mine, my_incidents, day) = tokio::join!(
        alert::severity_counts(desk, who),
        incident::open_count(conn, scope),
        alert::slice(conn, scope, &open, worst),
        alert::slice(conn, scope, &own, few),
        incident::list(conn, scope, &led, short),
        desk.days.day(&desk.db, scope),
    );
    let (counts, day) = (counts?, day?);
    let minutes = directory.minutes(scope, day.since).await;
    let row = |alert: &alert::Alert| AlertRow::of(alert, directory);
    let coverage =
        Level::new(WATCHED_FROM).map(|level| directory.coverage(scope, level)).unwrap_or_default();
    Ok(DutyPage {
        now,
        on_call: crate::roster::card(desk, who).await?,
        open: counts.iter().map(|count| count.count).sum(),
        counts,
        incidents: incidents?,
        coverage,
        events_per_s: desk.hub.rate(),
        storage: desk.hub.storage().filter(|_| who.may(Permission::PlatformRead)),
        udp: if who.may(Permission::PlatformRead) { desk.hub.udp() } else { Vec::new() },
        alerts: alerts?.iter().map(row).collect(),
        silent: directory.silent(scope),
        mine: mine?.iter().map(row).collect(),
        my_incidents: my_incidents?
            .0
            .iter()
            .map(|incident| IncidentRow::of(incident, directory))
            .collect(),
        events: events_chart(&minutes, &day.detections, day.since, now, who.lang),
        sources: top_chart(desk, &day.sources, "duty-top-sources", who.lang),
        targets: top_chart(desk, &day.targets, "duty-top-targets", who.lang),
    })
}

/// Returns where the bars begin.
fn bars(since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let count = i32::try_from((now - since).num_seconds().div_euclid(BAR.num_seconds()));
    (0..=count.unwrap_or(0).clamp(0, 200)).map(|n| since + BAR * n).collect()
}

/// Returns which bar a moment falls into.
fn bar_of(since: DateTime<Utc>, at: DateTime<Utc>) -> Option<usize> {
    usize::try_from((at - since).num_seconds().div_euclid(BAR.num_seconds())).ok()
}

/// Returns a timeline without its numbers; each bar leads to a search of its time.
fn timeline(starts: &[DateTime<Utc>], key: &'static str, lang: Lang) -> Chart {
    let point = |start: &DateTime<Utc>| Point {
        label: vietnam(*start).format("%H:%M").to_string(),
        href: Some(
            Address::of("/search")
                .with("q", "*")
                .with("from", start.to_rfc3339())
                .with("to", (*start + BAR).to_rfc3339())
                .to_string(),
        ),
    };
    let ends = starts.iter().copied().chain(starts.last().map(|last| *last + BAR));
    Chart {
        title: Phrase::key(key).text(lang),
        label: Phrase::key("search-time").text(lang),
        kind: Kind::Timeline,
        points: starts.iter().map(point).collect(),
        series: Vec::new(),
        marks: Vec::new(),
        brush: Some("/search?q=*&from={from}&to={to}".to_owned()),
        times: ends.map(|at| at.to_rfc3339()).collect(),
    }
}

fn events_chart(
    minutes: &[MinuteCount],
    detections: &[(usize, Severity, u64)],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    lang: Lang,
) -> Chart {
    let starts = bars(since, now);
    let mut values = vec![0.0; starts.len()];
    for count in minutes {
        let place = bar_of(since, count.minute).and_then(|bar| values.get_mut(bar));
        if let Some(value) = place {
            *value += crate::search::number(count.events);
        }
    }
    // Told per minute, whatever the width of a bar.
    #[expect(clippy::cast_precision_loss, reason = "a bar has fifteen minutes")]
    let minutes_per_bar = BAR.num_minutes() as f64;
    for value in &mut values {
        *value = (*value / minutes_per_bar).round();
    }
    let mut chart = timeline(&starts, "duty-events", lang);
    let name = Phrase::key("duty-events-per-minute").text(lang);
    chart.series.push(Series { name, tone: "accent".to_owned(), values });
    chart.marks = alert_marks(detections, starts.len(), lang);
    chart
}

/// Returns the new alerts of each severity, the worst first, as marks upon the events.
fn alert_marks(detections: &[(usize, Severity, u64)], bars: usize, lang: Lang) -> Vec<Series> {
    let mut marks = Vec::new();
    for severity in Severity::WORST_FIRST {
        let mut values = vec![0.0; bars];
        for (bar, _, count) in detections.iter().filter(|(_, own, _)| *own == severity) {
            if let Some(value) = values.get_mut(*bar) {
                *value += crate::search::number(*count);
            }
        }
        if values.iter().any(|value| *value > 0.0) {
            let word = Phrase::key(filters::severity_key(severity)).text(lang);
            let name = Phrase::key("duty-marks").arg("severity", word).text(lang);
            marks.push(Series { name, tone: severity.word().to_owned(), values });
        }
    }
    marks
}

fn top_chart(desk: &Desk, top: &[(TopKey, u64)], key: &'static str, lang: Lang) -> Chart {
    let all = Address::of("/alerts").with("state", "all");
    let point = |(key, _): &(TopKey, u64)| match key {
        TopKey::Address(address) => Point {
            label: address.clone(),
            href: Some(all.clone().with("entity", address).to_string()),
        },
        TopKey::System(id) => Point {
            label: desk.directory.system(*id).map_or_else(String::new, |card| card.name),
            href: Some(all.clone().with("system", id).to_string()),
        },
    };
    Chart {
        title: Phrase::key(key).text(lang),
        label: Phrase::key(key).text(lang),
        kind: Kind::Bars,
        points: top.iter().map(point).collect(),
        series: vec![Series {
            name: Phrase::key("alert-title").text(lang),
            tone: "accent".to_owned(),
            values: top.iter().map(|(_, count)| crate::search::number(*count)).collect(),
        }],
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    }
}
