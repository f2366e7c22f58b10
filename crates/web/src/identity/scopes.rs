//! What a token may do: words that name permissions, or `read` and `all` for many at once. A token never
//! has more than its account's role.

use std::collections::BTreeSet;

use serde_json::Value;

use super::views::Choice;
use crate::error::FieldErrors;
use crate::{Permission, Phrase, Role};

/// Everything that only looks.
pub(super) const READ: &str = "read";
/// Everything the role may do.
pub(super) const ALL: &str = "all";

/// Returns what these stored words grant; an unknown word grants nothing.
pub(super) fn granted(words: &Value) -> BTreeSet<Permission> {
    let words = words.as_array().map(Vec::as_slice).unwrap_or_default();
    words.iter().filter_map(Value::as_str).flat_map(of_word).collect()
}

fn of_word(word: &str) -> Vec<Permission> {
    match word {
        ALL => Permission::ALL.to_vec(),
        READ => Permission::ALL.iter().copied().filter(|one| one.only_reads()).collect(),
        word => Permission::from_word(word).into_iter().collect(),
    }
}

/// Checks the words of a new token: at least one, each known and within the role.
pub(super) fn check(role: Role, words: &[String], errors: &mut FieldErrors) {
    if words.is_empty() {
        errors.add("scope", Phrase::key("identity-scope-none"));
    }
    for word in words {
        let group = word == ALL || word == READ;
        let fits = Permission::from_word(word).is_some_and(|permission| role.may(permission));
        if !group && !fits {
            errors.add("scope", Phrase::key("identity-scope-unknown").arg("scope", word.as_str()));
        }
    }
}

/// Returns the words a form offers for a role.
pub(super) fn choices(role: Role) -> Vec<Choice> {
    let own = Permission::ALL.iter().filter(|permission| role.may(**permission));
    own.map(|permission| permission.word())
        .map(|word| Choice { label: word.clone(), value: word, chosen: false })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_grant_what_they_name() {
        assert!(granted(&json!([])).is_empty());
        assert!(granted(&json!(["no_such", 7])).is_empty());
        assert_eq!(granted(&json!(["alert_read"])), BTreeSet::from([Permission::AlertRead]));
        assert_eq!(granted(&json!(["all"])).len(), Permission::ALL.len());
        assert!(granted(&json!(["read"])).iter().all(|permission| permission.only_reads()));
        let wrong = |role, words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let mut errors = FieldErrors::default();
            check(role, &words, &mut errors);
            !errors.is_empty()
        };
        assert!(wrong(Role::Leader, &[]));
        assert!(wrong(Role::Leader, &["account_change"]), "more than the role has");
        assert!(!wrong(Role::Leader, &["read", "duty_read"]));
    }
}
