//! The little that the collector must understand of JSON: whether text is one whole value, and
//! where the elements of an array lie. The values themselves are the decoder's work.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// Returns why these bytes are not one JSON object.
///
/// # Errors
///
/// Says line, column and what was expected there.
pub(crate) fn json_object(bytes: &[u8]) -> Result<(), String> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err("not a JSON object".to_owned());
    }
    serde_json::from_slice::<IgnoredAny>(bytes).map(drop).map_err(|error| error.to_string())
}

/// Returns the elements of a JSON array as slices of its text, not yet checked; one more than so many if it has more;
/// `None` if the brackets do not close.
pub(crate) fn array_elements(text: &Bytes, most: usize) -> Option<Vec<Bytes>> {
    let open = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let mut elements = Vec::new();
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut start = open.saturating_add(1);
    for (at, byte) in text.iter().enumerate().skip(open) {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    let last = trim(&text.slice(start..at));
                    if !(last.is_empty() && elements.is_empty()) {
                        elements.push(last);
                    }
                    let behind = text.get(at.saturating_add(1)..)?;
                    return behind.trim_ascii().is_empty().then_some(elements);
                }
            }
            b',' if depth == 1 => {
                elements.push(trim(&text.slice(start..at)));
                if elements.len() > most {
                    return Some(elements);
                }
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    None
}

/// Returns the bytes without the white space round them.
pub(crate) fn trim(bytes: &Bytes) -> Bytes {
    bytes.slice_ref(bytes.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_at_the_top_level_only() {
        let cases: &[(&str, Option<&[&str]>)] = &[
            ("[]", Some(&[])),
            (" [ {\"a\":[1,2]} , {\"b\":\",]\"} ] ", Some(&["{\"a\":[1,2]}", "{\"b\":\",]\"}"])),
            (r#"["a\"],",1]"#, Some(&[r#""a\"],""#, "1"])),
            ("[1", None),
            ("[1] x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let elements = array_elements(&Bytes::from_static(text.as_bytes()), 9);
            let elements: Option<Vec<String>> = elements.map(|elements| {
                elements.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect()
            });
            let expected: Option<Vec<String>> =
                expected.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(elements, expected, "{text}");
        }
        let many = array_elements(&Bytes::from_static(b"[1,2,3,4,5]"), 2);
        assert_eq!(many.map(|many| many.len()), Some(3));
    }
}
