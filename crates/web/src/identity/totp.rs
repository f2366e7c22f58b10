//! The second factor: codes of an authenticator app (RFC 6238), shown once as a QR picture.

use chrono::{DateTime, Utc};
use event::IdSource;
use qrcode::QrCode;
use qrcode::render::svg;
use totp_rs::{Algorithm, Secret, TOTP};

use crate::AppError;

/// How many recovery codes are given.
pub(super) const RECOVERY_CODES: usize = 10;

/// Returns a fresh secret in base32: 160 bits (RFC 4226 §4).
pub(super) fn fresh(ids: &IdSource) -> String {
    let random = ids.secret();
    Secret::Raw(random.get(..20).unwrap_or(&random).to_vec()).to_encoded().to_string()
}

/// Returns the code calculator of a secret; one step of clock skew either way is forgiven.
fn totp(secret: &str, issuer: &str, login: &str) -> Result<TOTP, AppError> {
    let bytes = Secret::Encoded(secret.to_owned()).to_bytes();
    let bytes = bytes.map_err(|error| AppError::internal(error.to_string()))?;
    // A colon separates issuer and account in the address, so neither may hold one.
    let clean = |text: &str| text.replace(':', " ");
    TOTP::new(Algorithm::SHA1, 6, 1, 30, bytes, Some(clean(issuer)), clean(login))
        .map_err(|error| AppError::internal(error.to_string()))
}

/// Returns the time step whose code this is, so that a code works once; `None` if it is wrong.
pub(super) fn matching_step(secret: &str, code: &str, now: DateTime<Utc>) -> Option<u64> {
    let totp = totp(secret, "luytre", "account").ok()?;
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    let seconds = u64::try_from(now.timestamp()).ok()?;
    [seconds, seconds.saturating_sub(30), seconds.saturating_add(30)]
        .into_iter()
        .find(|moment| crate::security::same(&totp.generate(*moment), &code))
        .map(|moment| moment / 30)
}

/// Returns the code that an app would show now.
#[cfg(test)]
pub(super) fn code_now(secret: &str, now: DateTime<Utc>) -> String {
    let seconds = u64::try_from(now.timestamp()).unwrap();
    totp(secret, "luytre", "account").unwrap().generate(seconds)
}

/// Returns the QR picture of a secret as SVG.
pub(super) fn picture(secret: &str, issuer: &str, login: &str) -> Result<String, AppError> {
    let address = totp(secret, issuer, login)?.get_url();
    let code = QrCode::new(address).map_err(|error| AppError::internal(error.to_string()))?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build();
    // Without the XML prologue it may stand inside HTML.
    Ok(svg.split_once("?>").map_or(svg.clone(), |(_, inside)| inside.to_owned()))
}

/// Returns fresh recovery codes: 50 random bits each, in two groups.
pub(super) fn recovery_codes(ids: &IdSource) -> Vec<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789z";
    (0..RECOVERY_CODES)
        .map(|_| {
            let random = ids.secret();
            let letters =
                random.iter().take(10).filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
            let code: String = letters.map(|byte| char::from(*byte)).collect();
            let (first, second) = code.split_at_checked(5).unwrap_or((&code, ""));
            format!("{first}-{second}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_their_step_and_one_beside() {
        // RFC 6238 appendix B: the secret "12345678901234567890", T = 59 s.
        let secret = Secret::Raw(b"12345678901234567890".to_vec()).to_encoded().to_string();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!(matching_step(&secret, "287082", at(59)), Some(1));
        assert_eq!(matching_step(&secret, "287 082", at(80)), Some(1));
        assert_eq!(matching_step(&secret, "287082", at(200)), None);
        assert_eq!(matching_step(&secret, "", at(59)), None);
    }

    #[test]
    fn recovery_codes_differ() {
        let codes = recovery_codes(&IdSource::seeded(3));
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!((codes.len(), different.len()), (10, 10));
        assert!(codes.iter().all(|code| code.len() == 11), "{codes:?}");
    }

    #[test]
    fn the_picture_is_plain_svg() {
        let picture = picture(&fresh(&IdSource::seeded(1)), "Lũy Tre: Tỉnh Mẫu", "an").unwrap();
        assert!(picture.trim_start().starts_with("<svg"));
        assert!(!picture.contains("style="));
    }
}
