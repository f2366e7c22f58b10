//! Sealing a message for one browser: message encryption for web push (RFC 8291) over `aes128gcm`
//! (RFC 8188), in one record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

/// Bytes of a point on P-256, uncompressed.
const POINT_BYTES: usize = 65;
/// Bytes of a browser's authentication secret (RFC 8291 §3.2).
const AUTH_BYTES: usize = 16;
/// Bytes of the salt (RFC 8188 §2.1).
pub(super) const SALT_BYTES: usize = 16;
/// The record size that we name; a message is one record.
const RECORD_BYTES: u32 = 4096;
/// The longest message: a push service must take 4,096 bytes of body (RFC 8030 §7.2), of which the head
/// takes 86, the delimiter 1 and the tag 16.
pub(super) const PLAIN_BYTES_MAX: usize = 3993;

/// Whom a message is sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Target {
    key: PublicKey,
    auth: [u8; AUTH_BYTES],
}

impl Target {
    /// Reads what a browser's subscription says: `p256dh` and `auth`, base64url. Nothing when either is
    /// none.
    pub(in super::super) fn read(p256dh: &str, auth: &str) -> Option<Self> {
        let key = URL_SAFE_NO_PAD.decode(p256dh.trim_end_matches('=')).ok()?;
        let key = (key.len() == POINT_BYTES).then_some(key)?;
        let auth = URL_SAFE_NO_PAD.decode(auth.trim_end_matches('=')).ok()?;
        Some(Self { key: PublicKey::from_sec1_bytes(&key).ok()?, auth: auth.try_into().ok()? })
    }
}

/// The length of a derived key.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Option<[u8; N]> {
    let extracted = Salt::new(HKDF_SHA256, salt).extract(secret);
    let mut derived = [0; N];
    extracted.expand(info, Length(N)).ok()?.fill(&mut derived).ok()?;
    Some(derived)
}

/// Returns the body that only the browser can open; nothing of a message that is too long. `own` and
/// `salt` are used once.
pub(super) fn seal(
    target: &Target,
    own: &SecretKey,
    salt: [u8; SALT_BYTES],
    plain: &[u8],
) -> Option<Vec<u8>> {
    if plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    let own_point = own.public_key().to_sec1_bytes();
    let their_point = target.key.to_sec1_bytes();
    let shared = own.diffie_hellman(&target.key);
    let info: [&[u8]; 3] = [b"WebPush: info\0", &their_point, &own_point];
    let input: [u8; 32] = derive(&target.auth, shared.raw_secret_bytes(), &info)?;
    let key: [u8; 16] = derive(&salt, &input, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; NONCE_LEN] = derive(&salt, &input, &[b"Content-Encoding: nonce\0"])?;
    // The last record ends with 2 and no padding (RFC 8188 §2).
    let mut record = [plain, &[2]].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).ok()?;
    let mut body = salt.to_vec();
    body.extend(RECORD_BYTES.to_be_bytes());
    body.push(u8::try_from(own_point.len()).ok()?);
    body.extend(own_point.iter());
    body.extend(record);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    const THEIRS: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    /// RFC 8291 §5 and appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out_to_the_byte() {
        let own =
            SecretKey::from_slice(&bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let target = Target::read(THEIRS, AUTH).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let sealed =
            seal(&target, &own, salt, b"When I grow up, I want to be a watermelon").unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml\
                        mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT\
                        pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(sealed), expected);
        assert_eq!(seal(&target, &own, salt, &[0; PLAIN_BYTES_MAX + 1]), None);
        assert_eq!(seal(&target, &own, salt, &[0; PLAIN_BYTES_MAX]).unwrap().len(), 4096);
    }

    #[test]
    fn what_is_no_subscription_is_none() {
        assert!(Target::read(&format!("{THEIRS}="), AUTH).is_some(), "padding is forgiven");
        let off_curve = URL_SAFE_NO_PAD.encode([4; 65]);
        for (key, auth) in [
            ("", AUTH),
            (THEIRS, ""),
            (THEIRS, "BTBZMqHH6r4Tts7J_aSI"),
            (&off_curve, AUTH),
            ("***", AUTH),
            (AUTH, AUTH),
        ] {
            assert_eq!(Target::read(key, auth), None, "{key} {auth}");
        }
    }
}
