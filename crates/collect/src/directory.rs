//! Who may send: the question that the collector asks the register of log sources.

use std::fmt::Debug;
use std::net::IpAddr;

use event::SourceId;
use uuid::Uuid;

/// The source of a frame whose sender no one knows (a syslog peer that no log source names). Such a
/// frame is always dead (`unknown-source`), so nothing is read from it and no agency is guessed.
pub const UNKNOWN_SOURCE: SourceId = SourceId::from_uuid(Uuid::nil());

/// Says which log source a token or a listener's peer is. Answers come from memory: it is asked once
/// for each request and each read of a stream.
pub trait SourceDirectory: Send + Sync + Debug {
    /// Returns the source that this token belongs to; compares digests in constant time.
    fn by_token(&self, token: &str) -> Option<SourceId>;

    /// Returns the source that sends from `peer` to the listener with this name.
    fn by_listener(&self, listener: &str, peer: IpAddr) -> Option<SourceId>;
}
