//! The bytes of time-stamping (RFC 3161): the request, and what an answer says. Enough of DER for that and no
//! more; the answer comes from another host and is hostile until read.
//!
//! The signature of a token is not checked here: whoever doubts it checks with a tool of their own
//! (`openssl ts -verify`), against authorities of their own choice.

use chrono::{DateTime, NaiveDate, Utc};

/// Largest answer: a token with a chain of certificates has some kilobytes.
pub(super) const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of a name that are kept.
const NAME_CHARS_MAX: usize = 200;

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;
/// `directoryName` among general names (RFC 5280 §4.2.1.6).
const DIRECTORY_NAME: u8 = 0xa4;

/// `sha256` with its absent parameters as NULL (RFC 5754 §2).
const SHA256: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// `id-signedData` (RFC 5652 §5.1).
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `id-ct-TSTInfo` (RFC 3161 §2.4.2).
const TST_INFO: [u8; 11] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// `id-at-commonName` and `id-at-organizationName` (X.520).
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];

/// Why an answer is no time stamp of what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// It cannot be read.
    #[error("the answer is no time stamp")]
    Unreadable,
    /// The authority did not grant it.
    #[error("the authority refused (status {0})")]
    Refused(u8),
    /// It stamps something else.
    #[error("the time stamp is of something else than was asked")]
    Other,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// When the authority saw the digest.
    pub(super) at: DateTime<Utc>,
    /// The token's number, hexadecimal.
    pub(super) serial: String,
    /// Under which policy, in dots.
    pub(super) policy: String,
    /// The authority's name, if the token tells it.
    pub(super) authority: String,
}

/// Returns a number that is used once, as DER wants a positive one: no leading zero, no sign.
fn nonce_bytes(nonce: [u8; 8]) -> [u8; 8] {
    let [first, rest @ ..] = nonce;
    let [a, b, c, d, e, f, g] = rest;
    [(first & 0x7f) | 0x01, a, b, c, d, e, f, g]
}

/// Returns the request for a stamp of this digest, with the authority's certificate in the answer.
pub(super) fn request(sha256: [u8; 32], nonce: [u8; 8]) -> Vec<u8> {
    let imprint = [&[SEQUENCE, 49][..], &SHA256, &[OCTETS, 32], &sha256].concat();
    let nonce = nonce_bytes(nonce);
    let body = [
        &[INTEGER, 1, 1][..],
        &imprint,
        &[INTEGER, 8],
        &nonce,
        // certReq: whoever checks later needs no other source for the certificate.
        &[BOOLEAN, 1, 0xff],
    ]
    .concat();
    // 67 bytes: the short form of a length holds.
    [&[SEQUENCE, 67][..], &body].concat()
}

/// A reader of DER: one value after the other.
#[derive(Debug, Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        if tag & 0x1f == 0x1f {
            // Tags of many bytes do not occur here.
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if first & 0x80 == 0 {
            (usize::from(*first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            let (bytes, rest) = (rest.get(..count)?, rest.get(count..)?);
            if count == 0 || count > 4 {
                return None;
            }
            let length = bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        };
        let value = rest.get(..length)?;
        self.0 = rest.get(length..)?;
        Some((*tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, value) = self.next()?;
        (found == tag).then_some(value)
    }
}

/// Reads an answer to a request.
///
/// # Errors
/// When it is none, was refused, or is about something else.
pub(super) fn read(answer: &[u8], sha256: [u8; 32], nonce: [u8; 8]) -> Result<Token, TokenError> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(TokenError::Unreadable);
    }
    let unreadable = TokenError::Unreadable;
    let mut whole = Der(Der(answer).expect(SEQUENCE).ok_or(unreadable)?);
    let status = whole.expect(SEQUENCE).and_then(|info| Der(info).expect(INTEGER));
    match status.ok_or(unreadable)? {
        // granted, grantedWithMods (RFC 3161 §2.4.2)
        [0 | 1] => {}
        [other] => return Err(TokenError::Refused(*other)),
        _ => return Err(unreadable),
    }
    let info = whole.expect(SEQUENCE).and_then(info_of).ok_or(unreadable)?;
    let stated = stated(info).ok_or(unreadable)?;
    if stated.digest != sha256 || stated.nonce != nonce_bytes(nonce) {
        return Err(TokenError::Other);
    }
    Ok(stated.token)
}

