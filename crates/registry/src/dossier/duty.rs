//! Separation of duties: who writes a dossier does not appraise it, who appraises does not decide
//! (NĐ 331/2026, Điều 18.4). Every step bears its account, so what someone did is known.

use web::{AppError, Phrase, Who};

use super::model::{Step, Taken};

/// Duties that one person may not join in one dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Write,
    Sign,
    Appraise,
    Decide,
}

impl Duty {
    /// Returns the duties that whoever takes this one must not have had.
    const fn apart_from(self) -> &'static [Self] {
        match self {
            Self::Write => &[Self::Appraise, Self::Decide],
            // The operating unit's head may sign what staff wrote, not what they wrote themselves; signing
            // and deciding may be one head's.
            Self::Sign | Self::Decide => &[Self::Write, Self::Appraise],
            Self::Appraise => &[Self::Write, Self::Sign, Self::Decide],
        }
    }
}

/// Returns the duty that a step belongs to; of sending and filing none, they judge nothing.
const fn duty_of(step: Step) -> Option<Duty> {
    match step {
        Step::Draft | Step::Edit => Some(Duty::Write),
        Step::SignOff => Some(Duty::Sign),
        Step::Complete | Step::Incomplete | Step::Comment | Step::Favour | Step::Disfavour => {
            Some(Duty::Appraise)
        }
        Step::Approve | Step::Refuse => Some(Duty::Decide),
        Step::Submit | Step::Withdraw | Step::OutsideYes | Step::OutsideNo | Step::File => None,
    }
}

/// Refuses a step to whoever had a duty in this dossier that must be apart from it (NĐ 331/2026, Điều
/// 18.4). Whoever stands in for another counts as both.
///
/// # Errors
/// [`AppError::Conflict`] that names the duty.
pub(super) fn kept_apart(who: &Who, step: Step, taken: &[Taken]) -> Result<(), AppError> {
    let Some(duty) = duty_of(step) else { return Ok(()) };
    let mine = [Some(who.account), who.acting_for];
    let is_mine = |past: &&Taken| {
        mine.contains(&Some(past.account))
            || past.acting_for.is_some_and(|account| mine.contains(&Some(account)))
    };
    let clash =
        |past: &&Taken| duty_of(past.step).is_some_and(|had| duty.apart_from().contains(&had));
    match taken.iter().filter(is_mine).find(clash).and_then(|past| duty_of(past.step)) {
        None => Ok(()),
        Some(had) => Err(AppError::Conflict(Phrase::key(match had {
            Duty::Write => "dossier-error-wrote",
            Duty::Sign => "dossier-error-signed",
            Duty::Appraise => "dossier-error-appraised",
            Duty::Decide => "dossier-error-decided",
        }))),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use event::AccountId;
    use uuid::Uuid;
    use web::Role;

    use super::*;

    fn taken(step: Step, who: &Who) -> Taken {
        Taken {
            step,
            round: 1,
            at: DateTime::UNIX_EPOCH,
            account: who.account,
            acting_for: who.acting_for,
            author: String::new(),
            note: String::new(),
        }
    }

    #[test]
    fn nobody_joins_duties_not_even_in_anothers_place() {
        let (one, two) =
            (web::testing::who(Role::Administrator), web::testing::who(Role::Appraiser));
        let two = Who { account: AccountId::from_uuid(Uuid::from_u128(77)), ..two };
        let wrote = [taken(Step::Draft, &one)];
        for step in [Step::SignOff, Step::Complete, Step::Comment, Step::Favour, Step::Approve] {
            assert!(kept_apart(&one, step, &wrote).is_err(), "{step:?}");
            assert!(kept_apart(&two, step, &wrote).is_ok(), "{step:?}");
        }
        let appraised = [taken(Step::Favour, &two)];
        assert!(kept_apart(&two, Step::Approve, &appraised).is_err());
        assert!(kept_apart(&two, Step::Edit, &appraised).is_err());
        let signed = [taken(Step::SignOff, &one)];
        assert!(kept_apart(&one, Step::Approve, &signed).is_ok(), "a head signs and decides");
        // Someone who stands in for the writer is the writer, and the other way round.
        let stands_in = Who { acting_for: Some(one.account), ..two.clone() };
        assert!(kept_apart(&stands_in, Step::Complete, &wrote).is_err());
        assert!(kept_apart(&one, Step::Complete, &[taken(Step::Edit, &stands_in)]).is_err());
        assert!(kept_apart(&one, Step::File, &wrote).is_ok());
    }
}
