//! What one machine of several does.

use clap::ValueEnum;

/// What `luytre serve` does on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Everything: takes logs in, serves pages, and may do what only one machine does
    #[default]
    All,
    /// Takes logs in and stores them
    Intake,
    /// Serves pages and searches, and may do what only one machine does
    Web,
    /// Cuts SQL questions into tasks for executors
    Scheduler,
    /// Works on such tasks
    Executor,
}

impl Role {
    /// Returns the word on the command line and in the table of nodes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Intake => "intake",
            Self::Web => "web",
            Self::Scheduler => "scheduler",
            Self::Executor => "executor",
        }
    }

    /// Returns whether senders are served here.
    pub const fn takes_logs(self) -> bool {
        matches!(self, Self::All | Self::Intake)
    }

    /// Returns whether people are served here. Such a node may also have the central duties.
    pub const fn has_pages(self) -> bool {
        matches!(self, Self::All | Self::Web)
    }
}
