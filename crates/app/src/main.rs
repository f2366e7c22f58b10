//! `luytre`: one binary that gives a province a working cybersecurity centre.
//!
//! This file only reads the command line and hands over; each command lives in `cli/`.

use std::process::ExitCode;

use clap::Parser as _;

/// The allocator: the default one keeps memory of bursts for itself and grows under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app::cli::run(app::cli::Cli::parse())
}
