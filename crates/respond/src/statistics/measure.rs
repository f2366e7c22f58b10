//! From the moments of incidents to figures: pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use event::{AgencyId, Severity};
use web::figures::vietnam;

/// The moments of one incident, and what became of its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) agency: AgencyId,
    pub(super) severity: Severity,
    pub(super) occurred_at: Option<DateTime<Utc>>,
    pub(super) detected_at: DateTime<Utc>,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) contained_at: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) clocks: Clocks,
}

/// Legal clocks by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Clocks {
    /// Told in time.
    pub(super) met: u64,
    /// Told late, or not yet and the time is over.
    pub(super) missed: u64,
    /// Still running.
    pub(super) running: u64,
}

impl Clocks {
    /// Counts one clock.
    pub(super) fn add(
        &mut self,
        due_at: DateTime<Utc>,
        told_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        if told_at.unwrap_or(now) > due_at {
            self.missed += 1;
        } else if told_at.is_some() {
            self.met += 1;
        } else {
            self.running += 1;
        }
    }

    fn join(&mut self, other: Self) {
        self.met += other.met;
        self.missed += other.missed;
        self.running += other.running;
    }
}

/// By what incidents are put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum By {
    /// The month of detection, in Vietnam.
    #[default]
    Month,
    /// The agency.
    Agency,
    /// The severity.
    Severity,
}

impl By {
    pub(super) const ALL: [Self; 3] = [Self::Month, Self::Agency, Self::Severity];

    /// Returns the word of addresses and the API.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Agency => "agency",
            Self::Severity => "severity",
        }
    }
}

/// What incidents share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    /// A month: year, month.
    Month(i32, u32),
    /// An agency.
    Agency(AgencyId),
    /// A severity, the worst first.
    Severity(std::cmp::Reverse<Severity>),
    /// Everything.
    All,
}

/// Half of the incidents were at most so long, nine of ten were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) median: TimeDelta,
    pub(super) p90: TimeDelta,
    /// How many were measured.
    pub(super) count: usize,
}

/// The figures of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) incidents: u64,
    pub(super) open: u64,
    /// From when it happened to when it was seen.
    pub(super) detect: Option<Spread>,
    /// From when it was seen to when a person opened it.
    pub(super) acknowledge: Option<Spread>,
    /// From when it was seen to when it spread no further.
    pub(super) contain: Option<Spread>,
    /// From when it was seen to when it was closed.
    pub(super) recover: Option<Spread>,
    pub(super) clocks: Clocks,
}

/// Returns the value below which this share of sorted lengths lies (nearest rank).
fn rank(sorted: &[TimeDelta], tenths: usize) -> Option<TimeDelta> {
    let place = (sorted.len() * tenths).div_ceil(10).saturating_sub(1);
    sorted.get(place).copied()
}

fn spread(lengths: impl Iterator<Item = TimeDelta>) -> Option<Spread> {
    // A clock that was behind makes no negative time.
    let mut all: Vec<TimeDelta> = lengths.map(|length| length.max(TimeDelta::zero())).collect();
    all.sort_unstable();
    Some(Spread { median: rank(&all, 5)?, p90: rank(&all, 9)?, count: all.len() })
}

fn figures(courses: &[&Course]) -> Figures {
    let since = |end: fn(&Course) -> Option<DateTime<Utc>>| {
        spread(courses.iter().filter_map(|one| end(one).map(|end| end - one.detected_at)))
    };
    let mut clocks = Clocks::default();
    for course in courses {
        clocks.join(course.clocks);
    }
    let count = |all: usize| u64::try_from(all).unwrap_or(u64::MAX);
    Figures {
        incidents: count(courses.len()),
        open: count(courses.iter().filter(|one| one.closed_at.is_none()).count()),
        detect: spread(
            courses.iter().filter_map(|one| one.occurred_at.map(|at| one.detected_at - at)),
        ),
        acknowledge: since(|one| Some(one.opened_at)),
        contain: since(|one| one.contained_at),
        recover: since(|one| one.closed_at),
        clocks,
    }
}

/// Returns the figures of each group, and of everything last.
pub(super) fn measured(courses: &[Course], by: By) -> Vec<(Group, Figures)> {
    let mut groups: BTreeMap<Group, Vec<&Course>> = BTreeMap::new();
    for course in courses {
        let group = match by {
            By::Month => {
                let day = vietnam(course.detected_at);
                Group::Month(day.year(), day.month())
            }
            By::Agency => Group::Agency(course.agency),
            By::Severity => Group::Severity(std::cmp::Reverse(course.severity)),
        };
        groups.entry(group).or_default().push(course);
    }
    let all: Vec<&Course> = courses.iter().collect();
    let whole = (Group::All, figures(&all));
    groups.into_iter().map(|(group, own)| (group, figures(&own))).chain([whole]).collect()
}
