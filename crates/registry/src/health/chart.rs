//! Events of one source over a day, as a chart.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use db::{Db, DbError};
use event::SourceId;
use web::charts::{Chart, Kind, Point, Series};
use web::{Lang, Phrase, figures};

use super::{HealthBook, store};

/// Bars of the chart: a day in quarter hours.
const BARS: usize = 96;

/// Minutes of one bar.
const BAR_MINUTES: i64 = 15;

impl HealthBook {
    /// Returns the events of a source over the last day. The caller has checked that the source may
    /// be seen.
    pub(crate) async fn chart(
        &self,
        db: &Db,
        source: SourceId,
        now: DateTime<Utc>,
        lang: Lang,
    ) -> Result<Chart, DbError> {
        let bar = TimeDelta::minutes(BAR_MINUTES);
        let end = now.duration_trunc(bar).unwrap_or(now) + bar;
        let start = end - bar * i32::try_from(BARS).unwrap_or(96);
        let mut events = vec![0.0; BARS];
        let mut dead = vec![0.0; BARS];
        for (_, minute, in_minute, dead_in_minute) in
            store::minutes(db.conn(), Some(source), start).await?
        {
            let index = (minute - start).num_minutes().div_euclid(BAR_MINUTES);
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            if let Some(sum) = events.get_mut(index) {
                *sum += figure(in_minute);
            }
            if let Some(sum) = dead.get_mut(index) {
                *sum += figure(dead_in_minute);
            }
        }
        let times: Vec<DateTime<Utc>> =
            (0_i32..).take(BARS + 1).map(|index| start + bar * index).collect();
        let label = |at: &DateTime<Utc>| figures::vietnam(*at).format("%H:%M").to_string();
        let series = |key, tone: &str, values| Series {
            name: Phrase::key(key).text(lang),
            tone: tone.to_owned(),
            values,
        };
        Ok(Chart {
            title: Phrase::key("registry-source-chart").text(lang),
            label: Phrase::key("registry-source-chart-time").text(lang),
            kind: Kind::Timeline,
            points: times
                .iter()
                .take(BARS)
                .map(|at| Point { label: label(at), href: None })
                .collect(),
            series: vec![
                series("registry-source-chart-events", "accent", events),
                series("registry-source-chart-dead", "high", dead),
            ],
            marks: Vec::new(),
            brush: Some(format!("/search?q=source_id%3A{source}&from={{from}}&to={{to}}")),
            times: times.iter().map(DateTime::to_rfc3339).collect(),
        })
    }
}

fn figure(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
