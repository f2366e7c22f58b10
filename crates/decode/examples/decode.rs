//! Decodes lines from standard input and prints one event per line: for people who write a source.
//! `cargo run -p decode --example decode -- [parser] < file`; the parser is `auto` unless given.

use std::io::{self, BufRead as _, Write as _};

use decode::{Decoder, decode_sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parser = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let decoder = match Decoder::builtin() {
        Ok(decoder) => decoder,
        Err(errors) => {
            return Err(errors.first().map(ToString::to_string).unwrap_or_default().into());
        }
    };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        for event in decode_sample(&decoder, &parser, &String::from_utf8_lossy(&line)) {
            writeln!(out, "{event}")?;
        }
    }
    Ok(())
}
