//! The places of the navigation: one table, filtered by what the reader may use.

use std::collections::BTreeSet;

use crate::{NavNumbers, Permission, Tone, Who};

/// A place: address, language key, icon, the letter after `g`, and who may go there.
struct Spot {
    place: &'static str,
    key: &'static str,
    icon: &'static str,
    letter: &'static str,
    may: Permission,
}

macro_rules! spots {
    ($($place:literal $key:literal icon: $icon:literal $letter:literal $may:ident;)*) => {
        &[$(Spot { place: $place, key: $key, icon: $icon, letter: $letter, may: Permission::$may }),*]
    };
}

/// In the order of work: what happens now, what it happens to, what keeps the platform going.
const GROUPS: [&[Spot]; 3] = [
    spots! {
        "/my-work" "web-nav-my-work" icon: "check" "v" AgencyRead;
        "/duty" "web-nav-duty" icon: "urgent" "t" DutyRead;
        "/alerts" "web-nav-alerts" icon: "alert-triangle" "c" AlertRead;
        "/incidents" "web-nav-incidents" icon: "flame" "s" IncidentRead;
        "/orders" "web-nav-orders" icon: "speakerphone" "o" OrderRead;
        "/reports" "report-title" icon: "file-text" "r" IncidentRead;
        "/search" "web-nav-search" icon: "search" "k" EventSearch;
    },
    spots! {
        "/systems" "web-nav-systems" icon: "server-2" "h" SystemRead;
        "/assets" "asset-title" icon: "devices" "q" SystemRead;
        "/dossiers" "dossier-title" icon: "clipboard-check" "f" DossierRead;
        "/agencies" "web-nav-agencies" icon: "building" "d" AgencyRead;
        "/posts" "web-nav-posts" icon: "users" "b" PostRead;
        "/sources" "web-nav-sources" icon: "plug-connected" "n" SourceRead;
    },
    spots! {
        "/rules" "web-nav-rules" icon: "radar" "l" RuleRead;
        "/playbooks" "playbook-title" icon: "book" "z" PlaybookRead;
        "/indicators" "indicator-title" icon: "ban" "j" IndicatorRead;
        "/exceptions" "web-nav-exceptions" icon: "filter-off" "e" ExceptionRead;
        "/dead-letters" "web-nav-dead-letters" icon: "mail-off" "u" DeadLetterRead;
        "/keeping" "web-nav-keeping" icon: "archive" "i" PlatformRead;
        "/nodes" "node-title" icon: "server-2" "g" PlatformRead;
        "/accounts" "web-nav-accounts" icon: "users" "a" AccountRead;
        "/approvals" "web-nav-approvals" icon: "shield-check" "x" AccountRead;
        "/audit" "web-nav-audit" icon: "history" "y" AuditRead;
        "/notify" "web-nav-notify" icon: "bell" "m" PlatformRead;
        "/jobs" "web-nav-jobs" icon: "progress" "w" JobRead;
        "/platform" "web-nav-platform" icon: "heartbeat" "p" PlatformRead;
    },
];

/// How many places the bottom bar of a phone has.
const BOTTOM: usize = 5;

/// One place as drawn.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) place: &'static str,
    pub(crate) key: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) letter: &'static str,
    pub(crate) here: bool,
    pub(crate) number: u64,
    pub(crate) tone: &'static str,
}

/// Returns the groups of places that this reader may use; empty groups are left out.
pub(crate) fn groups(
    who: &Who,
    path: &str,
    numbers: &NavNumbers,
    served: &BTreeSet<String>,
) -> Vec<Vec<Entry>> {
    GROUPS
        .iter()
        .map(|spots| {
            spots
                .iter()
                .filter(|spot| who.may(spot.may) && served.contains(spot.place))
                .map(|spot| entry(spot, path, numbers))
                .collect::<Vec<_>>()
        })
        .filter(|group| !group.is_empty())
        .collect()
}

/// Returns the first five places, for the thumb.
pub(crate) fn bottom(
    who: &Who,
    path: &str,
    numbers: &NavNumbers,
    served: &BTreeSet<String>,
) -> Vec<Entry> {
    groups(who, path, numbers, served).into_iter().flatten().take(BOTTOM).collect()
}

fn entry(spot: &Spot, path: &str, numbers: &NavNumbers) -> Entry {
    let count = numbers.places.iter().find(|count| count.place == spot.place);
    Entry {
        place: spot.place,
        key: spot.key,
        icon: spot.icon,
        letter: spot.letter,
        here: path
            .strip_prefix(spot.place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        number: count.map_or(0, |count| count.number),
        tone: match count.map(|count| count.tone) {
            Some(Tone::Bad) => "bad",
            Some(Tone::Warn) => "warn",
            _ => "quiet",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_a_letter_of_its_own() {
        let mut seen = BTreeSet::new();
        for spot in GROUPS.iter().flat_map(|spots| spots.iter()) {
            assert!(seen.insert(spot.letter), "{} shares `{}`", spot.place, spot.letter);
        }
    }
}
