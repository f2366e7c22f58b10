//! Files of a vault: whole or not there, sealed or from before, read from any place.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use uuid::Uuid;

use crate::testing::paper;
use crate::{Kept, Vault, VaultReader};

const ID: Uuid = Uuid::from_u128(7);

fn write(vault: &Vault, name: &Path, bytes: &[u8]) {
    let part = name.with_extension("part");
    let mut file = vault.create(&part, ID).unwrap();
    file.write_all(bytes).unwrap();
    file.finish().unwrap();
    vault.settle(&part, name).unwrap();
}

fn all(mut file: VaultReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_plain_file_is_read_and_gives_way_to_a_sealed_one() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("a");
    write(&Vault::default(), &name, b"mat khau cu");
    let vault = paper();
    let old = vault.open(&name, ID).unwrap();
    assert_eq!(old.plain_path(), Some(name.as_path()));
    assert_eq!(all(old), b"mat khau cu");
    // What a process that was killed has left of a writing is no file.
    fs::write(folder.path().join("a.again"), "half").unwrap();
    assert_eq!(all(vault.open(&name, ID).unwrap()), b"mat khau cu");
    vault.write_again(&name, ID).unwrap();
    assert_eq!(names(folder.path()), ["a.sealed"]);
    let new = vault.open(&name, ID).unwrap();
    assert_eq!((new.plain_path(), new.size_bytes()), (None, 11));
    assert_eq!(all(new), b"mat khau cu");
    let bytes = fs::read(folder.path().join("a.sealed")).unwrap();
    assert!(!bytes.windows(3).any(|three| three == b"mat"));
    // Where both are there, because it ended in between, the sealed one counts.
    fs::write(&name, "older").unwrap();
    assert_eq!(all(vault.open(&name, ID).unwrap()), b"mat khau cu");
    vault.remove(&name).unwrap();
    assert!(names(folder.path()).is_empty());
    assert_eq!(vault.open(&name, ID).unwrap_err().kind(), std::io::ErrorKind::NotFound);
    vault.remove(&name).unwrap();
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("a");
    write(&paper(), &name, b"x");
    let keyless = Vault::default().open(&name, ID).unwrap_err();
    assert_eq!(keyless.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(keyless.to_string().contains("a.sealed"), "{keyless}");
    let other = paper().open(&name, Uuid::from_u128(8)).unwrap_err();
    assert_eq!(other.kind(), std::io::ErrorKind::InvalidData);
    assert!(other.to_string().contains("a.sealed"), "{other}");
}

#[test]
fn any_place_of_a_sealed_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("a");
    let bytes: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    write(&paper(), &name, &bytes);
    let mut file = paper().open(&name, ID).unwrap();
    let size = file.size_bytes();
    for (to, place) in [
        (SeekFrom::Start(0), 0),
        (SeekFrom::Start(262_143), 262_143),
        (SeekFrom::Current(5), 262_152),
        (SeekFrom::Current(-262_000), 156),
        (SeekFrom::End(-4), bytes.len() - 4),
        (SeekFrom::Start(1_000_001), 1_000_001),
    ] {
        assert_eq!(file.seek(to).unwrap(), place as u64);
        let mut four = [0; 4];
        file.read_exact(&mut four).unwrap();
        assert_eq!(four, bytes[place..place + 4], "{to:?}");
    }
    assert_eq!(file.seek(SeekFrom::End(3)).unwrap(), size + 3);
    assert_eq!(file.read(&mut [0; 4]).unwrap(), 0, "behind the end is nothing");
    assert!(file.seek(SeekFrom::Current(i64::MIN)).is_err());
    file.rewind().unwrap();
    assert_eq!(all(file), bytes);
}

#[test]
fn a_name_says_what_it_is() {
    assert_eq!(Kept::of("a.sealed"), Kept::Sealed("a"));
    assert_eq!(Kept::of("a.again"), Kept::Left("a"));
    assert_eq!(Kept::of("a"), Kept::Plain("a"));
}