/// Returns the `TSTInfo` within a token.
fn info_of(content: &[u8]) -> Option<&[u8]> {
    let mut content = Der(content);
    if content.expect(OID)? != SIGNED_DATA {
        return None;
    }
    let mut signed = Der(Der(content.expect(EXPLICIT_0)?).expect(SEQUENCE)?);
    signed.expect(INTEGER)?;
    signed.expect(SET)?;
    let mut inner = Der(signed.expect(SEQUENCE)?);
    if inner.expect(OID)? != TST_INFO {
        return None;
    }
    let octets = Der(inner.expect(EXPLICIT_0)?).expect(OCTETS)?;
    Der(octets).expect(SEQUENCE)
}

/// What a `TSTInfo` states.
struct Stated<'a> {
    digest: &'a [u8],
    nonce: &'a [u8],
    token: Token,
}

fn stated(info: &[u8]) -> Option<Stated<'_>> {
    let mut info = Der(info);
    info.expect(INTEGER)?;
    let policy = dotted(info.expect(OID)?)?;
    let mut imprint = Der(info.expect(SEQUENCE)?);
    let algorithm = Der(imprint.expect(SEQUENCE)?).expect(OID)?;
    if Some(algorithm) != SHA256.get(4..13) {
        return None;
    }
    let digest = imprint.expect(OCTETS)?;
    let serial = info.expect(INTEGER)?;
    let serial: Vec<String> = serial.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
    let serial = serial.concat();
    let at = moment(info.expect(TIME)?)?;
    let (mut nonce, mut authority) = (&[][..], String::new());
    while let Some((tag, value)) = info.next() {
        match tag {
            INTEGER => nonce = value,
            EXPLICIT_0 => authority = name_of(value).unwrap_or_default(),
            _ => {}
        }
    }
    Some(Stated { digest, nonce, token: Token { at, serial, policy, authority } })
}

/// Reads an object identifier.
fn dotted(bytes: &[u8]) -> Option<String> {
    let mut parts: Vec<u64> = Vec::new();
    let mut value = 0_u64;
    for byte in bytes.iter().take(64) {
        value = value.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            if parts.is_empty() {
                let first = (value / 40).min(2);
                parts.extend([first, value.saturating_sub(first.saturating_mul(40))]);
            } else {
                parts.push(value);
            }
            value = 0;
        }
    }
    let parts: Vec<String> = parts.iter().map(u64::to_string).collect();
    Some(parts.join("."))
}

/// Reads a time as DER writes it: `20261122070500Z`, parts of a second after a point.
fn moment(bytes: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('Z')?;
    let digits = text.split('.').next().unwrap_or_default();
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| -> Option<u32> { digits.get(from..to)?.parse().ok() };
    let year = i32::try_from(part(0, 4)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, part(4, 6)?, part(6, 8)?)?;
    Some(day.and_hms_opt(part(8, 10)?, part(10, 12)?, part(12, 14)?)?.and_utc())
}

