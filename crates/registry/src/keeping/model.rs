//! How long logs are kept, and which days are over.

use std::collections::BTreeMap;

use chrono::{DateTime, Months, NaiveDate, Utc};
use event::{Level, SystemId};

use super::law;

/// Returns the day on which a moment counts: days begin and end by Vietnam's clock. A term of months ends
/// with the end of the last day that has the first one's number (Bộ luật Dân sự 2015, articles 147 and 148).
pub(super) fn legal_day(moment: DateTime<Utc>) -> NaiveDate {
    web::figures::vietnam(moment).date_naive()
}

/// The most months that can be set: ten years.
pub(super) const MONTHS_MAX: u32 = 120;

/// What someone set for a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetTerm {
    pub(super) months: u32,
    pub(super) reason: String,
    pub(super) set_by: String,
    pub(super) set_at: DateTime<Utc>,
}

/// For how long a system's logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The least that the law wants.
    pub legal_months: u32,
    /// The standard that says so.
    pub base: String,
    /// What someone set.
    pub set_months: Option<u32>,
    /// What holds: never below the legal minimum.
    pub months: u32,
}

impl Term {
    fn new(level: Option<Level>, set: Option<u32>, months: u32, today: NaiveDate) -> Self {
        let law::Minimum { months: legal_months, base } = law::minimum(level, today);
        // Nothing is thrown away the month it came, not even where the law names no term.
        let months = set.unwrap_or(months).max(legal_months).max(1);
        Self { legal_months, base, set_months: set, months }
    }

    /// Returns the first day that is still kept: days before it are over.
    pub fn kept_from(&self, today: NaiveDate) -> NaiveDate {
        today.checked_sub_months(Months::new(self.months)).unwrap_or(NaiveDate::MIN)
    }
}

/// For how long each system's logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    today: NaiveDate,
    terms: BTreeMap<SystemId, Term>,
    /// For logs of no system, and of systems that are not in the registry.
    other: Term,
}

impl Plan {
    pub(super) fn new(
        systems: impl Iterator<Item = (SystemId, Option<Level>)>,
        set: &BTreeMap<SystemId, SetTerm>,
        months: u32,
        today: NaiveDate,
    ) -> Self {
        let term = |(id, level)| {
            let own = set.get(&id).map(|own| own.months);
            (id, Term::new(level, own, months, today))
        };
        Self {
            today,
            terms: systems.map(term).collect(),
            other: Term::new(None, None, months, today),
        }
    }

    /// Returns the terms where no system is registered.
    pub fn of_none(months: u32, today: NaiveDate) -> Self {
        Self::new(std::iter::empty(), &BTreeMap::new(), months, today)
    }

    /// Returns for how long logs of this system, or of none, are kept.
    pub fn term(&self, system: Option<SystemId>) -> &Term {
        system.and_then(|id| self.terms.get(&id)).unwrap_or(&self.other)
    }

    /// Returns the months of each system, and of logs of none.
    pub fn months(&self) -> BTreeMap<Option<SystemId>, u32> {
        let of_systems = self.terms.iter().map(|(id, term)| (Some(*id), term.months));
        of_systems.chain([(None, self.other.months)]).collect()
    }

    /// Keeps logs of a system, or of none, for so many months at least.
    pub fn lengthen(&mut self, system: Option<SystemId>, months: u32) {
        let other = &mut self.other;
        let term = match system {
            Some(id) => self.terms.entry(id).or_insert_with(|| other.clone()),
            None => other,
        };
        term.months = term.months.max(months);
    }

    /// Returns whether logs up to a moment are kept long enough. What was collected later (an archive
    /// that was read in) counts from when it was collected, and so does what is dated ahead of today: its
    /// sender's clock was wrong, and it would stay for decades.
    pub fn is_over(
        &self,
        system: Option<SystemId>,
        until: DateTime<Utc>,
        collected: DateTime<Utc>,
    ) -> bool {
        let collected = legal_day(collected);
        let from = Some(legal_day(until)).filter(|day| *day <= self.today);
        from.map_or(collected, |day| day.max(collected)) < self.term(system).kept_from(self.today)
    }

    /// Returns for how many days logs are kept by the longest of all terms.
    pub fn days_max(&self) -> u64 {
        let terms = self.terms.values().chain([&self.other]);
        let first = terms.map(|term| term.kept_from(self.today)).min().unwrap_or(self.today);
        u64::try_from((self.today - first).num_days()).unwrap_or(0)
    }

    /// Returns the last day of which anything may be over. It began in Vietnam before it did by UTC: files
    /// of later days hold nothing of it.
    pub fn newest_over(&self) -> NaiveDate {
        let kept_from =
            self.terms.values().chain([&self.other]).map(|term| term.kept_from(self.today));
        let first_kept = kept_from.max().unwrap_or(self.today);
        first_kept.pred_opt().unwrap_or(NaiveDate::MIN)
    }
}
