//! What the command line prints, and how: plain when piped or when `NO_COLOR` is set.

use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use anyhow::Error;
use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error. A server says what it does; a command says only warnings.
pub(crate) fn start_logging(verbose: u8, is_server: bool) {
    let level = match (verbose, is_server) {
        (0, false) => "error",
        (0, true) | (1, _) => {
            "info,sqlx=warn,sea_orm=warn,ballista_core=warn,ballista_scheduler=warn,ballista_executor=error"
        }
        _ => "debug,sqlx=info,hyper=info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour(&std::io::stderr()))
        .with_target(false)
        .try_init();
    debug_assert!(started.is_ok(), "logging is started once");
}

/// Returns whether colour may be used on this stream (<https://no-color.org>).
#[expect(
    clippy::disallowed_methods,
    reason = "NO_COLOR is a convention of terminals, not our configuration"
)]
pub(crate) fn colour(stream: &impl std::io::IsTerminal) -> bool {
    stream.is_terminal() && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

/// Prints an error with its whole chain, one line per level.
pub(crate) fn error(error: &Error) {
    eprintln!("luytre: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because {cause}");
    }
}

/// Returns a progress bar on standard error; hidden when that is no terminal.
pub(crate) fn progress(total: u64, what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta}");
    let bar = ProgressBar::new(total);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Returns a progress bar over bytes, with the speed.
pub(crate) fn progress_bytes(total: u64) -> ProgressBar {
    let bar = progress(total, "read");
    let style = ProgressStyle::with_template(
        "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Prints rows as a table whose columns line up; counts characters, not bytes.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    if let Err(error) = write_table(&mut std::io::stdout().lock(), head, rows) {
        tracing::warn!(%error, "the table could not be printed");
    }
}

/// Writes rows as a table whose columns line up.
pub(crate) fn write_table(
    out: &mut dyn Write,
    head: &[&str],
    rows: &[Vec<String>],
) -> std::io::Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            let fill = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.push_str(&" ".repeat(fill));
        }
        writeln!(out, "{}", line.trim_end())
    };
    print(&mut head.iter().copied())?;
    for row in rows {
        print(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}
