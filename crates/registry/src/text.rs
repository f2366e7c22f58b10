//! Text that people type: made clean and checked, field by field.

use web::{FieldErrors, Phrase};

use crate::limits;

/// Returns what was typed without the spaces around it.
pub(crate) fn clean(typed: &str) -> String {
    typed.trim().to_owned()
}

/// Returns the lines that hold something.
pub(crate) fn lines(typed: &str) -> Vec<String> {
    typed
        .split(['\n', ',', ';'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// Checks a name: something, and not too long.
pub(crate) fn check_name(errors: &mut FieldErrors, field: &'static str, name: &str) {
    if name.is_empty() {
        errors.add(field, Phrase::key("registry-field-empty"));
    }
    check_length(errors, field, name, limits::NAME_CHARS_MAX);
}

/// Checks a code: letters without marks, digits, hyphens, dots.
pub(crate) fn check_code(errors: &mut FieldErrors, field: &'static str, code: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if code.is_empty() || !code.chars().all(fits) {
        errors.add(field, Phrase::key("registry-field-code"));
    }
    check_length(errors, field, code, limits::CODE_CHARS_MAX);
}

/// Checks that a text is not too long.
pub(crate) fn check_length(
    errors: &mut FieldErrors,
    field: &'static str,
    text: &str,
    chars_max: usize,
) {
    if text.chars().nth(chars_max).is_some() {
        errors.add(field, Phrase::key("registry-field-too-long").arg("max", chars_max));
    }
}

/// Checks a phone number: digits, spaces and the usual marks; may be empty.
pub(crate) fn check_phone(errors: &mut FieldErrors, field: &'static str, phone: &str) {
    let fits = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '.' | '(' | ')');
    if !phone.chars().all(fits) || phone.chars().nth(30).is_some() {
        errors.add(field, Phrase::key("registry-field-phone"));
    }
}

/// Checks that a list is not too long.
pub(crate) fn check_lines(errors: &mut FieldErrors, field: &'static str, count: usize) {
    if count > limits::LINES_MAX {
        errors.add(field, Phrase::key("registry-field-too-many").arg("max", limits::LINES_MAX));
    }
}

/// Returns the query of an address from what is set of a filter: every list can be shared by its
/// address.
pub(crate) fn query(pairs: &[(&str, Option<String>)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            text.append_pair(name, value);
        }
    }
    text.finish()
}

/// Vietnam's clock: days and months begin at its midnight.
const VIETNAM: chrono::TimeDelta = chrono::TimeDelta::hours(7);

/// Returns the moment at which a day begins in Vietnam.
pub(crate) fn day_begins(day: chrono::NaiveDate) -> Option<chrono::DateTime<chrono::Utc>> {
    day.and_hms_opt(0, 0, 0)?.and_utc().checked_sub_signed(VIETNAM)
}

/// Returns the moment a day begins, which must not lie ahead, or now.
pub(crate) fn moment(
    field: &'static str,
    day: Option<chrono::NaiveDate>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<chrono::DateTime<chrono::Utc>, web::AppError> {
    match day {
        None => Ok(now),
        Some(day) => day_begins(day)
            .filter(|at| *at <= now)
            .ok_or_else(|| web::AppError::invalid(field, Phrase::key("post-day-unfit"))),
    }
}

/// Returns the month before this one in Vietnam, as `2026-11`.
pub(crate) fn last_month(now: chrono::DateTime<chrono::Utc>) -> String {
    use chrono::Datelike as _;
    let today = (now + VIETNAM).date_naive();
    let before = today.with_day(1).and_then(|first| first.pred_opt()).unwrap_or(today);
    before.format("%Y-%m").to_string()
}

/// Returns a day as people write it: `22/11/2026`.
pub(crate) fn day(day: impl std::borrow::Borrow<chrono::NaiveDate>) -> String {
    day.borrow().format("%d/%m/%Y").to_string()
}

/// Refuses a text that carries the stamp of a state secret; what was typed is not kept anywhere.
pub(crate) fn check_marks(errors: &mut FieldErrors, field: &'static str, text: &str) {
    if web::carries_secret_mark(text) {
        tracing::warn!(field.name = field, "a text with the stamp of a state secret was refused");
        errors.add(field, Phrase::key("profile-refused-stamp"));
    }
}
