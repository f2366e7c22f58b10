//! Reading octet counts (RFC 6587 §3.4.1), and finding the next one after a wrong one.

use crate::limits::OCTET_COUNT_DIGITS_MAX;

/// What the first bytes of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Cannot be said yet.
    NeedMore,
    /// A count: this many digits, a space, then that many octets.
    Counted { digits: usize, octets: usize },
    /// No count: the frame ends with its line.
    Line,
    /// No count in a stream that counts.
    Astray,
}

/// Reads the first bytes of a frame. In a stream that has not `counted` yet, a number is a count
/// only when a syslog priority or a JSON object follows it, so that a line which begins with a
/// number stays a line.
pub(super) fn head(bytes: &[u8], counted: bool, ended: bool) -> Head {
    let other = if counted && bytes.first() != Some(&b'<') { Head::Astray } else { Head::Line };
    let digits = digits(bytes);
    if digits == 0 || digits > OCTET_COUNT_DIGITS_MAX || bytes.first() == Some(&b'0') {
        return other;
    }
    let undecided = if ended { other } else { Head::NeedMore };
    match (bytes.get(digits), bytes.get(digits.saturating_add(1))) {
        (Some(b' '), Some(b'<' | b'{')) => {}
        (None, _) | (Some(b' '), None) => return undecided,
        (Some(b' '), Some(_)) if counted => {}
        _ => return other,
    }
    let number = bytes.get(..digits).and_then(|digits| std::str::from_utf8(digits).ok());
    match number.and_then(|number| number.parse().ok()) {
        Some(octets) => Head::Counted { digits, octets },
        None => other,
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(OCTET_COUNT_DIGITS_MAX.saturating_add(1))
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// The longest start of a counted frame that is looked for: digits, space, `<`, three digits, `>`.
pub(super) const BOUNDARY_BYTES: usize = OCTET_COUNT_DIGITS_MAX + 6;

/// Where the next counted frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Here.
    At(usize),
    /// The window ends in what may become one.
    NeedMore,
    /// Not in this window.
    None,
}

/// Looks for the first `digits SP < digits >` whose `<` stands at or after `from`. `closed` says
/// that nothing will follow the window.
pub(super) fn boundary(window: &[u8], from: usize, closed: bool) -> Boundary {
    for at in memchr::memchr_iter(b'<', window.get(from..).unwrap_or_default()) {
        let angle = from.saturating_add(at);
        let Some(start) = count_before(window, angle) else { continue };
        let behind = window.get(angle.saturating_add(1)..).unwrap_or_default();
        let priority = behind.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        match behind.get(priority) {
            Some(b'>') if (1..=3).contains(&priority) => return Boundary::At(start),
            None if !closed && priority <= 3 => return Boundary::NeedMore,
            _ => {}
        }
    }
    Boundary::None
}

/// Returns where the count begins that stands before `angle`, if one does and it is not the
/// window's very start (which is what led astray).
fn count_before(window: &[u8], angle: usize) -> Option<usize> {
    let space = angle.checked_sub(1).filter(|at| window.get(*at) == Some(&b' '))?;
    let before = window.get(..space)?;
    let digits = before
        .iter()
        .rev()
        .take(OCTET_COUNT_DIGITS_MAX)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let start = space.checked_sub(digits)?;
    let longer = window.get(start.checked_sub(1)?).is_some_and(u8::is_ascii_digit);
    (digits > 0 && !longer && window.get(start) != Some(&b'0')).then_some(start)
}
