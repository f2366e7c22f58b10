//! The watch over the platform's own disk: a disk that is nearly full, a spool or a lake that cannot
//! be written, and a disk that will be full soon are findings like any other. The duty page shows the
//! state of the moment from memory, also while the database cannot take an alert.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use collect::{Recovered, Spool, Trouble};
use db::Db;
use event::{AgencyId, Entity, EntityKind, Finding, Match, Origin, Scope, Severity, SourceId};
use lake::{Lake, Where};
use respond::{Hub, Storage, StorageTrouble};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::forecast::{Kept, Leaving, daily_bytes};
use super::silence::moment_id;

/// The rule id of a finding about the platform's own storage.
pub const STORAGE_RULE: &str = "luytre-storage";

/// What findings about the platform as a whole are about.
const PLATFORM: &str = "luytre";

/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is asked for how long logs are kept.
const TERMS_EVERY: TimeDelta = TimeDelta::hours(1);

/// A disk that is full in fewer days is told of, once a day.
const DAYS_WARNED: u64 = 14;

/// What the watch looks at.
#[derive(Debug)]
pub(crate) struct StorageWatch {
    pub(crate) folder: PathBuf,
    pub(crate) free_bytes_min: u64,
    /// Nothing where there is none.
    pub(crate) spool: Option<Spool>,
    pub(crate) lake: Arc<Lake>,
    /// Days after which files leave this disk for a store; nothing where they stay.
    pub(crate) after_days: Option<u32>,
    /// What the start found, to be told.
    pub(crate) found: Vec<Notice>,
    /// Months that logs are kept where nobody set longer.
    pub(crate) months: u32,
    pub(crate) teller: Teller,
}

