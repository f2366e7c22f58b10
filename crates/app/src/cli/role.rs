//! What this process is in an installation of several.

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::Outcome;
use crate::config::Config;

/// How to serve.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArguments {
    /// What this process does
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything
    All,
    /// Cut questions into tasks for executors (distributed queries)
    Scheduler,
    /// Work on such tasks
    Executor,
}

/// Serves in a role until the process is asked to end.
pub(crate) fn run(config: Config, arguments: &ServeArguments) -> Result<Outcome> {
    let role = arguments.role;
    super::block_on(async move {
        match role {
            Role::All => crate::serve::serve(config).await?,
            #[cfg(feature = "distributed")]
            Role::Scheduler => crate::serve::query_nodes::scheduler(&config).await?,
            #[cfg(feature = "distributed")]
            Role::Executor => crate::serve::query_nodes::executor(&config).await?,
            #[cfg(not(feature = "distributed"))]
            Role::Scheduler | Role::Executor => {
                anyhow::bail!("this program was built without distributed queries")
            }
        }
        Ok(Outcome::Good)
    })
}
