//! Times as tables for people write them: `20/11/2026 10:00:00`, `11/20/2026, 10:00:00 AM`, `Nov 20, 2026 @ 10:00:00`.
//! Which of two numbers is the day depends on the machine that wrote the table: what some rows say holds for
//! all of them.

use chrono::NaiveDate;

/// Which number of a date comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

/// A time whose date is written in numbers.
#[derive(Debug)]
struct Written<'t> {
    first: u32,
    second: u32,
    year: i32,
    is_dotted: bool,
    hour: u32,
    /// Minutes and what follows them: `00:00.123`.
    rest: &'t str,
    half: Option<Half>,
    zone: &'t str,
}

/// The half of a day, as English and Vietnamese write it.
#[derive(Debug, Clone, Copy)]
struct Half {
    is_afternoon: bool,
    is_english: bool,
}

impl Half {
    fn of(word: &str) -> Option<Self> {
        let (is_afternoon, is_english) = match word.to_ascii_uppercase().as_str() {
            "AM" => (false, true),
            "PM" => (true, true),
            "SA" => (false, false),
            "CH" => (true, false),
            _ => return None,
        };
        Some(Self { is_afternoon, is_english })
    }
}

impl<'t> Written<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let (date, clock) = text.split_once([' ', ',', 'T', '\u{202f}'])?;
        let separator = date.chars().find(|c| !c.is_ascii_digit())?;
        let mut numbers = date.split(separator);
        let (first, second, year) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if !['/', '.', '-'].contains(&separator) || numbers.next().is_some() || year.len() != 4 {
            return None;
        }
        let is_blank = |c: char| c.is_whitespace() || c == ',';
        let mut words = clock.split(is_blank).filter(|word| !word.is_empty());
        let (hour, rest) = words.next()?.split_once(':')?;
        let behind: Vec<&str> = words.collect();
        let (half, zone) = match behind.as_slice() {
            [] => (None, ""),
            [word] => match Half::of(word) {
                Some(half) => (Some(half), ""),
                None => (None, *word),
            },
            [word, zone] => (Some(Half::of(word)?), *zone),
            _ => return None,
        };
        Some(Self {
            first: first.parse().ok()?,
            second: second.parse().ok()?,
            year: year.parse().ok()?,
            is_dotted: separator == '.',
            hour: hour.parse().ok()?,
            rest,
            half,
            zone,
        })
    }

    /// Returns what this one alone says of the order, if it leaves no choice.
    const fn order(&self) -> Option<Order> {
        match (self.first > 12, self.second > 12) {
            (true, false) => Some(Order::DayFirst),
            (false, true) => Some(Order::MonthFirst),
            _ => None,
        }
    }

    /// Returns the likelier order: who writes `AM` mostly puts the month first.
    fn likely(&self) -> Order {
        let is_english = self.half.is_some_and(|half| half.is_english);
        if is_english && !self.is_dotted { Order::MonthFirst } else { Order::DayFirst }
    }

    fn spelled(&self, order: Order) -> Option<String> {
        let (day, month) = match self.order().unwrap_or(order) {
            Order::DayFirst => (self.first, self.second),
            Order::MonthFirst => (self.second, self.first),
        };
        let date = NaiveDate::from_ymd_opt(self.year, month, day)?;
        let hour = match self.half {
            Some(half) if (1..=12).contains(&self.hour) => {
                self.hour % 12 + if half.is_afternoon { 12 } else { 0 }
            }
            _ => self.hour,
        };
        // Some leave the seconds out.
        let seconds = if self.rest.contains(':') { "" } else { ":00" };
        let zone = if self.zone.is_empty() { String::new() } else { format!(" {}", self.zone) };
        Some(format!("{date} {hour:02}:{}{seconds}{zone}", self.rest))
    }
}

/// Returns the order of dates in a column, as its values say.
#[expect(single_use_lifetimes, reason = "an anonymous lifetime cannot stand there yet")]
pub(super) fn order_of<'t>(values: impl Iterator<Item = &'t str>) -> Order {
    let mut likely = None;
    for written in values.filter_map(Written::read) {
        if let Some(order) = written.order() {
            return order;
        }
        likely.get_or_insert_with(|| written.likely());
    }
    likely.unwrap_or(Order::DayFirst)
}

/// Returns a time as logs write it, or as it is if it is written so already.
pub(super) fn plain(text: &str, order: Order) -> String {
    if let Some(written) = Written::read(text)
        && let Some(spelled) = written.spelled(order)
    {
        return spelled;
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return text.replace(" @ ", " ").replace(", ", " ");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_for_people_become_times_of_logs() {
        for (text, day_first, month_first) in [
            ("20/11/2026 10:00:01", "2026-11-20 10:00:01", "2026-11-20 10:00:01"),
            ("11/20/2026 1:00:01 PM", "2026-11-20 13:00:01", "2026-11-20 13:00:01"),
            ("1/2/2026 12:05:01 SA", "2026-02-01 00:05:01", "2026-01-02 00:05:01"),
            ("1/2/2026 12:05:01 CH", "2026-02-01 12:05:01", "2026-01-02 12:05:01"),
            ("01.02.2026 03:04:05", "2026-02-01 03:04:05", "2026-01-02 03:04:05"),
            ("1/2/2026, 3:04:05.678 AM", "2026-02-01 03:04:05.678", "2026-01-02 03:04:05.678"),
            ("1/2/2026 3:04", "2026-02-01 03:04:00", "2026-01-02 03:04:00"),
            (
                "1/2/2026 03:04:05 +07:00",
                "2026-02-01 03:04:05 +07:00",
                "2026-01-02 03:04:05 +07:00",
            ),
            ("Nov 20, 2026 @ 10:00:00.123", "Nov 20 2026 10:00:00.123", "Nov 20 2026 10:00:00.123"),
            ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
            (
                "2026-11-20 10:00:00.1234567",
                "2026-11-20 10:00:00.1234567",
                "2026-11-20 10:00:00.1234567",
            ),
            ("99/99/2026 10:00:00", "99/99/2026 10:00:00", "99/99/2026 10:00:00"),
            ("", "", ""),
        ] {
            assert_eq!(plain(text, Order::DayFirst), day_first, "{text}");
            assert_eq!(plain(text, Order::MonthFirst), month_first, "{text}");
        }
    }

    #[test]
    fn one_row_tells_the_order_of_all() {
        for (values, want) in [
            (vec!["1/2/2026 10:00:00", "1/20/2026 10:00:00"], Order::MonthFirst),
            (vec!["1/2/2026 10:00:00 AM", "20/1/2026 10:00:00 AM"], Order::DayFirst),
            (vec!["1/2/2026 10:00:00 AM"], Order::MonthFirst),
            (vec!["1/2/2026 10:00:00 SA"], Order::DayFirst),
            (vec!["1/2/2026 10:00:00"], Order::DayFirst),
            (vec!["", "no time"], Order::DayFirst),
        ] {
            assert_eq!(order_of(values.iter().copied()), want, "{values:?}");
        }
    }
}
