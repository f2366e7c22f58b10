//! What the kernel dropped of a UDP socket's datagrams because its receive buffer was full: nobody else
//! knows of them, their senders least of all.
//!
//! The kernel counts for each socket; `/proc/net/udp` (proc(5)) tells, and the inode says which line is
//! ours. Reading it costs a sender nothing, where ancillary data (`SO_RXQ_OVFL`) would tell of a loss
//! only with the next datagram.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use event::Clock;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use crate::counters::UdpCells;

/// How often the kernel is asked what it dropped.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The columns of the kernel's table, from 0.
const INODE_COLUMN: usize = 9;
const DROPS_COLUMN: usize = 12;

/// The drops of one socket.
#[derive(Debug)]
pub(super) struct Drops {
    table: &'static str,
    inode: u64,
    /// The kernel's count when it was last read: 32 bits that begin again.
    seen: u32,
}

impl Drops {
    /// Returns the drops of this socket, which has this address.
    pub(super) fn of(socket: &UdpSocket, address: SocketAddr) -> std::io::Result<Self> {
        let table = if address.is_ipv6() { "/proc/net/udp6" } else { "/proc/net/udp" };
        Ok(Self { table, inode: rustix::fs::fstat(socket)?.st_ino, seen: 0 })
    }

    /// Returns what was dropped since the last look; nothing where the kernel does not tell.
    async fn look(&mut self) -> Option<u32> {
        let text = tokio::fs::read_to_string(self.table).await.ok()?;
        self.since(&text)
    }

    fn since(&mut self, table: &str) -> Option<u32> {
        let now = drops_of(table, self.inode)?;
        let dropped = now.wrapping_sub(self.seen);
        self.seen = now;
        Some(dropped)
    }

    /// Adds up what is dropped until `stop`, and what was until then.
    pub(super) async fn watch(
        mut self,
        cells: Arc<UdpCells>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) {
        let mut is_last = false;
        loop {
            match self.look().await {
                Some(dropped) => {
                    cells.dropped(u64::from(dropped), clock.now());
                    if dropped > 0 {
                        tracing::warn!(
                            dropped,
                            address = %cells.address(),
                            "the kernel dropped datagrams: raise net.core.rmem_max or send over TCP"
                        );
                    }
                }
                None => cells.drops_unknown(),
            }
            if is_last {
                return;
            }
            is_last = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = stop.cancelled() => true,
            };
        }
    }
}

/// Returns the drops of the socket with this inode, from the kernel's table.
fn drops_of(table: &str, inode: u64) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace().skip(INODE_COLUMN);
        if columns.next()?.parse() != Ok(inode) {
            return None;
        }
        let drops = columns.nth(DROPS_COLUMN - INODE_COLUMN - 1)?;
        // Some kernels write past 2³¹ with a sign.
        drops.parse().ok().or_else(|| drops.parse::<i32>().ok().map(i32::cast_unsigned))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counters;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
        17: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 42\n\
        18: 0200007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12 2 0000 7\n\
        19: 0200007F:0203 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 13 2 0000 -2\n";

    #[test]
    fn drops_are_those_of_one_socket_whoever_shares_its_port() {
        assert_eq!(drops_of(TABLE, 1), Some(42));
        assert_eq!(drops_of(TABLE, 12), Some(7));
        assert_eq!(drops_of(TABLE, 13), Some(u32::MAX - 1));
        assert_eq!(drops_of(TABLE, 2), None);
        for cut in 0..TABLE.len() {
            drops_of(TABLE.get(..cut).unwrap(), 13);
        }
    }

    #[test]
    fn only_what_is_new_is_added_also_when_the_kernel_begins_again() {
        let mut drops = Drops { table: "", inode: 12, seen: 0 };
        assert_eq!(drops.since(TABLE), Some(7));
        assert_eq!(drops.since(TABLE), Some(0));
        assert_eq!(drops.since("no table"), None);
        let mut drops = Drops { table: "", inode: 12, seen: u32::MAX };
        assert_eq!(drops.since(TABLE), Some(8));
    }

    /// The kernel's own count, over a real socket that nobody reads.
    #[tokio::test]
    async fn what_the_kernel_drops_is_counted() {
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let socket = super::super::udp::socket(address).unwrap();
        let address = socket.local_addr().unwrap();
        let drops = Drops::of(&socket, address).unwrap();
        let counters = Counters::default();
        let cells = counters.udp("known", address, 0);
        assert_eq!(cells.read("known").dropped, None, "nothing is known before the first look");
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        // At most twice 32 MiB fit, whatever the machine allows.
        let datagram = vec![b'x'; 60_000];
        for _ in 0..1500 {
            sender.send_to(&datagram, address).await.unwrap();
        }
        let stop = CancellationToken::new();
        stop.cancel();
        drops.watch(cells, Arc::new(event::SystemClock), stop).await;
        let [count] = &counters.udp_counts()[..] else { panic!("one listener") };
        let dropped = count.dropped.unwrap();
        assert!(dropped > 0 && dropped < 1500, "{dropped}");
        assert!(count.last_dropped_at.is_some());
    }
}
