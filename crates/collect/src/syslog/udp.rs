//! Syslog over UDP: best effort by its nature. What we read is made durable before more is read;
//! what the kernel drops meanwhile is counted (`drops`).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::ListenError;
use super::drops::Drops;
use crate::counters::UdpCells;
use crate::framing;
use crate::intake::{Elsewhere, Intake, Sender};
use crate::limits;

/// A UDP syslog listener.
#[derive(Debug)]
pub struct UdpSyslog {
    name: String,
    socket: UdpSocket,
    address: SocketAddr,
    drops: Drops,
    cells: Arc<UdpCells>,
    intake: Arc<Intake>,
}

type Datagram = (IpAddr, Bytes);

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
        let drops = Drops::of(&socket, address).map_err(failed)?;
        let buffer_bytes = receive_buffer(&socket, name);
        let cells = intake.counters.udp(name, address, buffer_bytes);
        Ok(Self { name: name.to_owned(), socket, address, drops, cells, intake })
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
        let clock = Arc::clone(&self.intake.clock);
        let drops = tokio::spawn(self.drops.watch(Arc::clone(&self.cells), clock, stop.clone()));
        tokio::select! {
            () = receive(&self.socket, &queue, &self.cells) => {}
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

pub(super) fn socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
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

/// Returns the size of the receive buffer that the kernel gave, and says so where it is less than wanted.
fn receive_buffer(socket: &UdpSocket, name: &str) -> u64 {
    // Linux answers with twice what was asked for, to have room for its own bookkeeping (socket(7)).
    let given = SockRef::from(socket).recv_buffer_size().unwrap_or_default() / 2;
    if given < limits::UDP_RECEIVE_BUFFER_BYTES {
        tracing::warn!(
            listener = name,
            given,
            wanted = limits::UDP_RECEIVE_BUFFER_BYTES,
            "the UDP receive buffer is small, bursts may be lost: raise net.core.rmem_max"
        );
    }
    given as u64
}

/// Reads datagrams into the queue; waits when it is full, while the kernel's buffer takes the rest.
async fn receive(socket: &UdpSocket, queue: &mpsc::Sender<Datagram>, cells: &UdpCells) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(limits::DATAGRAM_BYTES_MAX);
        match socket.recv_buf_from(&mut buffer).await {
            Ok((_, peer)) => {
                cells.received();
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
