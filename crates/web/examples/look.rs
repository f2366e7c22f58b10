//! A site with one page of each kind, to look at the frame, the parts and identity by themselves:
//! `cargo run -p web --example look`, then open the address it prints.

#![expect(clippy::print_stdout, reason = "it prints the address to open")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use event::{AgencyId, Clock as _, IdSource, Severity, SystemClock};
use serde::Serialize;
use utoipa::ToSchema;
use web::charts::{Chart, Kind, Point, Series};
use web::paging::{Page, Pager};
use web::{
    AgencyTree, AppError, Done, Identity, NavCount, NavCounts, NavNumbers, Permission, Phrase,
    Routes, Settings, Site, Tone, View, Who, done, filters,
};

#[derive(Debug)]
struct NoAgencies;

impl AgencyTree for NoAgencies {
    fn subtree(&self, agency: AgencyId) -> BTreeSet<AgencyId> {
        BTreeSet::from([agency])
    }

    fn choices(&self) -> Vec<(AgencyId, String)> {
        vec![(AgencyId::from_uuid(uuid::Uuid::from_u128(7)), "Sở Khoa học và Công nghệ".to_owned())]
    }
}

#[derive(Debug)]
struct Counts;

#[async_trait]
impl NavCounts for Counts {
    async fn numbers(&self, _: &Who) -> NavNumbers {
        let count = |place, number, tone| NavCount { place, number, tone };
        NavNumbers {
            places: vec![
                count("/alerts", 31, Tone::Bad),
                count("/incidents", 4, Tone::Warn),
                count("/sources", 3, Tone::Quiet),
            ],
            deadlines: Some((2, SystemClock.now() + TimeDelta::minutes(192))),
            unread: 5,
        }
    }
}

#[derive(Template, Serialize, ToSchema)]
#[template(
    ext = "html",
    source = r#"
<div class="head"><h1>{{ "web-nav-duty"|t }}</h1><span>{{ deadline|clock }} {{ over|clock }}</span><button class="btn btn-primary">{{ "web-nav-incidents"|t }}</button></div>
<div class="split"><section class="card"><div class="scroll"><table class="table dense" data-rows><tbody>{% for row in rows %}<tr data-row><td>{{ row.severity|severity }}</td><td>{{ row.seen|at }}</td><td><a href="/duty?row={{ loop.index }}">{{ row.name }}</a></td><td class="num">{{ row.count|num }}</td></tr>{% endfor %}</tbody></table></div>{% include "parts/pager.html" %}</section>
<section class="card"><h2>{{ "web-nav-sources"|t }}</h2><dl class="facts"><dt>IP</dt><dd class="mono">203.0.113.7</dd><dt>Log</dt><dd><pre class="log">sshd[812]: Failed password for <mark>root</mark> from 203.0.113.7 port 51122 ssh2</pre></dd></dl></section></div>
<section class="card">{% include "parts/chart.html" %}</section>
"#
)]
struct Duty {
    #[schema(value_type = String)]
    deadline: DateTime<Utc>,
    #[schema(value_type = String)]
    over: DateTime<Utc>,
    rows: Vec<Row>,
    pager: Pager,
    chart: Chart,
}

#[derive(Serialize, ToSchema)]
struct Row {
    #[schema(value_type = String)]
    severity: Severity,
    #[schema(value_type = String)]
    seen: DateTime<Utc>,
    name: &'static str,
    count: u64,
}

async fn duty() -> View<Duty> {
    let now = SystemClock.now();
    let rows = Severity::WORST_FIRST.into_iter().zip(1_u64..).map(|(severity, index)| Row {
        severity,
        seen: now - TimeDelta::minutes(17 * i64::try_from(index).unwrap_or(1)),
        name: "Web shell được gọi trên Cổng dịch vụ công trực tuyến tỉnh",
        count: index.pow(9) * 1_237,
    });
    let values = |seed: u32| (0..48).map(|hour| f64::from((hour * 7 + seed) % 31)).collect();
    let series = |tone: &str, seed| Series {
        name: tone.to_owned(),
        tone: tone.to_owned(),
        values: values(seed),
    };
    let chart = Chart {
        title: "Sự kiện / 30 phút".to_owned(),
        label: "Giờ".to_owned(),
        kind: Kind::Timeline,
        points: (0..48)
            .map(|half| Point {
                label: format!("{:02}:{:02}", half / 2, half % 2 * 30),
                href: Some("/duty".to_owned()),
            })
            .collect(),
        series: vec![series("low", 3), series("high", 11), series("critical", 5)],
        marks: Vec::new(),
        brush: None,
        times: Vec::new(),
    };
    View::new(Duty {
        deadline: now + TimeDelta::minutes(42),
        over: now - TimeDelta::hours(3),
        rows: rows.collect(),
        pager: Page::default().pager("/duty", "", 1_234),
        chart,
    })
}

async fn fail() -> Result<Done, AppError> {
    Err(AppError::internal("made to fail"))
}

async fn change() -> Done {
    done("/duty").notice(Phrase::key("web-just-now"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "look.db".to_owned());
    let clock = Arc::new(SystemClock);
    let ids = Arc::new(IdSource::from_os());
    let db_settings = db::DbSettings::sqlite(std::path::Path::new(&file));
    let db = db::Db::open(&db_settings, clock.clone(), Arc::clone(&ids)).await?;
    let settings = Arc::new(Settings { province: "Tỉnh Mẫu".to_owned(), tls: false });
    let identity = Identity::new(db.clone(), Arc::new(NoAgencies), Arc::clone(&settings));
    let site = Site {
        settings,
        clock,
        ids,
        visitors: Arc::new(identity.clone()),
        counts: Arc::new(Counts),
        live: web::Live::default(),
    };
    let routes = Routes::new()
        .get("/duty", Permission::DutyRead, duty)
        .post("/duty", Permission::DutyRead, change)
        .public_get("/fail", fail)
        .merge(identity.routes());
    let service = web::serve(site, routes).into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8099").await?;
    match web::identity::first_run_link(&db, "http://127.0.0.1:8099").await? {
        Some(link) => println!("{link}"),
        None => println!("http://127.0.0.1:8099"),
    }
    axum::serve(listener, service).await?;
    Ok(())
}
