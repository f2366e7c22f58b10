//! Syslog listeners over real sockets on loopback.

use std::path::Path;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::limits::RECORD_BYTES_MAX;
use crate::testing::{Bench, SOURCE};
use crate::{SpoolSettings, UNKNOWN_SOURCE};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LOOPBACK: &str = "127.0.0.1:0";

async fn tcp(bench: &Bench, name: &str, settings: StreamSettings) -> (SocketAddr, Running) {
    let address = LOOPBACK.parse().unwrap();
    let intake = Arc::clone(&bench.intake);
    let listener = TcpSyslog::bind(name, address, None, settings, intake).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let task = tokio::spawn(listener.run(stop.clone()));
    (address, Running { stop, task })
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn tcp_takes_both_framings_and_counts() {
    let mut bench = Bench::new(SpoolSettings::default());
    let (address, running) = tcp(&bench, "known", StreamSettings::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"<13>one\n7 <13>two<13>three\0<13>no end").await.unwrap();
    drop(stream);
    let frames = bench.frames(4).await;
    let texts: Vec<String> = frames.iter().map(crate::testing::text).collect();
    assert_eq!(texts, ["<13>one", "<13>two", "<13>three", "<13>no end"]);
    assert!(frames.iter().all(|frame| frame.source == SOURCE));
    assert!(frames.iter().all(|frame| frame.peer.unwrap().is_loopback()));
    // Records are counted once they are written, and may be read before.
    running.end().await;
    let count = bench.intake.counters.of(SOURCE).unwrap();
    assert_eq!((count.received, count.bytes, count.rejected), (4, 33, 0));
    assert_eq!(count.last_received_at, frames.last().map(|frame| frame.collected_at));
}

#[tokio::test]
async fn an_unknown_peer_is_a_dead_letter() {
    let mut bench = Bench::new(SpoolSettings::default());
    let (address, running) = tcp(&bench, "other", StreamSettings::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"<13>who am I\n").await.unwrap();
    let frame = bench.frames(1).await.remove(0);
    assert_eq!(frame.source, UNKNOWN_SOURCE);
    assert_eq!(frame.dead.unwrap().code, "unknown-source");
    running.end().await;
}

#[tokio::test]
async fn garbage_and_half_frames_end_as_dead_letters_or_records() {
    let mut bench = Bench::new(SpoolSettings::default());
    let (address, running) = tcp(&bench, "known", StreamSettings::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"\xff\xfe\x80 garbage\n900 <13>half").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(bench.texts(2).await, ["\u{fffd}\u{fffd}\u{fffd} garbage", "!cut-short <13>half"]);
    // Ten megabytes without a line end.
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..10 {
        stream.write_all(&vec![b'x'; RECORD_BYTES_MAX]).await.unwrap();
    }
    stream.write_all(b"\n<13>still here\n").await.unwrap();
    let frames = bench.frames(11).await;
    assert!(frames[..10].iter().all(|frame| frame.dead.as_ref().unwrap().code == "too-long"));
    assert_eq!(crate::testing::text(&frames[10]), "<13>still here");
    running.end().await;
}

#[tokio::test]
async fn a_slow_loris_and_a_crowd_are_shown_out() {
    let mut bench = Bench::new(SpoolSettings::default());
    let settings = StreamSettings {
        connections_max: 2,
        unfinished: Duration::from_millis(500),
        ..StreamSettings::default()
    };
    let (address, running) = tcp(&bench, "known", settings).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"<13>never fini").await.unwrap();
    assert_eq!(bench.texts(1).await, ["<13>never fini"]);
    assert_eq!(slow.read(&mut [0; 1]).await.unwrap(), 0, "closed by the listener");

    let mut crowd = Vec::new();
    let refused = &bench.intake.counters.gate.refused;
    while refused.load(Ordering::Relaxed) == 0 {
        crowd.push(TcpStream::connect(address).await.unwrap());
        tokio::task::yield_now().await;
    }
    running.end().await;
}

#[tokio::test]
async fn tcp_waits_while_the_spool_is_full_and_loses_nothing() {
    let limits = SpoolSettings {
        segment_bytes: 60_000,
        disk_bytes_max: 400_000,
        ..SpoolSettings::default()
    };
    let mut bench = Bench::new(limits);
    let (address, running) = tcp(&bench, "known", StreamSettings::default()).await;
    let total = 20_000;
    let sender = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for number in 0..total {
            let line = format!("<13>{number:06} {}\n", "pad ".repeat(16));
            stream.write_all(line.as_bytes()).await.unwrap();
        }
    });
    while bench.intake.counters.gate.full.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let mut seen = 0;
    while seen < total {
        let batch = bench.reader.next().await.unwrap();
        for frame in batch.frames {
            let text = crate::testing::text(&frame);
            assert!(text.starts_with(&format!("<13>{seen:06} ")), "{text}");
            seen += 1;
        }
        bench.spool.forget(batch.position).await;
    }
    sender.await.unwrap();
    running.end().await;
}