/// Tells the agencies at the top of what the platform finds about itself.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    pub(crate) db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) names: Arc<dyn respond::Directory>,
    pub(crate) hub: Hub,
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) rule: &'static str,
    /// What of the platform it is about.
    pub(crate) about: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) severity: Severity,
    pub(crate) title: &'static str,
    pub(crate) title_vi: &'static str,
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl StorageWatch {
    /// Watches until `stop`. What cannot be told now is told when the database takes it.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut trouble: Option<StorageTrouble> = None;
        let mut untold = std::mem::take(&mut self.found);
        let mut warned_on = None;
        let mut known = BTreeSet::new();
        let mut terms: Option<(DateTime<Utc>, Leaving)> = None;
        loop {
            let now = self.teller.db.now();
            let damaged = self.lake.health().damaged;
            known.retain(|path| damaged.contains(path));
            let fresh = damaged.into_iter().filter(|path| known.insert(path.clone()));
            // A moment of its own for each: by that findings are told apart.
            let moments = (1..).map(|number| now + TimeDelta::milliseconds(number));
            untold.extend(fresh.zip(moments).map(|(path, at)| file_damaged(path, at)));
            trouble = self.trouble(trouble.as_ref(), now, &mut untold);
            let still = terms.filter(|(asked, _)| (now - *asked).abs() < TERMS_EVERY);
            let (asked, leaving) = match still {
                Some(known) => known,
                None => (now, self.leaving(now).await),
            };
            terms = Some((asked, leaving));
            if let Some(storage) = self.measure(trouble.clone(), now, leaving) {
                if let Some(days) = storage.days_left.filter(|days| *days < DAYS_WARNED)
                    && warned_on != Some(now.date_naive())
                {
                    warned_on = Some(now.date_naive());
                    untold.push(full_soon(days, &storage, now));
                }
                self.teller.hub.set_storage(storage);
            }
            if !untold.is_empty() && self.teller.tell(&untold).await {
                untold.clear();
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Returns the trouble of this moment, with its beginning; one that is new is noted to be told.
    fn trouble(
        &self,
        before: Option<&StorageTrouble>,
        now: DateTime<Utc>,
        untold: &mut Vec<Notice>,
    ) -> Option<StorageTrouble> {
        let found = found(self.spool.as_ref().and_then(Spool::trouble), &self.lake.health());
        let Some((kind, detail)) = found else {
            if let Some(over) = before {
                tracing::info!(kind = over.kind, "the storage's trouble is over");
            }
            return None;
        };
        if let Some(same) = before.filter(|before| before.kind == kind) {
            return Some(StorageTrouble { detail, ..same.clone() });
        }
        tracing::error!(kind, detail, "the storage is in trouble");
        let trouble = StorageTrouble { kind: kind.to_owned(), since: now, detail };
        untold.push(notice(&trouble));
        Some(trouble)
    }

    /// Returns how files leave the disk again. While it is not known what may be deleted, nothing is.
    async fn leaving(&self, now: DateTime<Utc>) -> Leaving {
        let db = &self.teller.db;
        let plan = registry::keeping::plan(db, &self.teller.registry, self.months, now).await;
        let holds = respond::hold::effective(db.conn(), &Scope::platform(), now).await;
        let kept = match (plan, holds) {
            (Ok(plan), Ok(holds)) => Some(Kept {
                days: plan.days_max(),
                held_from: holds.iter().map(|hold| hold.from.date_naive()).min(),
            }),
            _ => None,
        };
        Leaving { after_days: self.after_days, kept }
    }

    fn measure(
        &self,
        trouble: Option<StorageTrouble>,
        now: DateTime<Utc>,
        leaving: Leaving,
    ) -> Option<Storage> {
        let room = collect::disk_room(&self.folder).ok()?;
        let files = self.lake.files();
        let daily_bytes = daily_bytes(&files, now);
        let left = room.free_bytes.saturating_sub(self.free_bytes_min);
        let bytes = |place: Option<Where>| -> u64 {
            let there = files.iter().filter(|file| place.is_none_or(|place| file.lies_in == place));
            there.map(|file| file.size_bytes).sum()
        };
        Some(Storage {
            free_bytes: room.free_bytes,
            total_bytes: room.total_bytes,
            lake_bytes: bytes(None),
            store_bytes: bytes(Some(Where::Store)),
            daily_bytes,
            days_left: daily_bytes
                .and_then(|daily| leaving.days_left(&files, left, daily, now.date_naive())),
            trouble,
        })
    }
}

/// Returns what is wrong, by its kind, and what the system said.
fn found(spool: Option<Trouble>, lake: &lake::LakeHealth) -> Option<(&'static str, String)> {
    match spool {
        Some(Trouble::DiskLow { .. }) => return Some(("disk-low", String::new())),
        Some(Trouble::Failing { error }) => return Some(("spool-failing", error)),
        Some(Trouble::Unreadable { error }) => return Some(("spool-unreadable", error)),
        _ => {}
    }
    if lake.failures > 0 {
        return Some(("lake-failing", lake.error.clone().unwrap_or_default()));
    }
    matches!(spool, Some(Trouble::Behind { .. })).then(|| ("behind", String::new()))
}

fn notice(trouble: &StorageTrouble) -> Notice {
    let (severity, title, title_vi) = match trouble.kind.as_str() {
        "disk-low" => (
            Severity::High,
            "The platform's disk is nearly full: nothing is taken in, senders must wait",
            "Ổ đĩa của hệ thống sắp đầy: tạm dừng nhận log, nguồn gửi phải chờ",
        ),
        "behind" => (
            Severity::Medium,
            "The queue of accepted logs is full: senders must wait",
            "Hàng chờ log đã nhận bị đầy: nguồn gửi phải chờ",
        ),
        "lake-failing" => (
            Severity::High,
            "Logs cannot be written to the lake; what was accepted stays in the queue",
            "Không ghi được log vào kho; log đã nhận vẫn nằm trong hàng chờ",
        ),
        "spool-unreadable" => (
            Severity::High,
            "Accepted logs cannot be read back from the disk: they are neither judged nor found until they can",
            "Không đọc lại được log đã nhận từ ổ đĩa: chưa phân tích, chưa tìm kiếm được",
        ),
        _ => (
            Severity::High,
            "What comes in cannot be written to the disk: senders must wait",
            "Không ghi được log vừa nhận xuống ổ đĩa: nguồn gửi phải chờ",
        ),
    };
    let facts = if trouble.detail.is_empty() {
        Vec::new()
    } else {
        vec![("error", trouble.detail.clone())]
    };
    let (rule, about) = (STORAGE_RULE, PLATFORM.to_owned());
    Notice { rule, about, at: trouble.since, severity, title, title_vi, facts }
}

/// Returns what is to be told of a spool that did not hold all that it was given; nothing where it did.
pub(crate) fn records_lost(recovered: &Recovered, now: DateTime<Utc>) -> Option<Notice> {
    (recovered.lost_batches > 0).then(|| Notice {
        rule: STORAGE_RULE,
        about: PLATFORM.to_owned(),
        at: now,
        severity: Severity::High,
        title: "The queue of accepted logs is damaged: records in it are lost",
        title_vi: "Hàng chờ log đã nhận bị hỏng: mất một số bản ghi",
        facts: vec![
            ("batches lost", recovered.lost_batches.to_string()),
            ("bytes damaged", recovered.damaged_bytes.to_string()),
        ],
    })
}

/// Returns what is to be told of a file of the lake that is not as it was written.
fn file_damaged(path: String, at: DateTime<Utc>) -> Notice {
    Notice {
        rule: STORAGE_RULE,
        about: path.clone(),
        at,
        severity: Severity::High,
        title: "A file of the lake is damaged: searches over it fail. `luytre lake verify` and `repair` tell more",
        title_vi: "Một tệp của kho log bị hỏng: tìm kiếm trong tệp này sẽ lỗi. Xem `luytre lake verify` và `repair`",
        facts: vec![("file", path)],
    }
}

fn full_soon(days: u64, storage: &Storage, now: DateTime<Utc>) -> Notice {
    let day = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    Notice {
        rule: STORAGE_RULE,
        about: PLATFORM.to_owned(),
        // One a day, whoever restarts meanwhile.
        at: day,
        severity: Severity::Medium,
        title: "The platform's disk will soon be full",
        title_vi: "Ổ đĩa của hệ thống sẽ sớm đầy",
        facts: vec![
            ("days left", days.to_string()),
            ("free bytes", storage.free_bytes.to_string()),
            ("bytes a day", storage.daily_bytes.unwrap_or_default().to_string()),
        ],
    }
}

impl Teller {
    /// Tells; returns whether all is told (also when there is no agency to tell it to).
    pub(crate) async fn tell(&self, notices: &[Notice]) -> bool {
        let snapshot = self.registry.snapshot();
        let tops: Vec<AgencyId> = snapshot
            .tree()
            .iter()
            .filter(|agency| agency.parent.is_none())
            .map(|agency| agency.id)
            .collect();
        let findings: Vec<Finding> = notices
            .iter()
            .flat_map(|notice| tops.iter().map(|top| finding(notice, *top)))
            .collect();
        if findings.is_empty() {
            return true;
        }
        let names = self.names.as_ref();
        match respond::alert::receive(&self.db, names, &self.hub, findings, &[]).await {
            Ok(_) => true,
            Err(error) => {
                let error = web::chain(&error);
                tracing::error!(error, "the storage's trouble cannot be reported yet");
                false
            }
        }
    }
}

pub(super) fn finding(notice: &Notice, agency: AgencyId) -> Finding {
    let reason = |(field, value): &(&'static str, String)| Match {
        selection: "storage".to_owned(),
        field: (*field).to_owned(),
        value: value.clone(),
        ..Match::default()
    };
    Finding {
        rule: notice.rule.to_owned(),
        title: notice.title.to_owned(),
        title_vi: Some(notice.title_vi.to_owned()),
        severity: notice.severity,
        tags: Vec::new(),
        event: moment_id(agency.uuid(), notice.at),
        events: Vec::new(),
        origin: Origin { agency, system: None, source: SourceId::from_uuid(Uuid::nil()) },
        occurred_at: notice.at,
        entity: Entity { kind: EntityKind::Source, value: notice.about.clone() },
        matched: notice.facts.iter().map(reason).collect(),
        count: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + hours * 3600, 0).unwrap()
    }

    #[test]
    fn the_worst_trouble_is_told_first() {
        let well = lake::LakeHealth::default();
        let ill = lake::LakeHealth {
            failures: 2,
            error: Some("no space".to_owned()),
            ..lake::LakeHealth::default()
        };
        let low = Trouble::DiskLow { free_bytes: 1, free_bytes_min: 2 };
        let behind = Trouble::Behind { disk_bytes: 9 };
        assert_eq!(found(None, &well), None);
        assert_eq!(found(Some(low), &ill), Some(("disk-low", String::new())));
        assert_eq!(
            found(Some(behind.clone()), &ill),
            Some(("lake-failing", "no space".to_owned()))
        );
        assert_eq!(found(Some(behind), &well), Some(("behind", String::new())));
        let unreadable = Trouble::Unreadable { error: "1.spool: bad sector".to_owned() };
        let told = Some(("spool-unreadable", "1.spool: bad sector".to_owned()));
        assert_eq!(found(Some(unreadable), &ill), told);
    }

    #[test]
    fn the_same_trouble_is_the_same_finding() {
        let trouble = |hours| StorageTrouble {
            kind: "disk-low".to_owned(),
            since: at(hours),
            detail: String::new(),
        };
        let one = AgencyId::from_uuid(Uuid::from_u128(1));
        let key = |hours, agency| finding(&notice(&trouble(hours)), agency).key();
        assert_eq!(key(0, one), key(0, one));
        assert_ne!(key(0, one), key(1, one));
        assert_ne!(key(0, one), key(0, AgencyId::from_uuid(Uuid::from_u128(2))));
    }
}
