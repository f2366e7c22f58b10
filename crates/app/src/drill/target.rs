//! Where a drill's lines go: the same sockets that a real sender uses.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::{Duration, timeout};

/// How long a send may take before the drill calls it failed.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Where one log source sends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Syslog datagrams from this loopback address.
    SyslogUdp {
        /// The listener.
        to: SocketAddr,
        /// The address to send from: it tells the platform which source this is.
        from: IpAddr,
    },
    /// Syslog lines over a stream from this loopback address.
    SyslogTcp {
        /// The listener.
        to: SocketAddr,
        /// The address to send from.
        from: IpAddr,
    },
    /// Newline-delimited records over HTTP with the source's token.
    Http {
        /// The listener.
        to: SocketAddr,
        /// The source's token.
        token: String,
    },
}

/// A target with its open socket.
#[derive(Debug)]
pub struct Sender {
    target: Target,
    udp: Option<UdpSocket>,
    tcp: Option<TcpStream>,
}

impl Sender {
    /// Returns a sender that connects when it first sends.
    pub const fn new(target: Target) -> Self {
        Self { target, udp: None, tcp: None }
    }

    /// Sends one line; reconnects once if the connection has gone.
    ///
    /// # Errors
    /// Returns why the line could not be handed over.
    pub async fn send(&mut self, line: &str) -> std::io::Result<()> {
        if let Ok(Ok(())) = timeout(SEND_TIMEOUT, self.send_once(line)).await {
            return Ok(());
        }
        self.tcp = None;
        timeout(SEND_TIMEOUT, self.send_once(line)).await?
    }

    async fn send_once(&mut self, line: &str) -> std::io::Result<()> {
        match &self.target {
            Target::SyslogUdp { to, from } => {
                let socket = match self.udp.take() {
                    Some(socket) => socket,
                    None => UdpSocket::bind(SocketAddr::new(*from, 0)).await?,
                };
                socket.send_to(line.as_bytes(), to).await?;
                self.udp = Some(socket);
            }
            Target::SyslogTcp { to, from } => {
                let mut stream = match self.tcp.take() {
                    Some(stream) => stream,
                    None => connect_from(*from, *to).await?,
                };
                stream.write_all(format!("{line}\n").as_bytes()).await?;
                self.tcp = Some(stream);
            }
            Target::Http { to, token } => {
                let mut stream = match self.tcp.take() {
                    Some(stream) => stream,
                    None => TcpStream::connect(to).await?,
                };
                post(&mut stream, *to, token, line).await?;
                self.tcp = Some(stream);
            }
        }
        Ok(())
    }
}

async fn connect_from(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// Posts one record and reads the answer's status line and length, keeping the connection.
async fn post(
    stream: &mut TcpStream,
    to: SocketAddr,
    token: &str,
    line: &str,
) -> std::io::Result<()> {
    let body = format!("{line}\n");
    let head = format!(
        "POST /ingest HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let answer = read_answer(stream).await?;
    if answer.starts_with("HTTP/1.1 2") {
        return Ok(());
    }
    let status = answer.lines().next().unwrap_or_default().to_owned();
    Err(std::io::Error::other(format!("the platform answered {status}")))
}

/// Reads one answer: the head up to the empty line, and as much body as it announces.
async fn read_answer(stream: &mut TcpStream) -> std::io::Result<String> {
    const HEAD_BYTES_MAX: usize = 16 * 1024;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_BYTES_MAX {
            return Err(std::io::Error::other("the answer's head does not end"));
        }
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<u64>().ok())
        .unwrap_or(0);
    tokio::io::copy(&mut stream.take(length), &mut tokio::io::sink()).await?;
    Ok(head)
}
