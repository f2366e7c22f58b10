//! How someone wants to be told: where, of what, and when not. Reckoning, no IO.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};

use super::model::{Channel, Kind};
use crate::Lang;
use crate::figures::vietnam;

/// How someone wants to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Preference {
    pub(super) lang: Lang,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) zalo: String,
    /// Their account's id, if they subscribed a browser.
    pub(super) push: String,
    /// `kind/channel` that they do not want.
    pub(super) muted: BTreeSet<String>,
    /// Minutes of Vietnam's day; the same twice: none.
    pub(super) quiet: (u16, u16),
}

impl Preference {
    /// Returns where they are reached by a channel; empty: not at all.
    pub(super) fn address(&self, channel: Channel) -> &str {
        match channel {
            Channel::App => "app",
            Channel::Email => &self.email,
            Channel::Sms => &self.phone,
            Channel::Zalo => &self.zalo,
            Channel::Push => &self.push,
        }
    }

    /// Returns whether they want this kind by this channel; the bell cannot be put off.
    pub(super) fn wants(&self, kind: Kind, channel: Channel) -> bool {
        channel == Channel::App || !self.muted.contains(&pair(kind, channel))
    }

    /// Returns when the quiet hours that a moment falls into end; the moment itself outside them.
    pub(super) fn after_quiet(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let (from, to) = (i64::from(self.quiet.0), i64::from(self.quiet.1));
        let local = vietnam(at);
        let minute = i64::from(local.hour() * 60 + local.minute());
        let length = (to - from).rem_euclid(DAY_MIN);
        let passed = (minute - from).rem_euclid(DAY_MIN);
        if passed >= length {
            return at;
        }
        let left = TimeDelta::minutes(length - passed);
        at + left - TimeDelta::seconds(i64::from(local.second()))
    }
}

/// Minutes of a day.
const DAY_MIN: i64 = 24 * 60;

/// Returns the word for a kind by a channel.
pub(super) fn pair(kind: Kind, channel: Channel) -> String {
    format!("{}/{}", kind.word(), channel.word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_where_they_end_also_over_midnight() {
        let at = |hour: i64, minute: i64| {
            // 22/11/2026 in Vietnam.
            DateTime::from_timestamp(1_795_280_400, 0).unwrap()
                + TimeDelta::hours(hour)
                + TimeDelta::minutes(minute)
        };
        assert_eq!(vietnam(at(0, 0)).format("%d/%m %H:%M").to_string(), "22/11 00:00");
        let night = Preference { quiet: (22 * 60, 6 * 60 + 30), ..Preference::default() };
        let noon = Preference { quiet: (11 * 60, 13 * 60), ..Preference::default() };
        let none = Preference::default();
        let cases = [
            (&night, at(23, 15), at(30, 30)),
            (&night, at(2, 0), at(6, 30)),
            (&night, at(6, 30), at(6, 30)),
            (&night, at(21, 59), at(21, 59)),
            (&night, at(2, 0) + TimeDelta::seconds(40), at(6, 30)),
            (&noon, at(12, 0), at(13, 0)),
            (&noon, at(10, 59), at(10, 59)),
            (&none, at(3, 0), at(3, 0)),
        ];
        for (preference, given, expected) in cases {
            assert_eq!(preference.after_quiet(given), expected, "{:?} {given}", preference.quiet);
        }
    }
}
