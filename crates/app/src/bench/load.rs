//! The load: what is sent, and the threads that send it. Plain blocking sockets, so that the
//! generator costs little and its processor time can be told apart by its threads' names.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use event::{Clock as _, SystemClock};
use parking_lot::Mutex;

/// Names of the generator's threads begin so; the kernel keeps 15 characters of a name.
pub(crate) const PREFIX: &str = "bench-send";

/// Events of one bulk request.
const BULK_EVENTS: usize = 1000;

/// Lines of one write to a syslog stream.
const STREAM_EVENTS: usize = 200;

/// A server that does not answer for so long fails the bench.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// What all senders share.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) http: SocketAddr,
    pub(crate) syslog: SocketAddr,
    pub(crate) token: String,
    /// Events per second of one sender; 0 is as fast as they are taken.
    pub(crate) rate: u64,
    pub(crate) lines: Lines,
    pub(crate) stop: AtomicBool,
    pub(crate) sent: AtomicU64,
    pub(crate) accepted_http: AtomicU64,
    pub(crate) told_to_wait: AtomicU64,
}

/// The events to send, over and over.
#[derive(Debug)]
pub(crate) enum Lines {
    /// Those of a file, as they are.
    Given(Arc<[String]>),
    /// The built-in mix, dated the second in which it is sent; made anew each second.
    Mixed(Mutex<Dated>),
}

/// The mix of one second, since 1970.
#[derive(Debug)]
pub(crate) struct Dated {
    second: i64,
    lines: Arc<[String]>,
}

/// Enough different ones that nothing profits from repetition.
const MIXED_LINES: u32 = 2000;

impl Lines {
    /// Returns the lines of a file.
    pub(crate) fn read(path: &std::path::Path) -> io::Result<Self> {
        let text = std::fs::read(path)?;
        let lines: Vec<String> = String::from_utf8_lossy(&text)
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(ToOwned::to_owned)
            .collect();
        if lines.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file has no lines"));
        }
        Ok(Self::Given(lines.into()))
    }

    /// Returns the built-in mix: sign-ins, web requests, firewall, names asked for, processes; 500
    /// bytes each.
    pub(crate) fn mixed() -> Self {
        Self::Mixed(Mutex::new(Dated { second: i64::MIN, lines: Arc::default() }))
    }

    /// Returns the lines as they are sent at a moment.
    fn at(&self, now: DateTime<Utc>) -> Arc<[String]> {
        match self {
            Self::Given(lines) => Arc::clone(lines),
            Self::Mixed(dated) => {
                let mut dated = dated.lock();
                if dated.second != now.timestamp() {
                    dated.second = now.timestamp();
                    dated.lines = (0..MIXED_LINES).map(|number| line(number, now)).collect();
                }
                Arc::clone(&dated.lines)
            }
        }
    }
}

/// Returns a line of those, which begin anew at their end.
fn line_of(lines: &[String], number: u64) -> &str {
    let count = u64::try_from(lines.len()).unwrap_or(1).max(1);
    let index = usize::try_from(number % count).unwrap_or(0);
    lines.get(index).map_or("", String::as_str)
}

/// The size of one event of the mix.
const EVENT_BYTES: usize = 500;

/// Returns a line as its program writes it at a moment, in Vietnam's time.
fn line(number: u32, now: DateTime<Utc>) -> String {
    let (host, last) = (number % 40, number % 250 + 1);
    let now = now + TimeDelta::hours(7);
    let stamp = now.format("%b %e %H:%M:%S");
    let mut line = match number % 5 {
        0 => format!(
            "<38>{stamp} may{host:02} sshd[{number}]: Failed password for invalid user \
             admin{number} from 203.0.113.{last} port {} ssh2",
            1024 + number
        ),
        1 => format!(
            "<134>{stamp} web{host:02} nginx: 198.51.100.{last} - - \
             [{} +0700] \"GET /van-ban/{number}?trang=2 HTTP/1.1\" 200 {} \"-\" \
             \"Mozilla/5.0 (X11; Linux x86_64)\"",
            now.format("%d/%b/%Y:%H:%M:%S"),
            number * 7
        ),
        2 => format!(
            "<189>{} devname=\"FG{host:02}\" type=\"traffic\" \
             subtype=\"forward\" level=\"notice\" srcip=10.1.{host}.{last} srcport={} \
             dstip=192.0.2.{last} dstport=443 proto=6 action=\"accept\" sentbyte={number} \
             rcvdbyte={}",
            now.format("date=%Y-%m-%d time=%H:%M:%S"),
            1024 + number,
            number * 3
        ),
        3 => format!(
            "<30>{stamp} dns{host:02} named[{number}]: client @0x7f 10.2.{host}.{last}#5353 \
             (tra-cuu-{number}.example.vn): query: tra-cuu-{number}.example.vn IN A + (10.0.0.53)"
        ),
        _ => format!(
            "<86>{stamp} may{host:02} sudo: canbo{number} : TTY=pts/{last} ; \
             PWD=/home/canbo{number} ; USER=root ; COMMAND=/usr/bin/systemctl status dich-vu-{number}"
        ),
    };
    while line.len() < EVENT_BYTES {
        line.push_str(" x");
    }
    line
}

