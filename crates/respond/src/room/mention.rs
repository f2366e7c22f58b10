//! Who is named in a text: `@Trần Minh`, marks and case aside.

use event::AccountId;
use event::fold::fold;

use crate::directory::Named;

/// People that one comment can name.
const MENTIONS_MAX: usize = 20;

/// Returns the accounts of those named, each once. Of two names that fit, the longer is meant.
pub(super) fn mentioned(text: &str, people: &[Named]) -> Vec<AccountId> {
    let mut found: Vec<AccountId> = Vec::new();
    let mut before = ' ';
    for (place, c) in text.char_indices() {
        let begins = c == '@' && !before.is_alphanumeric();
        before = c;
        if !begins || found.len() >= MENTIONS_MAX {
            continue;
        }
        let rest = text.get(place + 1..).unwrap_or_default();
        let named = people.iter().filter(|one| stands(rest, &one.name));
        let longest = named.max_by_key(|one| one.name.chars().count());
        if let Some(account) = longest.and_then(|one| one.id.parse().ok())
            && !found.contains(&account)
        {
            found.push(account);
        }
    }
    found
}

/// Returns whether a text begins with a name, and the name ends there.
fn stands(text: &str, name: &str) -> bool {
    let length = name.chars().count();
    let begin: String = text.chars().take(length).collect();
    let ends = text.chars().nth(length).is_none_or(|c| !c.is_alphanumeric());
    length > 0 && ends && fold(&begin) == fold(name)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn names_are_met_whole_and_once() {
        let id = |n: u128| AccountId::from_uuid(Uuid::from_u128(n));
        let people: Vec<Named> = [(1, "Trần Minh"), (2, "Trần Minh An"), (3, "Lê Bình")]
            .map(|(n, name)| Named { id: id(n).to_string(), name: name.to_owned() })
            .into();
        let cases: &[(&str, &[u128])] = &[
            ("@Trần Minh xem giúp", &[1]),
            ("@tran minh an, @Lê Bình: gọi VNPT", &[2, 3]),
            ("@Trần Minhx", &[]),
            ("thư của a@Lê Bình", &[]),
            ("@Lê Bình @Lê Bình", &[3]),
            ("@", &[]),
        ];
        for (text, want) in cases {
            let want: Vec<AccountId> = want.iter().copied().map(id).collect();
            assert_eq!(mentioned(text, &people), want, "{text}");
        }
    }
}
