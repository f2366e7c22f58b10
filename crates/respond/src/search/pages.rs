//! Gathering what the search shows.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use event::Event;
use event::lake::{Bucket, LakeError, Search, TopValue};
use event::query::summary::Summary;
use event::query::{Highlighter, hints};
use serde_json::json;
use web::charts::{Chart, Kind, Point, Series};
use web::figures::vietnam;
use web::{Lang, Phrase, Who};

use super::ask::{Ask, SPANS, clock_text, cursor_text};
use super::reading::Reading;
use super::views::{FieldFacts, HintView, LineError, Results, SearchPage, ValueFacts};
use crate::actor::Handler;
use crate::alert::Choice;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::event_line::{EventLine, cut, term};
use crate::limits::{HISTOGRAM_BARS, TOP_VALUES};

/// Fields listed beside the events.
const FIELDS_MAX: usize = 25;

/// Characters of a value in a list or on an axis.
const LABEL_CHARS: usize = 60;

/// Returns the page: the empty form at once, or the answer.
pub(super) async fn search(desk: &Desk, who: &Who, ask: &Ask) -> Result<SearchPage, RespondError> {
    let keys = [
        ("15m", "search-span-15m"),
        ("1h", "search-span-1h"),
        ("4h", "search-span-4h"),
        ("24h", "search-span-24h"),
        ("7d", "search-span-7d"),
        ("30d", "search-span-30d"),
        ("custom", "search-span-custom"),
    ];
    debug_assert_eq!(keys.map(|(word, _)| word), SPANS.map(|(word, _)| word));
    let mut page = SearchPage {
        line: ask.line().to_owned(),
        spans: Choice::words(who.lang, &keys, ask.span()),
        from: clock_text(&ask.from),
        to: clock_text(&ask.to),
        error: None,
        hints: Vec::new(),
        results: None,
    };
    if !ask.is_asked() {
        return Ok(page);
    }
    match ask.search(desk.db.now()) {
        Err(error) => page.error = Some(LineError::of(ask, &error, who.lang)),
        Ok((search, question)) => {
            let asked = super::asked(ask.line(), &search);
            let reading = Reading::begin(desk, &Handler::from(who), "search.run", asked);
            let results = match &question.summary {
                None => results(desk, who, ask, &search).await?,
                Some(summary) => match summarised(desk, who, ask, &search, summary).await {
                    // Whoever wrote a long line keeps it.
                    Err(RespondError::Lake(LakeError::TooManyBars)) => {
                        page.error = Some(LineError::of_stages(ask, "search-error-bars", who.lang));
                        reading.end(json!({ "failed": true })).await?;
                        return Ok(page);
                    }
                    answer => answer?,
                },
            };
            reading.end(json!({ "rows": results.rows(), "stopped_s": results.stopped_s })).await?;
            let is_seen = |name: &str| results.fields.iter().any(|field| field.name == name);
            page.hints = hints(ask.line(), &question, is_seen)
                .into_iter()
                .map(|hint| HintView {
                    href: Ask { q: Some(hint.line), ..ask.clone() }.address("/search").to_string(),
                    written: hint.written,
                    better: hint.better,
                })
                .collect();
            page.results = Some(results);
        }
    }
    Ok(page)
}

/// Returns figures instead of events.
async fn summarised(
    desk: &Desk,
    who: &Who,
    ask: &Ask,
    search: &Search,
    summary: &Summary,
) -> Result<Results, RespondError> {
    let answer = desk.lake.summarise(&who.scope, search, summary).await?;
    let (filter, _) = ask.parts();
    Ok(Results {
        stopped_s: answer.stopped_ms.map(|ms| ms / 1000),
        total: Some(answer.events),
        took_ms: answer.took_ms,
        summary: Some(super::table::table(ask, filter.trim(), summary, &answer, who.lang)),
        ..Results::empty(ask, search)
    })
}

async fn results(
    desk: &Desk,
    who: &Who,
    ask: &Ask,
    search: &Search,
) -> Result<Results, RespondError> {
    let whole = Search { after: None, ..search.clone() };
    let top = async {
        if ask.field.is_empty() {
            return Ok(None);
        }
        in_time(desk.lake.top(&who.scope, &whole, &ask.field, TOP_VALUES).await)
    };
    let bars = async { in_time(desk.lake.histogram(&who.scope, &whole, HISTOGRAM_BARS).await) };
    let events = async { Ok(desk.lake.search(&who.scope, search).await?) };
    let (found, buckets, top) = tokio::try_join!(events, bars, top)?;
    let here = ask.address("/search");
    let sought = Highlighter::new(&search.query);
    let next = found.next.map(|next| here.with("after", cursor_text(next)).to_string());
    Ok(Results {
        stopped_s: found.stopped_ms.map(|ms| ms / 1000),
        total: buckets.as_ref().map(|bars| bars.iter().map(|bucket| bucket.count).sum()),
        took_ms: found.took_ms,
        histogram: buckets.map(|bars| histogram(&bars, ask, search, who.lang)),
        top: top.map(|values| top_chart(&values, ask, who.lang)),
        fields: fields(&found.events, ask),
        events: found
            .events
            .iter()
            .map(|event| EventLine::found(event, &sought, desk.directory.as_ref()))
            .collect(),
        next,
        ..Results::empty(ask, search)
    })
}

