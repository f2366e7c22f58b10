//! Shifts and what follows of them: who answers, where holes are, how a week repeats. No IO.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc};
use event::AccountId;
use uuid::Uuid;
use web::figures::{from_vietnam, vietnam};

/// The longest shift: two days and a night; more is a mistake in typing.
pub(super) const SHIFT_MAX: TimeDelta = TimeDelta::hours(48);
/// Days on which one press may enter the same shift.
pub(super) const DAYS_MAX: i64 = 31;
/// Weeks ahead that one press may repeat a week: a quarter.
pub(super) const WEEKS_MAX: i64 = 13;

/// A time in which someone answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shift {
    pub(super) id: Uuid,
    /// Who answers first.
    pub(super) first: AccountId,
    /// Who answers when the first does not.
    pub(super) second: Option<AccountId>,
    /// Who takes the first one's place this time.
    pub(super) substitute: Option<AccountId>,
    /// The telephone of the shift.
    pub(super) phone: String,
    pub(super) from: DateTime<Utc>,
    /// The first moment after it.
    pub(super) to: DateTime<Utc>,
    pub(super) note: String,
}

impl Shift {
    /// Returns who answers first, really.
    pub(super) fn answers(&self) -> AccountId {
        self.substitute.unwrap_or(self.first)
    }

    /// Returns whether it lasts at a moment.
    pub(super) fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }
}

/// A time in which nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
}

/// Returns the holes between two moments; the shifts stand in the order of their beginnings.
pub(super) fn gaps(shifts: &[Shift], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Gap> {
    let mut holes = Vec::new();
    let mut covered = from;
    for shift in shifts {
        if shift.from >= to {
            break;
        }
        if shift.from > covered {
            holes.push(Gap { from: covered, to: shift.from });
        }
        covered = covered.max(shift.to);
    }
    if covered < to {
        holes.push(Gap { from: covered, to });
    }
    holes
}

/// Returns a moment of Vietnam's clock.
pub(super) fn moment(day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    from_vietnam(day.and_time(time))
}

/// Returns the day in Vietnam that a moment falls on.
pub(super) fn day_of(at: DateTime<Utc>) -> NaiveDate {
    vietnam(at).date_naive()
}

/// Returns the Monday of a day's week.
pub(super) fn monday(day: NaiveDate) -> NaiveDate {
    day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))
}

/// Returns a shift of one day: an end that is not after the beginning is on the next.
pub(super) fn span(
    day: NaiveDate,
    (from, to): (NaiveTime, NaiveTime),
) -> (DateTime<Utc>, DateTime<Utc>) {
    let ends_on = if to > from { day } else { day + TimeDelta::days(1) };
    (moment(day, from), moment(ends_on, to))
}

/// Returns someone's successor in the turn of a week, so many weeks on.
fn turned(turn: &[AccountId], person: AccountId, weeks: usize) -> AccountId {
    let place = turn.iter().position(|one| *one == person);
    let next = place.and_then(|place| turn.get((place + weeks) % turn.len().max(1)));
    next.copied().unwrap_or(person)
}

fn turn(people: impl Iterator<Item = AccountId>) -> Vec<AccountId> {
    let mut turn = Vec::new();
    for person in people {
        if !turn.contains(&person) {
            turn.push(person);
        }
    }
    turn
}

/// How people follow each other when a week repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Each week as the first.
    Same,
    /// Each week everyone has the place of the one before them.
    Turning,
}

/// Returns the shifts of a week once more for each of the weeks after it, without substitutes.
pub(super) fn repeated(week: &[Shift], weeks: i64, order: Order) -> Vec<Shift> {
    let first = turn(week.iter().map(|shift| shift.first));
    let second = turn(week.iter().filter_map(|shift| shift.second));
    let mut made = Vec::new();
    for n in 1..=weeks.clamp(0, WEEKS_MAX) {
        let on = TimeDelta::weeks(n);
        let steps = match order {
            Order::Same => 0,
            Order::Turning => usize::try_from(n).unwrap_or_default(),
        };
        made.extend(week.iter().map(|shift| Shift {
            first: turned(&first, shift.first, steps),
            second: shift.second.map(|person| turned(&second, person, steps)),
            substitute: None,
            from: shift.from + on,
            to: shift.to + on,
            ..shift.clone()
        }));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, n).unwrap()
    }

    fn at(hour: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
    }

    fn shift(of: u32, hours: (u32, u32), first: u128, second: Option<u128>) -> Shift {
        let (from, to) = span(day(of), (at(hours.0), at(hours.1)));
        Shift {
            id: Uuid::nil(),
            first: person(first),
            second: second.map(person),
            substitute: None,
            phone: String::new(),
            from,
            to,
            note: String::new(),
        }
    }

    #[test]
    fn holes_are_found_before_between_and_after() {
        let shifts = [shift(23, (7, 19), 1, None), shift(23, (21, 7), 2, None)];
        let from = moment(day(23), at(6));
        let found = gaps(&shifts, from, moment(day(24), at(8)));
        let hours: Vec<_> = found
            .iter()
            .map(|gap| ((gap.from - from).num_hours(), (gap.to - from).num_hours()))
            .collect();
        assert_eq!(hours, [(0, 1), (13, 15), (25, 26)]);
        assert_eq!(gaps(&[], from, from), []);
        let whole = gaps(&shifts, moment(day(23), at(8)), moment(day(23), at(19)));
        assert_eq!(whole, []);
    }

    #[test]
    fn a_night_ends_on_the_next_day_and_a_week_begins_on_monday() {
        let (from, to) = span(day(22), (at(19), at(7)));
        assert_eq!((day_of(from), day_of(to), (to - from).num_hours()), (day(22), day(23), 12));
        assert_eq!(monday(day(22)), day(16), "22/11/2026 is a Sunday");
        assert_eq!(monday(day(23)), day(23));
    }

    #[test]
    fn a_week_repeats_as_it_is_or_turns() {
        let mut week = vec![
            shift(23, (7, 7), 1, Some(9)),
            shift(24, (7, 7), 2, Some(8)),
            shift(25, (7, 7), 3, None),
        ];
        week[0].substitute = Some(person(5));
        let firsts = |order| -> Vec<u128> {
            let made = repeated(&week, 3, order);
            made.iter().map(|shift| shift.first.uuid().as_u128()).collect()
        };
        assert_eq!(firsts(Order::Same), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
        assert_eq!(firsts(Order::Turning), [2, 3, 1, 3, 1, 2, 1, 2, 3]);
        let made = repeated(&week, 1, Order::Turning);
        assert_eq!(made[0].substitute, None);
        assert_eq!(made[0].second, Some(person(8)));
        assert_eq!(made[0].from - week[0].from, TimeDelta::weeks(1));
    }
}
