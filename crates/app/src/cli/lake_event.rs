//! One event of the lake by its id, beside a running platform or without it.

use anyhow::{Result, bail};
use event::{Event, EventId};
use lake::ExportError;
use lake::keep::find_event;

use super::lake::past;
use super::lake_verify::SpoolVerdict;
use crate::config::Config;
use crate::hunt::past::Past;

/// Returns the id that a text is, written as the platform writes ids.
pub(super) fn id_of(text: &str) -> Option<EventId> {
    /// 32 digits and 4 hyphens: no digest of a file, no id of another make.
    const ID_CHARS: usize = 36;
    (text.len() == ID_CHARS).then(|| text.parse().ok()).flatten()
}

/// Returns the event with this id.
///
/// # Errors
///
/// When there is no lake, none of its files has the event, or one that may have it cannot be read.
pub(super) async fn stored(config: &Config, id: EventId) -> Result<Event> {
    let mut before = None;
    loop {
        let Past { place, segments } = past(config).await?;
        let files = segments.clone();
        let found = tokio::task::spawn_blocking(move || find_event(&place, &files, id)).await?;
        match found {
            Ok(Some(event)) => return Ok(event),
            Ok(None) => {
                let waiting = waiting(config).await?;
                if waiting > 0 {
                    bail!(
                        "the lake's files have no event {id}; {waiting} records that came in are not in them yet, \
                         try again in a minute"
                    );
                }
                // What came in may have been written since the files were listed.
                if past(config).await?.segments == segments {
                    bail!("the lake has no event {id}");
                }
            }
            // A merge took a file away since then: what it held lies in a newer one.
            Err(ExportError::Replaced) if before.as_ref() != Some(&segments) => {
                before = Some(segments);
            }
            Err(ExportError::Replaced) => {
                bail!("a file of the lake is missing: `luytre lake verify` says which")
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns how many records came in that the lake's files do not have yet.
async fn waiting(config: &Config) -> Result<u64> {
    let db = super::open_existing_db(config).await?;
    Ok(SpoolVerdict::of(config, &db, false).await?.found.unread_frames)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use event::{IdSource, SpoolPosition};
    use lake::MasterKey;

    use super::*;
    use crate::cli::{Outcome, explain};
    use crate::serve::{open_db, open_lake};

    fn config(folder: &Path, key_file: Option<&Path>) -> Config {
        let mut config = Config::default();
        config.site.data_folder = folder.join("data");
        config.lake.encryption.key_file = key_file.map(ToOwned::to_owned);
        config
    }

    /// Fills a lake with a failed sign-in and a plain line, each in a file of its own; returns them.
    async fn filled(config: &Config) -> Vec<Event> {
        let reader = crate::hunt::reading::Reader::new("auto", &[]).unwrap();
        let mut events = Vec::new();
        for line in [
            "2026-11-23T10:00:00Z may01 sshd[7]: Failed password for an from 203.0.113.9 port 5 ssh2",
            r#"{"@timestamp":"2026-11-23T10:00:01Z","message":"tre ngoi"}"#,
        ] {
            reader.read_record(line.into(), &mut |batch| events.extend(batch));
        }
        let ids = IdSource::seeded(1);
        for event in &mut events {
            event.collected_at = event.occurred_at;
            event.id = ids.event(event.collected_at);
        }
        let db = open_db(config).await.unwrap();
        let lake = open_lake(config, &db).await.unwrap();
        for (event, position) in events.iter().zip(1..) {
            lake.append(vec![event.clone()], SpoolPosition(position)).await.unwrap();
            lake.flush().await.unwrap();
        }
        lake.close().await;
        events
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_is_found_by_its_id_and_explained_also_where_the_lake_is_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let (key, rule) = (folder.path().join("lake.key"), folder.path().join("sshd.yml"));
        MasterKey::create(&key).unwrap();
        let text = "title: t\nid: t\nlogsource: {product: linux}\n\
                    detection: {s: {src_ip|cidr: 203.0.113.0/24}, condition: s}\n";
        std::fs::write(&rule, text).unwrap();
        for (name, key_file) in [("plain", None), ("sealed", Some(key.as_path()))] {
            let config = config(&folder.path().join(name), key_file);
            let events = filled(&config).await;
            let [failed, plain] = events.as_slice() else { panic!("{events:?}") };
            for event in &events {
                let found = stored(&config, event.id).await.unwrap();
                let told = |own: &Event| (own.id, own.raw.clone(), own.fields.clone());
                assert_eq!(told(&found), told(event), "{name}");
            }
            let explained = |id: EventId| {
                let arguments = explain::typed(&[rule.to_str().unwrap(), &id.to_string()]);
                let config = config.clone();
                tokio::task::spawn_blocking(move || explain::run(&config, &arguments))
            };
            assert_eq!(explained(failed.id).await.unwrap().unwrap(), Outcome::Good);
            let other = explained(plain.id).await.unwrap().unwrap();
            assert_eq!(other, Outcome::NotInOrder);
            let unknown: EventId = "01a22440-c968-7000-85cc-17dd9eabc10c".parse().unwrap();
            let error = explained(unknown).await.unwrap().unwrap_err();
            assert_eq!(error.to_string(), format!("the lake has no event {unknown}"), "{name}");
        }
    }

    #[test]
    fn only_what_is_written_as_an_id_is_one() {
        assert!(id_of("01a22440-c968-7000-85cc-17dd9eabc10c").is_some());
        for line in ["d41d8cd98f00b204e9800998ecf8427e", "", "01a22440-c968-7000-85cc-17dd9eabc10x"]
        {
            assert_eq!(id_of(line), None, "{line}");
        }
    }
}
