//! What people send to identity, and the rules their passwords keep.

use event::AgencyId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::error::FieldErrors;
use crate::{Phrase, Reach, Role};

/// Longest name or sign-in name.
const NAME_CHARS_MAX: usize = 100;

/// Signing in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    #[serde(default)]
    pub(super) login: String,
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    pub(super) next: String,
}

/// The code of the second factor, or a recovery code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Code {
    #[serde(default)]
    pub(super) code: String,
}

/// Choosing a password by a link; the first administrator also chooses names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    #[serde(default)]
    pub(super) login: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    pub(super) again: String,
}

/// Changing one's password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[serde(default)]
    pub(super) current: String,
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    pub(super) again: String,
}

/// Proving it is still oneself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    #[serde(default)]
    pub(super) current: String,
}

/// A new API token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// Which program uses it.
    #[serde(default)]
    pub(super) name: String,
    /// What it may do: `read`, `all` or the words of permissions.
    #[serde(default)]
    pub(super) scope: Vec<String>,
    /// How many days it works.
    pub(super) days: Option<u16>,
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    /// The sign-in name.
    #[serde(default)]
    pub(super) login: String,
    /// The person's name.
    #[serde(default)]
    pub(super) name: String,
    /// What the account is for.
    #[schema(value_type = String)]
    pub(super) role: Role,
    /// The agency; needed for roles that see a part of the tree.
    #[schema(value_type = Option<String>)]
    pub(super) agency: Option<AgencyId>,
    /// Why, for an administrator: another one must approve.
    #[serde(default)]
    pub(super) reason: String,
}

/// Why something grave is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    #[serde(default)]
    pub(super) reason: String,
}

/// Changing an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedAccount {
    /// The person's name.
    #[serde(default)]
    pub(super) name: String,
    /// What the account is for.
    #[schema(value_type = String)]
    pub(super) role: Role,
    /// The agency; needed for roles that see a part of the tree.
    #[schema(value_type = Option<String>)]
    pub(super) agency: Option<AgencyId>,
    /// Why, for an administrator: another one must approve.
    #[serde(default)]
    pub(super) reason: String,
}

/// Checks a new password and its repetition.
pub(super) fn check_password(password: &str, again: &str, login: &str, errors: &mut FieldErrors) {
    let length = password.chars().count();
    if length < PASSWORD_CHARS_MIN {
        let why = Phrase::key("identity-password-short").arg("count", PASSWORD_CHARS_MIN);
        errors.add("password", why);
    } else if length > PASSWORD_CHARS_MAX {
        errors.add("password", Phrase::key("identity-password-long"));
    } else if guessable(password, login) {
        errors.add("password", Phrase::key("identity-password-guessable"));
    }
    if password != again {
        errors.add("again", Phrase::key("identity-password-differs"));
    }
}

/// Returns whether a password is one that guessers try first: few different characters, a run, or
/// mostly the sign-in name.
fn guessable(password: &str, login: &str) -> bool {
    let lower = password.to_lowercase();
    let different: std::collections::BTreeSet<char> = lower.chars().collect();
    let codes: Vec<u32> = lower.chars().map(u32::from).collect();
    let steps =
        codes.windows(2).filter(|pair| matches!(pair, [a, b] if a.abs_diff(*b) == 1)).count();
    let login = login.to_lowercase();
    let named = login.chars().count() >= 4 && lower.replace(&login, "").chars().count() < 6;
    different.len() < 5 || steps.saturating_mul(2) > codes.len() || named
}

/// Checks a sign-in name.
pub(super) fn check_login(login: &str, errors: &mut FieldErrors) {
    let fits = (2..=NAME_CHARS_MAX).contains(&login.chars().count())
        && login.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'));
    if !fits {
        errors.add("login", Phrase::key("identity-login-unfit"));
    }
}

/// Checks a person's name.
pub(super) fn check_name(name: &str, errors: &mut FieldErrors) {
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        errors.add("name", Phrase::key("identity-name-unfit"));
    }
}

/// Checks that whoever sees a part of the tree has an agency.
pub(super) fn check_agency(role: Role, agency: Option<AgencyId>, errors: &mut FieldErrors) {
    if role.reach() == Reach::Subtree && agency.is_none() {
        errors.add("agency", Phrase::key("identity-agency-needed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_are_guessed_first_are_refused() {
        let cases = [
            ("tre xanh ben lang", true),
            ("Mười-hai-ký-tự", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaa", false),
            ("abcdefghijklmnop", false),
            ("123456789012", false),
            ("nguyenvana123", false),
        ];
        for (password, fine) in cases {
            let mut errors = FieldErrors::default();
            check_password(password, password, "nguyenvana", &mut errors);
            assert_eq!(errors.is_empty(), fine, "{password}");
        }
        let mut errors = FieldErrors::default();
        check_password("tre xanh ben lang", "other", "an", &mut errors);
        assert!(!errors.is_empty());
    }
}
