//! What the command line prints, and how: plain when piped or when `NO_COLOR` is set.

use std::borrow::Cow;
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

/// Returns a text as a terminal may show it: what attackers wrote into a log or called a file must neither move
/// the cursor nor turn the direction of writing.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let moves = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(moves) { Cow::Owned(text.replace(moves, " ")) } else { Cow::Borrowed(text) }
}

/// Returns a cell that no spreadsheet takes for a formula: what attackers wrote ends up in it.
///
/// Source: OWASP, "CSV Injection".
pub(crate) fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Longer cells push the rest of their line aside; they do not widen the lines of all others.
const ALIGNED_CHARS_MAX: usize = 100;

/// Writes rows as a table whose columns line up.
pub(crate) fn write_table(
    out: &mut dyn Write,
    head: &[&str],
    rows: &[Vec<String>],
) -> std::io::Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count().min(ALIGNED_CHARS_MAX));
        }
    }
    let mut print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, width) in cells.zip(&widths) {
            let fill = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(&plain(cell));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_table_moves_the_cursor() {
        let rows = [vec!["m01\u{1b}[2J\r".to_owned(), "\u{202e}txt.exe".to_owned()]];
        let mut out = Vec::new();
        write_table(&mut out, &["host", "file"], &rows).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "host      file\nm01 [2J    txt.exe\n");
        assert_eq!(plain("Đà Nẵng"), "Đà Nẵng");
        let rows = [vec!["x".repeat(5_000), "a".to_owned()], vec!["y".to_owned(), "b".to_owned()]];
        let mut out = Vec::new();
        write_table(&mut out, &["host", "file"], &rows).unwrap();
        assert!(out.len() < 5_500, "one long name is long once");
    }

    #[test]
    fn hostile_cells_stay_text() {
        for (cell, want) in
            [("=1+1", "'=1+1"), ("\n=1+1", "'\n=1+1"), ("＝1", "'＝1"), ("a=1", "a=1"), ("", "")]
        {
            assert_eq!(harmless(cell), want);
        }
    }
}
