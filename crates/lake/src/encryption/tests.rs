//! What is read of an encrypted file is what was written, and nothing else is ever read of it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use uuid::Uuid;

use super::read::trailer_of;
use super::*;
use crate::catalogue::SegmentId;

impl ReadAt for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let start = usize::try_from(start).unwrap();
        let bytes = self.get(start..start + length).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(bytes.to_vec())
    }
}

const SEALED_CHUNK: usize = CHUNK_BYTES + 16;

fn file(number: u128) -> SegmentId {
    SegmentId::from_uuid(Uuid::from_u128(number))
}

fn keyring(keys: u128) -> Keyring {
    let master = MasterKey::generate().unwrap();
    let wrapped: Vec<WrappedKey> = (1..=keys)
        .map(|number| {
            let id = DataKeyId::from_uuid(Uuid::from_u128(number));
            master.wrap(&DataKey::generate(id).unwrap()).unwrap()
        })
        .collect();
    Keyring::open(&master, &wrapped).unwrap().unwrap()
}

fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// Seals bytes in pieces of some length.
fn sealed(keyring: &Keyring, id: SegmentId, plain: &[u8], piece: usize) -> Vec<u8> {
    let mut sealer = Sealer::begin(keyring.newest(), id).unwrap();
    let mut out = Vec::new();
    for piece in plain.chunks(piece) {
        sealer.push(piece, &mut out).unwrap();
    }
    sealer.finish(&mut out).unwrap();
    out
}

fn open(keyring: &Keyring, bytes: Vec<u8>) -> io::Result<SealedFile<Vec<u8>>> {
    SealedFile::open(bytes, Some(keyring), Some(file(1)))
}

fn all(keyring: &Keyring, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let file = open(keyring, bytes)?;
    let length = usize::try_from(file.plain_bytes()).unwrap();
    file.read(0, length).map(|bytes| bytes.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_range_is_as_it_was_written(
        length in 0..4 * CHUNK_BYTES,
        piece in 1..2 * CHUNK_BYTES,
        start in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
    ) {
        let (ring, plain) = (keyring(2), plain(length));
        let file = open(&ring, sealed(&ring, file(1), &plain, piece)).unwrap();
        prop_assert_eq!(file.plain_bytes(), length as u64);
        let (start, end) = (start.index(length + 1), end.index(length + 1));
        let (start, end) = (start.min(end), start.max(end));
        prop_assert_eq!(&file.read(start as u64, end - start).unwrap()[..], &plain[start..end]);
        prop_assert!(file.read(start as u64, length - start + 1).is_err(), "past the end");
        prop_assert_eq!(file.damaged().unwrap(), vec![]);
    }

    #[test]
    fn a_changed_byte_is_never_read(
        length in 1..3 * CHUNK_BYTES,
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let (ring, plain) = (keyring(1), plain(length));
        let mut bytes = sealed(&ring, file(1), &plain, length);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(all(&ring, bytes).is_err());
    }

    #[test]
    fn foreign_bytes_are_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let ring = keyring(1);
        prop_assert!(all(&ring, bytes.clone()).is_err());
        // With a trailer that is well formed, but of no file.
        let whole = sealed(&ring, file(1), b"x", 1);
        let trailer = &whole[whole.len() - Trailer::BYTES..];
        prop_assert!(all(&ring, [&bytes[..], trailer].concat()).is_err());
    }
}

#[test]
fn chunks_that_are_cut_off_swapped_doubled_or_of_another_file_are_refused() {
    let (ring, plain) = (keyring(1), plain(4 * CHUNK_BYTES + 100));
    let whole = sealed(&ring, file(1), &plain, 5000);
    assert_eq!(all(&ring, whole.clone()).unwrap(), plain);
    let trailer = whole.len() - Trailer::BYTES;
    let chunk = |number: usize| {
        let end = ((number + 1) * SEALED_CHUNK).min(trailer);
        whole[number * SEALED_CHUNK..end].to_vec()
    };
    let made_of = |numbers: &[usize]| {
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| chunk(*number)).collect();
        bytes.extend(&whole[trailer..]);
        bytes
    };
    assert_eq!(made_of(&[0, 1, 2, 3, 4]), whole);
    for numbers in [
        &[0, 1, 2, 3][..], // the last one cut off
        &[1, 2, 3, 4],     // the first one
        &[0, 2, 3, 4],
        &[0, 2, 1, 3, 4],
        &[0, 1, 1, 2, 3, 4],
        &[4],
        &[],
    ] {
        assert!(all(&ring, made_of(numbers)).is_err(), "{numbers:?}");
    }
    for cut in [1, Trailer::BYTES, 100, SEALED_CHUNK] {
        assert!(all(&ring, whole[..whole.len() - cut].to_vec()).is_err(), "{cut} bytes cut off");
    }
    // A chunk of another file with the same data key, at its own place.
    let other = sealed(&ring, file(1), &plain, 5000);
    let mut mixed = whole.clone();
    mixed[..SEALED_CHUNK].copy_from_slice(&other[..SEALED_CHUNK]);
    assert!(all(&ring, mixed).is_err());
    // What lies in other chunks can still be read, and damage is told to the place.
    let mut broken = whole;
    broken[SEALED_CHUNK + 5] ^= 1;
    let file = open(&ring, broken).unwrap();
    let (start, end) = (CHUNK_BYTES as u64, 2 * CHUNK_BYTES as u64);
    assert_eq!(file.damaged().unwrap(), vec![start..end]);
    assert_eq!(&file.read(end, 50).unwrap()[..], &plain[2 * CHUNK_BYTES..2 * CHUNK_BYTES + 50]);
    assert!(file.read(end - 1, 2).is_err());
}

