//! A file system that gives up in the middle of syncs: what a sync said is there has to be there. Wants root, an ext4
//! image and a loop device; where they are missing the test says so.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use vault::persist;

/// A sync was answered falsely in one of ten rounds.
const ROUNDS: u8 = 40;

/// Syncs before the file system is made to give up.
const SYNCS_BEFORE: usize = 5;

/// One piece; its bytes tell which.
const PIECE_BYTES: usize = 20_000;

#[test]
fn what_a_sync_confirmed_is_there_after_the_file_system_gave_up() {
    let folder = tempfile::tempdir().unwrap();
    let (image, mounted) = (folder.path().join("disk.img"), folder.path().join("disk"));
    fs::create_dir(&mounted).unwrap();
    for round in 0..ROUNDS {
        File::create(&image).unwrap().set_len(32 << 20).unwrap();
        if let Err(said) = run("mkfs.ext4", &["-q", text(&image)])
            .and_then(|()| run("mount", &["-o", "loop", text(&image), text(&mounted)]))
        {
            println!("skipped: no ext4 of its own: {said}");
            return;
        }
        let (tell, told) = mpsc::channel();
        let path = mounted.join("pieces");
        let writer = thread::spawn(move || write_until_refused(&path, &tell).unwrap());
        assert!(told.iter().take(SYNCS_BEFORE).count() == SYNCS_BEFORE);
        run("mount", &["-o", "remount,abort", text(&mounted)]).unwrap();
        let confirmed = writer.join().unwrap();
        run("umount", &[text(&mounted)]).unwrap();
        // The kernel reads the journal again, as at the next start of a machine.
        run("mount", &["-o", "loop", text(&image), text(&mounted)]).unwrap();
        let found = fs::read(mounted.join("pieces")).unwrap();
        run("umount", &[text(&mounted)]).unwrap();
        let wanted: Vec<u8> =
            (0..confirmed).flat_map(|piece| vec![mark(piece); PIECE_BYTES]).collect();
        assert!(
            found.starts_with(&wanted),
            "round {round}: {confirmed} pieces, {} bytes",
            found.len()
        );
    }
}

/// Appends and syncs until that fails; returns how many pieces are there as the syncs said.
fn write_until_refused(path: &Path, tell: &mpsc::Sender<()>) -> io::Result<usize> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let mut confirmed = 0;
    while file
        .write_all(&vec![mark(confirmed); PIECE_BYTES])
        .and_then(|()| persist::sync(&file))
        .is_ok()
    {
        confirmed += 1;
        tell.send(()).unwrap();
    }
    Ok(confirmed)
}

fn mark(piece: usize) -> u8 {
    u8::try_from(piece % 251).unwrap_or(0)
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
