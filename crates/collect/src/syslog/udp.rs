//! Syslog over UDP: best effort by its nature. What we read is made durable before more is read;
//! what the kernel drops meanwhile is counted where the kernel tells.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ListenError;
use crate::framing;
use crate::intake::{Elsewhere, Intake, Sender};
use crate::limits;

/// A UDP syslog listener.
#[derive(Debug)]
pub struct UdpSyslog {
    name: String,
    socket: UdpSocket,
    address: SocketAddr,
    intake: Arc<Intake>,
}

type Datagram = (IpAddr, Bytes);

/// How often the kernel is asked what it dropped.
const DROPS_EVERY: Duration = Duration::from_secs(10);

impl UdpSyslog {
    /// Opens the socket, with as large a receive buffer as the kernel gives.
    ///
    /// # Errors
    ///
    /// Returns an error when the address cannot be had.
    pub fn bind(name: &str, address: SocketAddr, intake: Arc<Intake>) -> Result<Self, ListenError> {
        let failed = |source| ListenError { address, source };
        let socket = socket(address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { name: name.to_owned(), socket, address, intake })
    }

    /// Returns the address that the socket has.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads until `stop`, then makes durable what was read and returns.
    pub async fn run(self, stop: CancellationToken) {
        let (queue, waiting) = mpsc::channel(limits::UDP_QUEUE);
        let keeper =
            tokio::spawn(keep(Arc::clone(&self.intake), self.name.clone(), waiting, stop.clone()));
        let drops = tokio::spawn(watch_drops(Arc::clone(&self.intake), self.address, stop.clone()));
        tokio::select! {
            () = receive(&self.socket, &queue) => {}
            () = stop.cancelled() => {}
        }
        drop(queue);
        for task in [keeper, drops] {
            if let Err(error) = task.await {
                tracing::error!(%error, listener = %self.name, "a task of the UDP listener failed");
            }
        }
    }
}

fn socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 senders too, whatever the machine's default is.
        socket.set_only_v6(false)?;
    }
    if let Err(error) = socket.set_recv_buffer_size(limits::UDP_RECEIVE_BUFFER_BYTES) {
        tracing::warn!(%error, "the UDP receive buffer stays at its default size");
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Reads datagrams into the queue; waits when it is full, while the kernel's buffer takes the rest.
async fn receive(socket: &UdpSocket, queue: &mpsc::Sender<Datagram>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(limits::DATAGRAM_BYTES_MAX);
        match socket.recv_buf_from(&mut buffer).await {
            Ok((_, peer)) => {
                // A copy of its own length: a slice would keep the whole buffer alive.
                let bytes = Bytes::copy_from_slice(&buffer);
                buffer.clear();
                if queue.send((peer.ip().to_canonical(), bytes)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // An ICMP error of an earlier datagram, or a passing shortage; reading goes on.
                tracing::debug!(%error, "a UDP read failed");
                tokio::time::sleep(limits::PAUSE).await;
            }
        }
    }
}

/// Makes what waits durable, many datagrams at a time.
async fn keep(
    intake: Arc<Intake>,
    name: String,
    mut waiting: mpsc::Receiver<Datagram>,
    stop: CancellationToken,
) {
    let mut datagrams = Vec::new();
    loop {
        if waiting.recv_many(&mut datagrams, limits::FRAMES_PER_APPEND).await == 0 {
            return;
        }
        let mut frames = Vec::with_capacity(datagrams.len());
        for (peer, bytes) in datagrams.drain(..) {
            let Some(bytes) = framing::datagram(bytes) else { continue };
            let source = intake.directory.by_listener(&name, peer);
            let sender = Sender { source, peer: Some(peer), request: None };
            frames.extend(intake.frames(sender, framing::records(bytes)));
        }
        if !frames.is_empty()
            && !intake.accept_patiently(&frames, &[], Elsewhere::GiveUp, &stop).await
        {
            tracing::warn!(listener = %name, datagrams = frames.len(), "stopped with datagrams unkept");
            return;
        }
    }
}

/// Adds up what the kernel dropped (`/proc/net/udp`, last column); elsewhere the count stays 0.
async fn watch_drops(intake: Arc<Intake>, address: SocketAddr, stop: CancellationToken) {
    let table = if address.is_ipv6() { "/proc/net/udp6" } else { "/proc/net/udp" };
    let mut seen = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(DROPS_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let Ok(text) = tokio::fs::read_to_string(table).await else { return };
        let drops = drops_of(&text, address.port());
        if drops > seen {
            intake.counters.gate.udp_dropped.fetch_add(drops - seen, Ordering::Relaxed);
            tracing::warn!(
                dropped = drops - seen,
                port = address.port(),
                "the kernel dropped datagrams: raise net.core.rmem_max or send over TCP"
            );
        }
        seen = drops;
    }
}

/// Returns the drops of the sockets on this port, from the kernel's table.
fn drops_of(table: &str, port: u16) -> u64 {
    let ending = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&ending)))
        .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::drops_of;

    #[test]
    fn drops_stand_in_the_last_column() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            17: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 42\n\
            18: 0100007F:0203 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 7\n";
        assert_eq!(drops_of(table, 0x202), 42);
        assert_eq!(drops_of(table, 1), 0);
    }
}
