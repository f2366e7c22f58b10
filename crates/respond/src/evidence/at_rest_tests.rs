//! Evidence where people's files are sealed: nothing of it lies on the disk as it is, and all goes on as ever.

use std::path::{Path, PathBuf};

use axum::body::to_bytes;
use db::testing::sqlite;
use vault::testing::paper;
use web::Role;
use web::paging::Page;

use super::model::Item;
use super::tests::{Room, named, reader, room_with};
use super::{pages, receive, routes};
use crate::custody::{self, Gathered};
use crate::desk::Desk;
use crate::files::Files;
use crate::testing::*;

const WORDS: &[u8] = b"mat khau";

/// Returns all files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Returns the files below a folder in which the words stand.
fn telling(folder: &Path) -> Vec<PathBuf> {
    let tells = |path: &PathBuf| {
        std::fs::read(path).unwrap().windows(WORDS.len()).any(|words| words == WORDS)
    };
    files_below(folder).into_iter().filter(tells).collect()
}

async fn bytes_of(room: &Room, item: &Item) -> Vec<u8> {
    let taken = routes::taken(&room.desk, &reader(Role::DutyOfficer), item.id).await.unwrap();
    to_bytes(taken.into_body(), 1 << 20).await.unwrap().to_vec()
}

#[tokio::test]
async fn a_sealed_piece_is_gathered_searched_scanned_and_taken_out() {
    let test = sqlite().await;
    let room = room_with(&test, paper()).await;
    let (desk, who) = (&room.desk, analyst());
    let new = named("a.php", 22);
    let id = receive::begin(desk, &who, room.incident, new).await.unwrap().id;
    receive::add_part(desk, &who, id, (0, "<?php EV".into())).await.unwrap();
    // A part that was written and not written down, as a crash leaves it, gives way to the next try.
    let try_id = desk.db.new_uuid();
    Gathered::of(&desk.files, id).write(8, b"IL; tap tin khac han", try_id).unwrap();
    receive::add_part(desk, &who, id, (8, "IL; // ".into())).await.unwrap();
    receive::add_part(desk, &who, id, (15, "mat kha".into())).await.unwrap();
    let sealed = receive::seal(desk, &who, id, "").await.unwrap();
    assert_eq!(bytes_of(&room, &sealed).await, b"<?php EVIL; // mat kha");

    let words = room.sealed("b.php", "<?php EVIL; // mat khau").await;
    assert_eq!(bytes_of(&room, &words).await, b"<?php EVIL; // mat khau");
    let reader = reader(Role::DutyOfficer);
    routes::scan_asked(desk, &reader, words.id).await.unwrap();
    let job = routes::asked(desk, &reader, room.incident).await.unwrap();
    room.work().await;
    let page = pages::detail(desk, &reader, words.id, Page::default()).await.unwrap();
    assert_eq!(page.scan.as_ref().unwrap().scanned.hit_count, 1);
    assert_eq!(page.examined.as_ref().unwrap().events, 23);
    let answer = routes::export_taken(desk, &reader, room.incident, job.uuid()).await.unwrap();
    let archive = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let list = pages::list(desk, &reader, room.incident).await.unwrap();
    assert_eq!(crate::file::sha256(&archive), list.exports[0].sha256);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive.to_vec())).unwrap();
    let name = format!("evidence/{}-b.php", words.number);
    let mut packed = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_name(&name).unwrap(), &mut packed).unwrap();
    assert_eq!(packed, b"<?php EVIL; // mat khau");

    let folder = desk.files.folder();
    assert_eq!(telling(folder), Vec::<PathBuf>::new());
    assert_eq!(files_below(&folder.join("incoming")), Vec::<PathBuf>::new());
    let all = files_below(folder);
    assert!(all.iter().all(|path| path.extension().is_some_and(|own| own == "sealed")), "{all:?}");
}

#[tokio::test]
async fn a_piece_that_was_begun_plain_goes_on_sealed() {
    let test = sqlite().await;
    let room = room_with(&test, paper()).await;
    let plain = Desk { files: Files::plain(room.desk.files.folder()), ..room.desk.clone() };
    let (desk, who) = (&room.desk, analyst());
    let id = receive::begin(&plain, &who, room.incident, named("a", 12)).await.unwrap().id;
    receive::add_part(&plain, &who, id, (0, "mat ".into())).await.unwrap();
    receive::add_part(desk, &who, id, (4, "khau".into())).await.unwrap();
    receive::add_part(desk, &who, id, (8, " moi".into())).await.unwrap();
    let item = receive::seal(desk, &who, id, "").await.unwrap();
    assert_eq!(bytes_of(&room, &item).await, b"mat khau moi");
    assert_eq!(telling(desk.files.folder()), Vec::<PathBuf>::new());

    // What lay in the store from before is read, and sealed when the same comes once more.
    let old = custody::keep_bytes(&plain.files, uuid::Uuid::from_u128(1), "mat khau cu".into());
    let old = old.await.unwrap();
    assert_eq!(custody::read(&desk.files, &old.sha256).await.unwrap(), b"mat khau cu");
    assert_eq!(telling(desk.files.folder()).len(), 1);
    let again = custody::keep_bytes(&desk.files, uuid::Uuid::from_u128(2), "mat khau cu".into());
    assert_eq!(again.await.unwrap(), old);
    assert_eq!(custody::read(&desk.files, &old.sha256).await.unwrap(), b"mat khau cu");
    assert_eq!(telling(desk.files.folder()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_part_that_is_gone_or_short_is_told_and_not_sealed() {
    let test = sqlite().await;
    let room = room_with(&test, paper()).await;
    let (desk, who) = (&room.desk, analyst());
    let id = receive::begin(desk, &who, room.incident, named("a", 8)).await.unwrap().id;
    receive::add_part(desk, &who, id, (0, "mat ".into())).await.unwrap();
    receive::add_part(desk, &who, id, (4, "khau".into())).await.unwrap();
    let gathered = Gathered::of(&desk.files, id);
    gathered.write(4, b"kh", desk.db.new_uuid()).unwrap();
    assert!(receive::seal(desk, &who, id, "").await.is_err());
    gathered.write(4, b"khau", desk.db.new_uuid()).unwrap();
    assert_eq!(receive::seal(desk, &who, id, "").await.unwrap().size_bytes, 8);
}
