//! What lies in the folder of people's files, told to whoever changes keys: which file is sealed, and which can be
//! written again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;
use vault::Kept;

use crate::custody::{id_of, part_id, piece_of, start_of};
use crate::files::Files;

/// A file that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRest {
    /// Where it lies.
    pub path: PathBuf,
    /// How it lies there.
    pub form: Form,
    /// Its name and id in the vault; none if it is not written again, but ends by itself: what is under way.
    pub kept: Option<(PathBuf, Uuid)>,
}

/// How a file lies there, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Sealed.
    Sealed,
    /// As it is.
    Plain,
    /// Half of one or the other: of use to nobody once its writer has ended.
    Unfinished,
}

/// What names of files end with that are being written.
const UNFINISHED: [&str; 2] = [".part", ".new"];

/// What a folder may hold.
#[derive(Debug, Clone, Copy)]
enum Room {
    /// What jobs made for people.
    Exports,
    /// The store, by digests.
    Store,
    /// Plain pieces on their way in.
    Incoming,
    /// The parts of one.
    Parts(Uuid),
    /// Papers as older versions kept them, until the next start.
    Old,
}

impl Room {
    /// Returns the id of a file of this name, if it can be written again.
    fn id(self, name: &str) -> Option<Uuid> {
        match self {
            Self::Exports => name.parse().ok(),
            Self::Store => (name.len() == 64).then(|| id_of(name)),
            Self::Parts(piece) => start_of(name).map(|offset| part_id(piece, offset)),
            Self::Incoming | Self::Old => None,
        }
    }
}

impl Files {
    /// Returns all files in the folder, in the order of their paths.
    ///
    /// # Errors
    ///
    /// When the disk does not tell.
    pub fn at_rest(&self) -> io::Result<Vec<AtRest>> {
        let mut found = Vec::new();
        let folder = self.folder();
        files_in(folder, Room::Exports, &mut found)?;
        files_in(&folder.join("orders"), Room::Old, &mut found)?;
        for (path, _) in folders_in(&folder.join("store"))? {
            files_in(&path, Room::Store, &mut found)?;
        }
        let incoming = folder.join("incoming");
        files_in(&incoming, Room::Incoming, &mut found)?;
        for (path, name) in folders_in(&incoming)? {
            if let Some(piece) = piece_of(&name) {
                files_in(&path, Room::Parts(piece), &mut found)?;
            }
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }
}

/// Returns what is in a folder: path, name, and whether it is a folder itself; nothing, if it is not there.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, String, bool)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // What we name is text.
        if let Ok(name) = entry.file_name().into_string() {
            found.push((entry.path(), name, entry.file_type()?.is_dir()));
        }
    }
    Ok(found)
}

fn folders_in(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let folders = entries(folder)?.into_iter().filter(|(_, _, is_folder)| *is_folder);
    Ok(folders.map(|(path, name, _)| (path, name)).collect())
}

fn files_in(folder: &Path, room: Room, found: &mut Vec<AtRest>) -> io::Result<()> {
    for (path, name, is_folder) in entries(folder)? {
        if is_folder {
            continue;
        }
        let (own, form) = match Kept::of(&name) {
            Kept::Left(_) => (None, Form::Unfinished),
            _ if UNFINISHED.iter().any(|ending| name.ends_with(ending)) => (None, Form::Unfinished),
            Kept::Sealed(own) => (Some(own), Form::Sealed),
            Kept::Plain(own) => (Some(own), Form::Plain),
        };
        let kept = own.and_then(|own| Some((folder.join(own), room.id(own)?)));
        found.push(AtRest { path, form, kept });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use vault::Vault;
    use vault::testing::paper;

    use super::*;
    use crate::custody::{Gathered, keep_bytes};

    #[tokio::test]
    async fn every_file_is_found_and_written_again_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let plain = Files::plain(folder.path());
        let (job, piece) = (Uuid::from_u128(1), Uuid::from_u128(2));
        fs::write(plain.join(job.to_string()), "mat khau").unwrap();
        fs::write(plain.join(format!("{job}-1.part")), "mat khau").unwrap();
        let stored = keep_bytes(&plain, Uuid::from_u128(3), "mat khau".into()).await.unwrap();
        Gathered::of(&plain, piece).write(0, b"mat ", Uuid::from_u128(4)).unwrap();
        let sealing = Files::new(folder.path(), paper());
        Gathered::of(&sealing, piece).write(4, b"khau", Uuid::from_u128(5)).unwrap();

        let all = sealing.at_rest().unwrap();
        let told: Vec<(Form, bool)> =
            all.iter().map(|one| (one.form, one.kept.is_some())).collect();
        let wanted = [
            // The export, one that is being made.
            (Form::Plain, true),
            (Form::Unfinished, false),
            // A plain piece on its way, its sealed part.
            (Form::Plain, false),
            (Form::Sealed, true),
            // The store.
            (Form::Plain, true),
        ];
        assert_eq!(told, wanted);
        for (name, id) in all.into_iter().filter_map(|one| one.kept) {
            sealing.vault().write_again(&name, id).unwrap();
        }
        let all = sealing.at_rest().unwrap();
        let stay: Vec<_> = all.iter().filter(|one| one.form != Form::Sealed).collect();
        assert_eq!(stay.len(), 2, "what is under way stays: {stay:?}");
        assert!(stay.iter().all(|one| one.kept.is_none()));
        let read = crate::custody::read(&sealing, &stored.sha256).await.unwrap();
        assert_eq!(read, b"mat khau");
        let mut parts = Vec::new();
        let mut gathered = Gathered::of(&sealing, piece).open(8).unwrap();
        io::Read::read_to_end(&mut gathered, &mut parts).unwrap();
        assert_eq!(parts, b"mat khau");
        assert!(Vault::default().open(&sealing.join(job.to_string()), job).is_err(), "no key");
    }
}