/// Returns the common name in a directory name, else the organisation's.
fn name_of(general: &[u8]) -> Option<String> {
    let mut parts = Der(Der(Der(general).expect(DIRECTORY_NAME)?).expect(SEQUENCE)?);
    let (mut common, mut organisation) = (None, None);
    while let Some(set) = parts.expect(SET) {
        let mut pair = Der(Der(set).expect(SEQUENCE)?);
        let (key, (_, value)) = (pair.expect(OID)?, pair.next()?);
        let text = String::from_utf8_lossy(value);
        let text: String = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        if key == COMMON_NAME {
            common = Some(text);
        } else if key == ORGANIZATION {
            organisation = Some(text);
        }
    }
    common.or(organisation)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    fn der(tag: u8, value: &[u8]) -> Vec<u8> {
        let length = match value.len() {
            short @ ..128 => vec![u8::try_from(short).unwrap()],
            long => {
                let [a, b] = u16::try_from(long).unwrap().to_be_bytes();
                vec![0x82, a, b]
            }
        };
        [&[tag][..], &length, value].concat()
    }

    fn answer(status: u8, digest: [u8; 32], time: &str) -> Vec<u8> {
        let name =
            der(SEQUENCE, &[der(OID, &COMMON_NAME), der(0x0c, "Cơ quan thử".as_bytes())].concat());
        let name = der(EXPLICIT_0, &der(DIRECTORY_NAME, &der(SEQUENCE, &der(SET, &name))));
        let imprint = der(SEQUENCE, &[SHA256.to_vec(), der(OCTETS, &digest)].concat());
        let info = [
            der(INTEGER, &[1]),
            der(OID, &[0x2a, 0x03, 0x04]),
            imprint,
            der(INTEGER, &[0x0a, 0xbc]),
            der(TIME, time.as_bytes()),
            der(SEQUENCE, &[INTEGER, 1, 1]),
            der(INTEGER, &nonce_bytes(NONCE)),
            name,
        ];
        let info = der(EXPLICIT_0, &der(OCTETS, &der(SEQUENCE, &info.concat())));
        let inner = der(SEQUENCE, &[der(OID, &TST_INFO), info].concat());
        let signed = [der(INTEGER, &[3]), der(SET, &[]), inner].concat();
        let content = [der(OID, &SIGNED_DATA), der(EXPLICIT_0, &der(SEQUENCE, &signed))].concat();
        let status = der(SEQUENCE, &der(INTEGER, &[status]));
        der(SEQUENCE, &[status, der(SEQUENCE, &content)].concat())
    }

    #[test]
    fn a_request_is_as_openssl_reads_it() {
        let request = request([7; 32], NONCE);
        assert_eq!(request.len(), 69);
        let mut fields = Der(Der(&request).expect(SEQUENCE).unwrap());
        assert_eq!(fields.expect(INTEGER), Some(&[1][..]));
        let imprint = fields.expect(SEQUENCE).unwrap();
        assert_eq!(imprint.get(17..), Some(&[7; 32][..]));
        assert_eq!(fields.expect(INTEGER).map(<[u8]>::len), Some(8));
        assert_eq!(fields.expect(BOOLEAN), Some(&[0xff][..]));
        assert!(fields.0.is_empty());
    }

    #[test]
    fn an_answer_says_when_and_who_or_why_not() {
        let good = read(&answer(0, [7; 32], "20261122070500.25Z"), [7; 32], NONCE).unwrap();
        assert_eq!(good.at.to_rfc3339(), "2026-11-22T07:05:00+00:00");
        assert_eq!((good.serial.as_str(), good.policy.as_str()), ("0abc", "1.2.3.4"));
        assert_eq!(good.authority, "Cơ quan thử");
        let wrong = |answer: &[u8], digest, nonce| read(answer, digest, nonce).unwrap_err();
        let whole = answer(0, [7; 32], "20261122070500Z");
        assert_eq!(wrong(&whole, [8; 32], NONCE), TokenError::Other, "another file");
        assert_eq!(wrong(&whole, [7; 32], [9; 8]), TokenError::Other, "an older answer");
        assert_eq!(wrong(&answer(2, [7; 32], ""), [7; 32], NONCE), TokenError::Refused(2));
        assert_eq!(wrong(&answer(0, [7; 32], "gestern"), [7; 32], NONCE), TokenError::Unreadable);
        for cut in 0..whole.len() {
            assert_eq!(wrong(&whole[..cut], [7; 32], NONCE), TokenError::Unreadable, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..300, with: u8) {
            let _told = read(&bytes, [0; 32], NONCE);
            let mut torn = answer(0, [0; 32], "20261122070500Z");
            let place = at % torn.len();
            torn[place] = with;
            let _told = read(&torn, [0; 32], NONCE);
        }
    }
}
