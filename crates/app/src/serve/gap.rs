//! The watch over time itself: what detection cannot have judged is a finding like any other. The
//! platform did not run, its clock jumped, or what the engine remembered was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use db::Db;
use event::{Entity, EntityKind, Finding, Match, Origin, Severity, SourceId, SpoolPosition};
use respond::Hub;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::silence::moment_id;
use crate::engine_state::{StateError, StateFile, Stored};

/// The rule id of a finding about time that was not judged.
pub const GAP_RULE: &str = "luytre-detection-gap";

/// How often the platform notes that it runs, and compares its clocks.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A restart or a correction of the clock may take this long: what comes in meanwhile waits at its
/// senders, and windows are told by the events' own times.
const HARMLESS: TimeDelta = TimeDelta::minutes(1);

/// Something that detection cannot have judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The platform did not run.
    Down { from: DateTime<Utc>, to: DateTime<Utc> },
    /// Its clock jumped.
    Jumped { from: DateTime<Utc>, to: DateTime<Utc> },
    /// The stored state could not be read.
    Damaged { why: String },
    /// Events lie between the stored state and what the spool still has.
    Lost { after: SpoolPosition, up_to: SpoolPosition },
}

/// Reads the stored state; what cannot be read is a gap.
///
/// # Errors
///
/// When nothing is wrong with it but that it cannot be opened: the next one would take its place.
pub(crate) fn load(file: &StateFile) -> Result<(Option<Stored>, Vec<Gap>), StateError> {
    match file.load() {
        Ok(stored) => Ok((stored, Vec::new())),
        Err(error @ StateError::Locked(_)) => Err(error),
        Err(error) => Ok((None, vec![Gap::Damaged { why: web::chain(&error) }])),
    }
}

/// Returns what was missed before this start: `stored` is what the lake holds, `first` what the spool
/// gives first, `times` when the platform last noted that it ran, and now.
pub(crate) fn find(
    known: Option<&Stored>,
    stored: Option<SpoolPosition>,
    first: Option<SpoolPosition>,
    times: (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let judged = known.map(|known| known.judged).unwrap_or_default();
    let next = SpoolPosition(judged.0.saturating_add(1));
    let stored = stored.unwrap_or_default();
    if stored > judged && first != Some(next) {
        let before = first.map(|first| SpoolPosition(first.0.saturating_sub(1)));
        gaps.push(Gap::Lost { after: judged, up_to: before.unwrap_or(stored) });
    }
    let (alive_at, to) = times;
    let from = known.map(|known| known.saved_at).max(alive_at);
    if let Some(from) = from
        && to - from > HARMLESS
    {
        gaps.push(Gap::Down { from, to });
    }
    gaps
}

/// What the watch needs.
#[derive(Debug, Clone)]
pub(crate) struct GapWatch {
    pub(crate) db: Db,
    pub(crate) registry: Arc<registry::Directory>,
    pub(crate) names: Arc<dyn respond::Directory>,
    pub(crate) hub: Hub,
    pub(crate) state: StateFile,
}

impl GapWatch {
    /// Reports these gaps, and those that it sees until `stop`.
    pub(crate) async fn run(self, mut open: Vec<Gap>, stop: CancellationToken) {
        for gap in &open {
            tracing::warn!(?gap, "detection could not judge everything");
        }
        let (mut steady, mut clock) = (Instant::now(), self.db.now());
        loop {
            self.report(&mut open).await;
            let stopped = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                () = stop.cancelled() => true,
            };
            let now = self.db.now();
            if let Some(gap) = jump(clock, steady.elapsed(), now) {
                tracing::warn!(?gap, "the clock jumped");
                open.push(gap);
            }
            (steady, clock) = (Instant::now(), now);
            if let Err(error) = self.state.touch(now) {
                tracing::warn!(%error, "the time of running cannot be noted");
            }
            if stopped {
                return;
            }
        }
    }

    /// Reports what is open to the agencies at the top; what cannot be reported stays open.
    async fn report(&self, open: &mut Vec<Gap>) {
        let snapshot = self.registry.snapshot();
        let tops: Vec<Uuid> = snapshot
            .tree()
            .iter()
            .filter(|agency| agency.parent.is_none())
            .map(|agency| agency.id.uuid())
            .collect();
        let now = self.db.now();
        let findings: Vec<Finding> =
            open.iter().flat_map(|gap| tops.iter().map(|top| finding(gap, *top, now))).collect();
        if findings.is_empty() {
            return;
        }
        let names = self.names.as_ref();
        match respond::alert::receive(&self.db, names, &self.hub, findings, &[]).await {
            Ok(_) => open.clear(),
            Err(error) => tracing::error!(error = web::chain(&error), "a gap cannot be reported"),
        }
    }
}

/// Returns the jump of a clock that showed `before`, and after this much time shows `now`.
fn jump(before: DateTime<Utc>, passed: Duration, now: DateTime<Utc>) -> Option<Gap> {
    jumped(before, passed, now).map(|(from, to)| Gap::Jumped { from, to })
}

/// Returns what a clock that jumped should have shown, and what it shows.
pub(super) fn jumped(
    before: DateTime<Utc>,
    passed: Duration,
    now: DateTime<Utc>,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let passed = TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX);
    let expected = before.checked_add_signed(passed)?;
    let is_jump = (now - expected).abs() > HARMLESS;
    is_jump.then_some((expected, now))
}