#[tokio::test]
async fn udp_keeps_datagrams() {
    let mut bench = Bench::new(SpoolSettings::default());
    let address = LOOPBACK.parse().unwrap();
    let listener = UdpSyslog::bind("known", address, Arc::clone(&bench.intake)).unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let task = tokio::spawn(listener.run(stop.clone()));
    let socket = UdpSocket::bind(LOOPBACK).await.unwrap();
    let large = vec![b'x'; 60_000];
    for datagram in [&b"<13>one\n"[..], b"", b"\0\n", b"<13>two\nlines\0", &large] {
        socket.send_to(datagram, address).await.unwrap();
    }
    let texts = bench.texts(3).await;
    assert_eq!(texts[..2], ["<13>one", "<13>two\nlines"]);
    assert_eq!(texts[2].len(), 60_000);
    Running { stop, task }.end().await;
    let counts = bench.intake.counters.udp_counts();
    let [count] = &counts[..] else { panic!("one listener: {counts:?}") };
    assert_eq!((count.listener.as_str(), count.address), ("known", address));
    assert_eq!((count.received, count.dropped, count.last_dropped_at), (5, Some(0), None));
    assert!(count.buffer_bytes > 0);
}

/// Returns what allows load balancers on loopback.
fn balanced() -> StreamSettings {
    let balancers = crate::Balancers::new(vec!["127.0.0.0/8".parse().unwrap()]);
    StreamSettings { balancers, ..StreamSettings::default() }
}

#[tokio::test]
async fn behind_a_balancer_the_sender_is_whom_its_header_names() {
    let mut bench = Bench::new(SpoolSettings::default());
    let (address, running) = tcp(&bench, "known", balanced()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The header may come in pieces, and with the first record.
    for piece in ["PROXY TCP4 203.0.113.7 ", "127.0.0.1 4711 5514\r\n<13>one\n"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let frame = bench.frames(1).await.remove(0);
    assert_eq!(crate::testing::text(&frame), "<13>one");
    assert_eq!(frame.peer.unwrap().to_string(), "203.0.113.7");

    // Without one the connection is closed, and nothing of it is taken for a record.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"<13>who am I\n").await.unwrap();
    let mut answer = Vec::new();
    let closed = stream.read_to_end(&mut answer).await;
    assert!(closed.is_err() || answer.is_empty());
    // A look whether we are alive is no mistake.
    let mut probe = TcpStream::connect(address).await.unwrap();
    probe.shutdown().await.unwrap();
    assert_eq!(probe.read_to_end(&mut answer).await.unwrap(), 0);
    running.end().await;
    assert_eq!(bench.intake.counters.gate.unproxied.load(Ordering::Relaxed), 1);
    assert_eq!(bench.intake.counters.of(SOURCE).unwrap().received, 1);
}

#[tokio::test]
async fn nobody_else_may_say_who_sends() {
    let mut bench = Bench::new(SpoolSettings::default());
    let (address, running) = tcp(&bench, "known", StreamSettings::default()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n").await.unwrap();
    let frame = bench.frames(1).await.remove(0);
    assert!(crate::testing::text(&frame).starts_with("PROXY TCP4"), "a record like any other");
    assert!(frame.peer.unwrap().is_loopback());
    running.end().await;
}

fn write_certificate(folder: &Path) -> TlsFiles {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    TlsFiles { certificate, key, client_ca: None }
}

/// A balancer's header, version 2: 198.51.100.9 to 10.0.0.1. It stands in front of TLS.
const HEADER: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x09\x0a\0\0\x01\x12\x67\x19\x72";

#[tokio::test]
async fn tls_carries_counted_frames_and_plain_senders_are_turned_away() {
    let mut bench = Bench::new(SpoolSettings::default());
    let files = write_certificate(bench.folder.path());
    let tls = Some(server_config(&files).unwrap());
    let address = LOOPBACK.parse().unwrap();
    let intake = Arc::clone(&bench.intake);
    let listener = TcpSyslog::bind("known", address, tls, balanced(), intake).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let task = tokio::spawn(listener.run(stop.clone()));

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(HEADER).await.unwrap();
    plain.write_all(b"<13>in the clear\n\n\n\n\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert, or a reset: either way the connection is over.
    let closed = plain.read_to_end(&mut answer).await;
    assert!(closed.is_err() || answer.len() < 20);

    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_file(&files.certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HEADER).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(b"7 <13>one7 <13>two").await.unwrap();
    stream.flush().await.unwrap();
    let frames = bench.frames(2).await;
    let texts: Vec<String> = frames.iter().map(crate::testing::text).collect();
    assert_eq!(texts, ["<13>one", "<13>two"]);
    assert!(frames.iter().all(|frame| frame.peer.unwrap().to_string() == "198.51.100.9"));
    Running { stop, task }.end().await;
}

#[test]
fn unusable_tls_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = write_certificate(folder.path());
    assert!(server_config(&files).is_ok());
    files.key = folder.path().join("missing.pem");
    let error = server_config(&files).unwrap_err().to_string();
    assert!(error.contains("missing.pem"), "{error}");
    std::fs::write(&files.certificate, "no certificate").unwrap();
    let error = server_config(&files).unwrap_err().to_string();
    assert!(error.contains("cert.pem"), "{error}");
}
