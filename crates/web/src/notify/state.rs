//! What has become of a delivery: the words that stand in the database and their names.

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Sent,
    /// Given up after the stated time.
    Failed,
    /// Not needed any more, or nowhere to send it.
    Withheld,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
        }
    }

    pub(super) const fn key(word: &str) -> &'static str {
        match word.as_bytes() {
            b"waiting" => "notify-state-waiting",
            b"sent" => "notify-state-sent",
            b"failed" => "notify-state-failed",
            _ => "notify-state-withheld",
        }
    }
}
