//! `luytre user`: accounts from the server's own console.

use std::io::BufRead as _;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use web::Role;
use web::identity::console;

use super::{Outcome, output};
use crate::config::Config;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List accounts
    List,
    /// Make an account; the password is read from standard input
    Add {
        /// Name to sign in with
        #[arg(long)]
        login: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// Role: `administrator`, `duty_officer`, `analyst`, `coordinator`, `appraiser`, `inspector`, `leader` or
        /// `auditor` (roles of an agency by the pages)
        #[arg(long, value_parser = role)]
        role: Role,
        /// Says that the password comes on standard input, one line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Set a new password, read from standard input, and lift a lock
    Password {
        /// Name to sign in with
        #[arg(long)]
        login: String,
        /// Says that the password comes on standard input, one line
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Print a one-time link with which a person chooses a new password
    Link {
        /// Name to sign in with
        #[arg(long)]
        login: String,
    },
    /// Print an API token of an account; it is shown once
    Token {
        /// Name to sign in with
        #[arg(long)]
        login: String,
        /// What the token is for
        #[arg(long, default_value = "console")]
        name: String,
        /// What it may do: `read`, `all` or a permission's word (`alert_read`); repeat for several
        #[arg(long, default_value = "all")]
        scope: Vec<String>,
        /// How many days it works
        #[arg(long, default_value_t = 90)]
        days: u16,
    },
    /// Keep an account from signing in
    Disable {
        /// Name to sign in with
        #[arg(long)]
        login: String,
    },
    /// Let it sign in again
    Enable {
        /// Name to sign in with
        #[arg(long)]
        login: String,
    },
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| format!("`{word}` is no role"))
}

pub(crate) fn run(config: Config, command: &Command) -> Result<Outcome> {
    super::block_on(async move {
        let db = crate::serve::open_db(&config).await?;
        match command {
            Command::List => {
                let rows: Vec<Vec<String>> =
                    console::list(&db).await?.into_iter().map(row).collect();
                output::table(&["login", "name", "role", "second factor", "state"], &rows);
            }
            Command::Add { login, name, role, .. } => {
                console::add(&db, login, name, *role, password()?).await?;
                println!("{login} may sign in");
            }
            Command::Password { login, .. } => {
                console::set_password(&db, login, password()?).await?;
                println!("{login} has a new password");
            }
            Command::Link { login } => {
                println!("{}", console::link(&db, login, &config.address()).await?);
            }
            Command::Token { login, name, scope, days } => {
                println!("{}", console::token(&db, login, name, (scope, *days)).await?);
            }
            Command::Disable { login } => {
                console::set_disabled(&db, login, true).await?;
                println!("{login} can no longer sign in");
            }
            Command::Enable { login } => {
                console::set_disabled(&db, login, false).await?;
                println!("{login} may sign in");
            }
        }
        db.close().await?;
        Ok(Outcome::Good)
    })
}

fn row(account: console::Listed) -> Vec<String> {
    let second = if account.second_factor { "on" } else { "off" };
    let state = if account.disabled { "disabled" } else { "active" };
    vec![account.login, account.name, account.role, second.to_owned(), state.to_owned()]
}

/// Reads one line from standard input, without its end.
fn password() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
