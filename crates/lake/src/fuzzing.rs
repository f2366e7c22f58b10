//! What a fuzzer throws foreign bytes at.

use std::io;

use chrono::DateTime;
use event::{AgencyId, IdSource, Origin, SourceId};
use uuid::Uuid;

use crate::encryption::{DataKey, Keyring, MasterKey, ReadAt, SealedFile, trailer_of};
use crate::rows::{FlatDefaults, FlatReader, decode};
use crate::segment::Tokens;

/// Turns lines into columns and those into events again.
///
/// # Panics
///
/// When a line that was taken makes no event: that is what is looked for.
pub fn lines(bytes: &[u8]) {
    let origin = Origin {
        agency: AgencyId::from_uuid(Uuid::nil()),
        system: None,
        source: SourceId::from_uuid(Uuid::nil()),
    };
    let now = DateTime::UNIX_EPOCH;
    let mut reader = FlatReader::new(&FlatDefaults { origin, collected_at: now });
    let text = String::from_utf8_lossy(bytes);
    let mut ids = IdSource::seeded(1).event_run(now);
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        let bytes = reader.cut(rest).bytes;
        let lines = reader.times().count();
        let read = reader.rows(rest, 0..lines, &mut ids, &mut Tokens::default());
        let events = read.map(|rows| decode(&rows.batch).map(|events| events.len()));
        assert!(matches!(events, Ok(Ok(events)) if events == lines));
        rest = rest.get(bytes..).unwrap_or_default();
    }
}

/// Opens bytes as an encrypted file: its trailer, its layout, its chunks. `at` is where the fuzzer reads.
///
/// # Panics
///
/// When anything is read of bytes that no key has written: that is what is looked for.
pub fn encrypted(bytes: &[u8], at: u64) {
    let bytes = Foreign(bytes);
    let Ok(Some(trailer)) = trailer_of(&bytes) else { return };
    let master = MasterKey::generate();
    let wrapped = master.and_then(|master| {
        let wrapped = master.wrap(&DataKey::generate(trailer.key)?)?;
        Keyring::open(&master, &[wrapped])
    });
    let Ok(Some(keyring)) = wrapped else { return };
    if let Ok(file) = SealedFile::open(bytes, Some(&keyring), None) {
        let start = at.checked_rem(file.plain_bytes()).unwrap_or(0);
        assert!(file.read(start, 1).is_err(), "bytes of no key were opened");
        assert!(file.damaged().is_ok(), "damage is told, not stumbled over");
    }
}

/// Reads bytes as what a leaf of a distributed question is on the wire.
#[cfg(feature = "distributed")]
pub fn plan(bytes: &[u8]) {
    crate::distributed::decode_foreign(bytes);
}

/// A fuzzer's bytes as a file.
struct Foreign<'a>(&'a [u8]);

impl ReadAt for Foreign<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn bytes_at(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let start = usize::try_from(start).map_err(io::Error::other)?;
        let bytes = self.0.get(start..).and_then(|rest| rest.get(..length));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
