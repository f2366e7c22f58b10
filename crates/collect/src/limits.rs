//! How much of anything the collector takes, each with its reason.

use std::time::Duration;

use chrono::TimeDelta;

/// The longest record. Windows events with a full script block stay below 64 KiB a part, a stack
/// trace below 256 KiB; past 1 MiB it is a broken sender, and its bytes go to the dead letters.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// The most digits of an octet count (RFC 6587 sets none): 9 999 999 bytes is far past any record.
pub const OCTET_COUNT_DIGITS_MAX: usize = 7;

/// The largest UDP datagram (RFC 768 allows 65 507 bytes of payload over IPv4).
pub const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Wanted receive buffer of a UDP socket: about 16 000 datagrams of 500 bytes. The kernel gives
/// what `net.core.rmem_max` allows.
pub const UDP_RECEIVE_BUFFER_BYTES: usize = 32 * 1024 * 1024;

/// Datagrams that wait between the socket and the spool.
pub const UDP_QUEUE: usize = 16_384;

/// Most frames handed to the spool at once by a datagram or stream listener.
pub const FRAMES_PER_APPEND: usize = 4096;

/// What is read from a stream before the frames in it are made durable: at 3 ms for a group commit
/// this is over 20 MB/s for each connection.
pub const STREAM_READ_BYTES: usize = 64 * 1024;

/// Connections to one stream listener. Each holds a read buffer and at most one unfinished record.
pub const CONNECTIONS_MAX: usize = 4096;

/// Bytes of unfinished records that all connections of one listener may hold together; past it the
/// connection that asks for more is closed and what it held becomes a dead letter.
pub const UNFINISHED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A stream that is silent this long is closed: the sender connects again when it has something.
pub const STREAM_IDLE: Duration = Duration::from_hours(1);

/// A record that stays unfinished this long ends its connection (slow-loris).
pub const RECORD_UNFINISHED: Duration = Duration::from_mins(1);

/// How long a TLS handshake may take.
pub const TLS_HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a load balancer may take for its PROXY header, which it sends at once.
pub const PROXY_HEADER: Duration = Duration::from_secs(10);

/// The longest PROXY header. Addresses take 52 bytes at most; what balancers add (names, TLS, marks of a cloud) is some
/// hundred.
pub const PROXY_HEADER_BYTES_MAX: usize = 4096;

/// How long a paused stream waits before it asks the spool for room again.
pub const PAUSE: Duration = Duration::from_millis(100);

/// The decompressed body of one HTTP request. Filebeat's default bulk is below 5 MB.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Decompressed bytes for each compressed byte, counted once the body is past
/// [`GZIP_RATIO_FROM_BYTES`]. Real logs compress 5 to 60 times; gzip's own limit is 1032.
pub const GZIP_RATIO_MAX: usize = 400;

/// Below this size a ratio says nothing.
pub const GZIP_RATIO_FROM_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of HTTP bodies held in memory by all requests together; past it a request gets 429.
pub const BODIES_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a request's body may pause between two pieces.
pub const BODY_STALL: Duration = Duration::from_secs(20);

/// How long an HTTP client may take for its request's head, and for a kept connection's next one.
pub const HTTP_HEAD: Duration = Duration::from_secs(30);

/// What a sender is told to wait when the spool is full or the disk fails.
pub const RETRY_AFTER_S: u64 = 2;

/// Items of one bulk request that are answered one by one.
pub const BULK_ITEMS_MAX: usize = 200_000;

/// Records of one request: a full body has this many where each takes 64 bytes. Each takes some hundred bytes
/// of memory on its way, however short it is.
pub const RECORDS_PER_REQUEST_MAX: usize = 1_000_000;

/// The longest token that is looked up.
pub const TOKEN_BYTES_MAX: usize = 512;

/// Files followed at once.
pub const FILES_MAX: usize = 4096;

/// How deep `**` looks into folders.
pub const FOLDER_DEPTH_MAX: usize = 16;

/// What is read from one file before another file has its turn.
pub const FILE_READ_BYTES: usize = 1024 * 1024;

/// Bytes at a file's start that tell it from another file with the same inode.
pub const FILE_FINGERPRINT_BYTES: usize = 256;

/// How long it is kept how far a file was read that cannot be found on a disk that is away or fails: over a
/// long week-end.
pub const MISSING_KEPT: TimeDelta = TimeDelta::days(7);

/// Such files of one source; past it, those that are missing longest are given up. The checkpoint that names
/// them is written with every read.
pub const MISSING_FILES_MAX: usize = 1000;

/// The longest key by which a request may name itself, in bytes.
pub const REQUEST_KEY_BYTES_MAX: usize = 255;