impl Load {
    /// Starts the senders; each ends soon after `stop` is set.
    pub(crate) fn start(
        self: &Arc<Self>,
        http: usize,
        streams: usize,
    ) -> io::Result<Vec<std::thread::JoinHandle<io::Result<()>>>> {
        let mut threads = Vec::new();
        for number in 0..http.saturating_add(streams) {
            let load = Arc::clone(self);
            let thread = std::thread::Builder::new().name(format!("{PREFIX}{number}"));
            threads.push(thread.spawn(move || {
                if number < http { load.send_http(number) } else { load.send_stream(number) }
            })?);
        }
        Ok(threads)
    }

    fn send_http(&self, number: usize) -> io::Result<()> {
        let mut client = HttpClient::connect(self.http, &self.token)?;
        let mut pace = Pace::new(self.rate);
        let mut next = start_of(number);
        while !self.stop.load(Ordering::Relaxed) {
            let count = pace.portion(BULK_EVENTS);
            let mut body = Vec::with_capacity(count * (EVENT_BYTES + 64));
            let lines = self.lines.at(SystemClock.now());
            for _ in 0..count {
                body.extend_from_slice(b"{\"create\":{}}\n{\"message\":");
                serde_json::to_writer(&mut body, line_of(&lines, next))
                    .map_err(io::Error::other)?;
                body.extend_from_slice(b"}\n");
                next = next.wrapping_add(1);
            }
            let events = u64::try_from(count).unwrap_or(0);
            self.sent.fetch_add(events, Ordering::Relaxed);
            loop {
                match client.post("/_bulk", "application/x-ndjson", &body)? {
                    200 => {
                        self.accepted_http.fetch_add(events, Ordering::Relaxed);
                        break;
                    }
                    429 | 503 => {
                        self.told_to_wait.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(200));
                        if self.stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    status => return Err(io::Error::other(format!("answered {status}"))),
                }
            }
            pace.wait(count);
        }
        Ok(())
    }

    fn send_stream(&self, number: usize) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.syslog)?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let mut pace = Pace::new(self.rate);
        let mut next = start_of(number);
        while !self.stop.load(Ordering::Relaxed) {
            let count = pace.portion(STREAM_EVENTS);
            let mut bytes = Vec::with_capacity(count * (EVENT_BYTES + 8));
            let lines = self.lines.at(SystemClock.now());
            for _ in 0..count {
                let line = line_of(&lines, next);
                write!(bytes, "{} {line}", line.len())?;
                next = next.wrapping_add(1);
            }
            stream.write_all(&bytes)?;
            self.sent.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
            pace.wait(count);
        }
        Ok(())
    }
}

/// Senders begin at different places of the mix.
fn start_of(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(0).wrapping_mul(397)
}

/// Keeps a sender to its rate.
struct Pace {
    rate: u64,
    started: Instant,
    sent: u64,
}

impl Pace {
    fn new(rate: u64) -> Self {
        Self { rate, started: Instant::now(), sent: 0 }
    }

    /// Returns how many events to send at once: at a low rate, twenty portions a second.
    fn portion(&self, most: usize) -> usize {
        if self.rate == 0 {
            return most;
        }
        usize::try_from(self.rate / 20).unwrap_or(most).clamp(1, most)
    }

    fn wait(&mut self, sent: usize) {
        if self.rate == 0 {
            return;
        }
        self.sent = self.sent.saturating_add(u64::try_from(sent).unwrap_or(0));
        let due_us = self.sent.saturating_mul(1_000_000) / self.rate;
        let due = self.started + Duration::from_micros(due_us);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// As much of an HTTP client as the bench needs: one kept connection, bodies of known length.
#[derive(Debug)]
pub(crate) struct HttpClient {
    stream: BufReader<TcpStream>,
    token: String,
}

impl HttpClient {
    pub(crate) fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self { stream: BufReader::new(stream), token: token.to_owned() })
    }

    /// Posts and returns the status, when the whole answer has been read.
    pub(crate) fn post(&mut self, path: &str, media: &str, body: &[u8]) -> io::Result<u16> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: luytre\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {media}\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no HTTP answer"))?;
        let mut length = 0_u64;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        io::copy(&mut io::Read::take(&mut self.stream, length), &mut io::sink())?;
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_is_500_bytes_each_and_every_line_differs_and_tells_its_second() {
        let lines = Lines::mixed();
        let now = DateTime::from_timestamp(1_795_428_000, 0).unwrap();
        let mixed = lines.at(now);
        let mut all: Vec<&str> = (0..2000).map(|number| line_of(&mixed, number)).collect();
        assert!(all.iter().all(|line| (EVENT_BYTES..EVENT_BYTES + 2).contains(&line.len())));
        assert!(all.iter().all(|line| line.contains("17:00:00")), "{}", all[0]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
        assert_eq!(line_of(&mixed, 2000), line_of(&mixed, 0));
        assert!(lines.at(now + TimeDelta::seconds(1)).iter().all(|line| line.contains("17:00:01")));
    }
}