#[test]
fn the_file_its_name_and_its_key_belong_together() {
    let (ring, plain) = (keyring(1), plain(100));
    let bytes = sealed(&ring, file(1), &plain, 100);
    let trailer = trailer_of(&bytes).unwrap().unwrap();
    assert_eq!((trailer.file, trailer.key), (file(1), ring.newest().id()));
    let error = SealedFile::open(bytes.clone(), Some(&ring), Some(file(2))).unwrap_err();
    assert!(error.to_string().contains("under another name"), "{error}");
    // Its id written over: the key is another one then.
    let mut renamed = bytes.clone();
    let at = renamed.len() - Trailer::BYTES + 8 + 16;
    renamed[at..at + 16].copy_from_slice(file(2).uuid().as_bytes());
    let renamed = SealedFile::open(renamed, Some(&ring), Some(file(2))).unwrap();
    assert!(renamed.read(0, 1).is_err());
    let error = SealedFile::open(bytes.clone(), None, None).unwrap_err();
    assert!(error.to_string().contains("lake.encryption.key_file"), "{error}");
    // A key of the same id, but another one.
    assert!(all(&keyring(1), bytes.clone()).is_err());
    // The keyring does not have it.
    let elsewhere = keyring(2);
    let foreign = sealed(&elsewhere, file(1), &plain, 100);
    let error = open(&ring, foreign).unwrap_err();
    assert!(error.to_string().contains("keyring does not have"), "{error}");
    assert_eq!(trailer_of(&b"PAR1 and whatever follows".repeat(9)).unwrap(), None);
    // The same bytes twice are two files that have nothing in common.
    assert_ne!(bytes[..100], sealed(&ring, file(1), &plain, 100)[..100]);
}

#[test]
fn a_master_key_opens_what_it_wrapped_and_nothing_else() {
    let (master, other) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    let id = DataKeyId::from_uuid(Uuid::from_u128(7));
    let wrapped = master.wrap(&DataKey::generate(id).unwrap()).unwrap();
    let key = master.unwrap(&wrapped).unwrap();
    let error = other.unwrap(&wrapped).unwrap_err().to_string();
    assert!(error.contains(&master.fingerprint()) && error.contains(&other.fingerprint()));
    // Wrapped anew, it is the same key: files stay as they are.
    let again = Keyring::open(&other, &[other.wrap(&key).unwrap()]).unwrap().unwrap();
    let bytes = sealed(&again, file(1), b"secret", 6);
    let ring = Keyring::open(&master, std::slice::from_ref(&wrapped)).unwrap().unwrap();
    assert_eq!(all(&ring, bytes).unwrap(), b"secret");
    for at in 0..wrapped.bytes.len() {
        let mut changed = wrapped.clone();
        changed.bytes[at] ^= 1;
        assert!(matches!(master.unwrap(&changed), Err(KeyError::Damaged { .. })), "byte {at}");
    }
    let renamed = WrappedKey { id: DataKeyId::from_uuid(Uuid::from_u128(8)), ..wrapped.clone() };
    assert!(matches!(master.unwrap(&renamed), Err(KeyError::Damaged { .. })));
    assert!(Keyring::open(&master, &[]).unwrap().is_none());
    let shown = format!("{master:?}{key:?}{ring:?}");
    assert!(
        !shown.contains(master.to_text().get(18..30).unwrap()) && !shown.contains("bytes"),
        "{shown}"
    );
}

#[test]
fn a_key_file_is_its_owners_alone_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake.key");
    let made = MasterKey::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(MasterKey::read(&path).unwrap().fingerprint(), made.fingerprint());
    assert!(matches!(MasterKey::create(&path), Err(KeyError::Unwritable { .. })));
    assert_eq!(MasterKey::read(&path).unwrap().fingerprint(), made.fingerprint());
    for mode in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(MasterKey::read(&path), Err(KeyError::Mode { .. })), "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    MasterKey::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(MasterKey::read(&path), Err(KeyError::Unreadable { .. })));
    let text = made.to_text();
    let bad: [&[u8]; 5] = [
        b"",
        &text.as_bytes()[..text.len() - 3],
        b"luytre-lake-key-1 zz",
        &[0xff; 40],
        b"luytre-lake-key-2 0000000000000000000000000000000000000000000000000000000000000000",
    ];
    for bytes in bad {
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(MasterKey::read(&path), Err(KeyError::NoKey { .. })), "{bytes:?}");
    }
}