/// Returns the finding of a gap, for one agency. The same gap is the same finding.
fn finding(gap: &Gap, agency: Uuid, now: DateTime<Utc>) -> Finding {
    let reason = |field: &str, value: String| Match {
        selection: "gap".to_owned(),
        field: field.to_owned(),
        value,
        ..Match::default()
    };
    let times = |from: &DateTime<Utc>, to: &DateTime<Utc>| {
        let text = |time: &DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        vec![reason("from", text(from)), reason("to", text(to))]
    };
    let (at, severity, title, title_vi, matched) = match gap {
        Gap::Down { from, to } => (
            *from,
            Severity::Low,
            "The platform did not run: what happened meanwhile is judged only if its senders kept it",
            "Hệ thống không hoạt động: sự kiện trong thời gian đó chỉ được xét nếu nguồn gửi còn giữ",
            times(from, to),
        ),
        Gap::Jumped { from, to } => (
            *from,
            Severity::Low,
            "The platform's clock jumped: windows that were open may not be judged",
            "Đồng hồ của hệ thống nhảy: các cửa sổ thời gian đang mở có thể không được xét",
            times(from, to),
        ),
        Gap::Damaged { why } => (
            now,
            Severity::Medium,
            "What detection remembered cannot be read: windows that were open are not judged",
            "Không đọc được trạng thái phát hiện đã lưu: các cửa sổ thời gian đang mở không được xét",
            vec![reason("engine.state", why.clone())],
        ),
        Gap::Lost { after, up_to } => (
            now,
            Severity::Medium,
            "Detection has not seen all that was stored: windows that were open are judged in part",
            "Phát hiện chưa xét hết dữ liệu đã lưu: các cửa sổ thời gian đang mở chỉ được xét một phần",
            vec![reason("after", after.to_string()), reason("up to", up_to.to_string())],
        ),
    };
    Finding {
        rule: GAP_RULE.to_owned(),
        title: title.to_owned(),
        title_vi: Some(title_vi.to_owned()),
        severity,
        tags: Vec::new(),
        event: moment_id(agency, at),
        events: Vec::new(),
        origin: Origin {
            agency: event::AgencyId::from_uuid(agency),
            system: None,
            source: SourceId::from_uuid(Uuid::nil()),
        },
        occurred_at: at,
        entity: Entity { kind: EntityKind::Source, value: "luytre".to_owned() },
        matched,
        count: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_start_finds_what_was_missed() {
        let position = |at: u64| (at > 0).then_some(SpoolPosition(at));
        let known =
            |judged| Stored { judged: SpoolPosition(judged), saved_at: at(0), ..Stored::default() };
        // (state, lake, spool's first, alive, now) → gaps
        let lost = |after, up_to| {
            vec![Gap::Lost { after: SpoolPosition(after), up_to: SpoolPosition(up_to) }]
        };
        for (judged, stored, first, want) in [
            // The first start; all stored and judged; the state ahead; the spool has the rest.
            (0, 0, 0, vec![]),
            (9, 9, 0, vec![]),
            (9, 7, 8, vec![]),
            (7, 9, 8, vec![]),
            // No state, but the spool has all of it.
            (0, 9, 1, vec![]),
            // A part is gone, or all of it.
            (3, 9, 6, lost(3, 5)),
            (3, 9, 0, lost(3, 9)),
            (0, 9, 0, lost(0, 9)),
        ] {
            let state = Some(known(judged)).filter(|_| judged > 0);
            let found = find(state.as_ref(), position(stored), position(first), (None, at(60)));
            assert_eq!(found, want, "{judged} {stored} {first}");
        }
    }

    #[test]
    fn the_time_without_a_platform_is_a_gap() {
        let known = Stored { saved_at: at(0), ..Stored::default() };
        let gaps = |alive, now| find(Some(&known), None, None, (alive, at(now)));
        assert_eq!(gaps(None, 60), []);
        assert_eq!(gaps(None, 61), [Gap::Down { from: at(0), to: at(61) }]);
        // It ran on without anything to store.
        assert_eq!(gaps(Some(at(600)), 660), []);
        assert_eq!(gaps(Some(at(600)), 700), [Gap::Down { from: at(600), to: at(700) }]);
        assert_eq!(gaps(Some(at(600)), 500), [], "the clock went back: the watch tells jumps");
    }

    #[test]
    fn a_jump_of_the_clock_is_a_gap() {
        let ten = Duration::from_secs(10);
        assert_eq!(jump(at(0), ten, at(10)), None);
        assert_eq!(jump(at(0), ten, at(70)), None);
        assert_eq!(jump(at(0), ten, at(3_610)), Some(Gap::Jumped { from: at(10), to: at(3_610) }));
        assert_eq!(
            jump(at(0), ten, at(-86_400)),
            Some(Gap::Jumped { from: at(10), to: at(-86_400) })
        );
    }

    #[test]
    fn the_same_gap_is_the_same_finding() {
        let gap = Gap::Down { from: at(0), to: at(100) };
        let one = finding(&gap, Uuid::from_u128(1), at(200));
        assert_eq!(one.key(), finding(&gap, Uuid::from_u128(1), at(300)).key());
        assert_ne!(one.key(), finding(&gap, Uuid::from_u128(2), at(200)).key());
    }
}
