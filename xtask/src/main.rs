//! The project's own chores: `cargo xtask <chore>`.

#![expect(clippy::print_stdout, reason = "a command line answers on standard output")]

use std::path::Path;

use anyhow::{Context as _, Result, bail};

mod assets;
mod tidy;

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent")?;
    match std::env::args().nth(1).as_deref() {
        Some("assets") => assets::run(root),
        Some("tidy") => tidy::run(root),
        Some(other) => bail!("there is no chore \"{other}\"; there are: assets, tidy"),
        None => bail!("name a chore: assets, tidy"),
    }
}
