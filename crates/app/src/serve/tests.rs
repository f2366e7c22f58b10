//! The whole platform in one process: bytes in over real sockets, events out of the lake, nothing
//! lost and nothing doubled over a restart.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use event::lake::Search;
use event::{Event, LakeReader as _, Scope};

use super::*;
use crate::bench::load::HttpClient;
use crate::bench::{config_in, province};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

async fn search(platform: &Platform, query: &str) -> Vec<Event> {
    let now = platform.db.now();
    let search = Search {
        query: event::query::parse(query).unwrap(),
        from: now - TimeDelta::days(400),
        to: now + TimeDelta::days(400),
        limit: 1000,
        after: None,
    };
    platform.lake.search(&Scope::platform(), &search).await.unwrap().events
}

/// Waits until the platform has read so many records.
async fn settled(platform: &Platform, sources: [event::SourceId; 2], records: u64) {
    for _ in 0..3_000 {
        let now = platform.db.now();
        let read: u64 = sources
            .map(|source| platform.health.of(source, now))
            .iter()
            .map(|health| health.decoded + health.dead)
            .sum();
        if read >= records && platform.spool.unread() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the records were not read in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_can_be_searched_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config_in(folder.path());
    let province = province::found(&open_db(&config).await.unwrap()).await.unwrap();
    let platform = Platform::start(config.clone()).await.unwrap();
    assert!(platform.first_run_link.is_some());

    let port = platform.intake.http_url.rsplit(':').next().unwrap().parse().unwrap();
    let token = province.token.clone();
    tokio::task::spawn_blocking(move || {
        let mut client = HttpClient::connect(local(port), &token).unwrap();
        let body = b"{\"message\":\"tre ngoi mot\"}\n{\"message\":\"tre ngoi hai\"}\nnonsense\n";
        assert_eq!(client.post("/ingest", "application/x-ndjson", body).unwrap(), 200);
        let mut stranger = HttpClient::connect(local(port), "wrong").unwrap();
        assert_eq!(stranger.post("/ingest", "application/x-ndjson", body).unwrap(), 401);
    })
    .await
    .unwrap();
    let syslog = platform.intake.syslog.first().unwrap().port;
    let mut stream = TcpStream::connect(local(syslog)).unwrap();
    stream.write_all(b"<13>Nov 23 10:00:00 may01 thu: tre ngoi ba\n").unwrap();
    drop(stream);

    let sources = [province.http, province.syslog];
    settled(&platform, sources, 4).await;
    assert_eq!(search(&platform, "ngoi").await.len(), 3);
    let now = platform.db.now();
    let health = platform.health.of(province.http, now);
    assert_eq!((health.received, health.decoded, health.dead), (3, 2, 1));
    platform.stop().await;
    a_hunt_goes_through_the_lake(&config, folder.path()).await;

    let platform = Platform::start(config).await.unwrap();
    assert_eq!(platform.recovered.frames, 0, "all of it is in the lake's files");
    assert_eq!(search(&platform, "ngoi").await.len(), 3);
    platform.stop().await;
}

/// A rule over the lake's files finds what it finds in a log file, whatever the number of threads, and
/// only in the time that is asked for.
async fn a_hunt_goes_through_the_lake(config: &Config, folder: &Path) {
    let rule = "title: Tre\nid: tre\nlogsource: {product: linux}\ndetection: {a: ['tre ngoi'], condition: a}\n\
                level: low\n";
    let rules = folder.join("tre.yml");
    std::fs::write(&rules, rule).unwrap();
    let hunt = |more: &[&str]| {
        let output = folder.join("found.jsonl");
        let fixed = ["luytre", "hunt", "--lake", "--format", "jsonl", "--rules"];
        let files = [rules.to_str().unwrap(), "--output", output.to_str().unwrap()];
        let call: Vec<String> =
            fixed.iter().chain(&files).chain(more).map(|word| (*word).to_owned()).collect();
        let config = config.clone();
        tokio::task::spawn_blocking(move || {
            crate::cli::hunt::from_words(&call, config).unwrap();
            std::fs::read_to_string(output).unwrap()
        })
    };
    let all = hunt(&[]).await.unwrap();
    assert_eq!(all.lines().count(), 1, "the syslog line: {all}");
    assert!(all.contains("\"record\":") && all.contains(".parquet"), "{all}");
    assert_eq!(hunt(&["--jobs", "1"]).await.unwrap(), all);
    assert_eq!(hunt(&["--to", "2001-01-01"]).await.unwrap(), "");
    assert_eq!(hunt(&["--since", "30d"]).await.unwrap(), all);
    // Beside a rule that any event may set off, every row is read; the answer is the same.
    let wide = folder.join("wide.yml");
    let text = "title: Wide\nid: wide\nlogsource: {product: linux}\n\
                detection: {a: {n|gt: 5}, condition: a}\nlevel: low\n";
    std::fs::write(&wide, text).unwrap();
    assert_eq!(hunt(&["--rules", wide.to_str().unwrap()]).await.unwrap(), all);
}