/// Returns nothing instead of what took too long: the events found are worth showing without it.
fn in_time<T>(answer: Result<T, LakeError>) -> Result<Option<T>, RespondError> {
    match answer {
        Err(LakeError::Timeout { .. }) => Ok(None),
        answer => Ok(Some(answer?)),
    }
}

impl Results {
    fn empty(ask: &Ask, search: &Search) -> Self {
        let here = ask.address("/search");
        Self {
            from: search.from,
            to: search.to,
            total: None,
            stopped_s: None,
            took_ms: 0,
            histogram: None,
            summary: None,
            top: None,
            fields: Vec::new(),
            events: Vec::new(),
            next: None,
            first: (!ask.after.is_empty()).then(|| here.to_string()),
            query: here.query(),
            export: ask.fixed_query(search),
            live: Ask { field: String::new(), ..ask.clone() }.address("/search/live").to_string(),
        }
    }

    fn rows(&self) -> usize {
        self.summary.as_ref().map_or(self.events.len(), |table| table.total)
    }
}

fn histogram(buckets: &[Bucket], ask: &Ask, search: &Search, lang: Lang) -> Chart {
    let span = search.to - search.from;
    let format = if span > TimeDelta::days(2) { "%d/%m %H:%M" } else { "%H:%M" };
    let width = span / i32::try_from(HISTOGRAM_BARS).unwrap_or(1);
    let point = |bucket: &Bucket| {
        let part = Ask {
            from: bucket.from.to_rfc3339(),
            to: (bucket.from + width).to_rfc3339(),
            range: String::new(),
            ..ask.clone()
        };
        Point {
            label: vietnam(bucket.from).format(format).to_string(),
            href: Some(part.address("/search").to_string()),
        }
    };
    let mut times: Vec<String> = buckets.iter().map(|bucket| bucket.from.to_rfc3339()).collect();
    times.push(search.to.to_rfc3339());
    // The braces of the placeholders must reach the script as they are.
    let brush = Ask { from: String::new(), to: String::new(), ..ask.clone() }
        .address("/search")
        .with("range", "");
    Chart {
        title: Phrase::key("search-histogram").text(lang),
        label: Phrase::key("search-time").text(lang),
        kind: Kind::Timeline,
        points: buckets.iter().map(point).collect(),
        series: vec![Series {
            name: Phrase::key("search-events").text(lang),
            tone: "accent".to_owned(),
            values: buckets.iter().map(|bucket| number(bucket.count)).collect(),
        }],
        marks: Vec::new(),
        brush: Some(format!("{brush}&from={{from}}&to={{to}}")),
        times,
    }
}

fn top_chart(values: &[TopValue], ask: &Ask, lang: Lang) -> Chart {
    let point = |one: &TopValue| Point {
        label: cut(&one.value, LABEL_CHARS),
        href: Some(ask.narrowed(&term(&ask.field, &one.value)).to_string()),
    };
    Chart {
        title: Phrase::key("search-top").arg("field", ask.field.as_str()).text(lang),
        label: ask.field.clone(),
        kind: Kind::Bars,
        points: values.iter().map(point).collect(),
        series: vec![Series {
            name: Phrase::key("search-events").text(lang),
            tone: "accent".to_owned(),
            values: values.iter().map(|one| number(one.count)).collect(),
        }],
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    }
}

/// Returns a count as a chart's number.
#[expect(clippy::cast_precision_loss, reason = "a picture shows no sixteen digits")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// Returns the fields of the events on this page, the most frequent first, each with its most
/// frequent values. Counted here, not in the lake: sixty questions would cost more than the search.
fn fields(events: &[Event], ask: &Ask) -> Vec<FieldFacts> {
    let mut seen: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for event in events {
        let attrs = event.attrs.iter().map(|(attr, value)| (attr.alias(), value));
        let own = event.fields.iter().filter(|(name, _)| {
            event::Attr::from_name(name).is_none_or(|attr| event.attrs.get(attr).is_none())
        });
        for (name, value) in attrs.chain(own) {
            let text = value.text();
            if !text.is_empty() {
                let values = seen.entry(name.to_owned()).or_default();
                *values.entry(text.into_owned()).or_default() += 1;
            }
        }
    }
    let mut facts: Vec<FieldFacts> = seen
        .into_iter()
        .map(|(name, values)| FieldFacts {
            events: values.values().sum(),
            values: top_values(&name, values, ask),
            all: Ask { field: name.clone(), ..ask.clone() }.address("/search").to_string(),
            name,
        })
        .collect();
    facts.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.name.cmp(&b.name)));
    facts.truncate(FIELDS_MAX);
    facts
}

fn top_values(name: &str, values: BTreeMap<String, u64>, ask: &Ask) -> Vec<ValueFacts> {
    let mut counted: Vec<(String, u64)> = values.into_iter().collect();
    counted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counted.truncate(5);
    let facts = |(value, count): (String, u64)| {
        let term = term(name, &value);
        ValueFacts {
            with: ask.narrowed(&term).to_string(),
            without: ask.narrowed(&format!("NOT {term}")).to_string(),
            value: cut(&value, LABEL_CHARS),
            count,
        }
    };
    counted.into_iter().map(facts).collect()
}
