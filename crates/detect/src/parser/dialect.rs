//! Regular expressions as rules write them (PCRE, Python) → as the `regex` crate reads them.
//!
//! The dialects agree but for a few signs that mean something here and nothing there: `\<` and `\>`
//! (borders of words), nested classes and set operations inside `[…]`, and a brace that begins no
//! repetition. `$` and `\Z` are the end of the text, also before a line end that ends it. What the crate
//! cannot do at all it refuses by itself.

/// The end of the text, or before the line end that ends it.
const END: &str = r"(?:\n?\z)";

/// Returns the expression for the `regex` crate; with `multi_line`, `$` is the end of any line.
pub(super) fn translated(pattern: &str, multi_line: bool) -> String {
    let any_line = multi_line || sets_multi_line(pattern);
    let mut out = String::with_capacity(pattern.len());
    let mut class: Option<Class> = None;
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        if c == '\\' {
            escape(&mut out, &mut rest);
            if let Some(class) = &mut class {
                class.is_empty = false;
            }
            continue;
        }
        class = match class {
            None => {
                match c {
                    '{' if !is_repetition(rest.as_str()) => out.push_str(r"\{"),
                    '$' if !any_line => out.push_str(END),
                    _ => out.push(c),
                }
                (c == '[').then_some(Class { is_empty: true })
            }
            Some(class) => inside(class, c, &mut out, &mut rest),
        };
    }
    out
}

/// A class that is open.
struct Class {
    /// Nothing stands in it yet: a `]` now is itself.
    is_empty: bool,
}

fn escape(out: &mut String, rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('Z') => out.push_str(END),
        Some(c @ ('<' | '>')) => out.push(c),
        // What stands in these braces belongs to the escape: `\p{Lu}`, `\x{1F}`.
        Some(c @ ('p' | 'P' | 'x' | 'u' | 'U')) if rest.as_str().starts_with('{') => {
            out.extend(['\\', c]);
            for c in rest.by_ref() {
                out.push(c);
                if c == '}' {
                    break;
                }
            }
        }
        Some(c) => out.extend(['\\', c]),
        None => out.push('\\'),
    }
}

/// Writes one character of a class. Returns the class while it is open.
fn inside(
    class: Class,
    c: char,
    out: &mut String,
    rest: &mut std::str::Chars<'_>,
) -> Option<Class> {
    let next = rest.as_str().chars().next();
    match c {
        '^' if class.is_empty && out.ends_with('[') => {
            out.push(c);
            return Some(class);
        }
        ']' if !class.is_empty => {
            out.push(c);
            return None;
        }
        '[' if next == Some(':') && rest.as_str().contains(":]") => {
            // A named class, `[:alpha:]`, is written through.
            out.push(c);
            for c in rest.by_ref() {
                out.push(c);
                if c == ']' {
                    break;
                }
            }
        }
        '[' | ']' => out.extend(['\\', c]),
        '&' | '~' | '-' if next == Some(c) => out.extend(['\\', c]),
        _ => out.push(c),
    }
    Some(Class { is_empty: false })
}

/// Returns whether a group of flags in the expression itself, `(?m)` or `(?im:…)`, makes lines count.
fn sets_multi_line(pattern: &str) -> bool {
    pattern.split("(?").skip(1).any(|group| {
        let flags = group.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        let is_set = group.get(flags.len()..).is_some_and(|rest| rest.starts_with([')', ':', '-']));
        is_set && flags.contains('m')
    })
}

/// Returns whether what follows a `{` makes it a repetition: `3}`, `3,}`, `3,5}`.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_mean_nothing_elsewhere_are_plain_here() {
        for (pattern, text, want) in [
            (r"a\<b\>", "a<b>", true),
            (r"^\<a", "a", false),
            ("[[]a", "[a", true),
            ("[^[]a", "[a", false),
            ("[]a]+$", "]a", true),
            ("[^]]", "]", false),
            ("[a&&b]", "&", true),
            ("[a~~b]", "~", true),
            ("[+--]", "-", true),
            ("[[:digit:]x]{2}", "4x", true),
            (r"[\]\[]", "[", true),
            (r"\$\{jndi:", "${jndi:", true),
            ("${jndi", "a", false),
            ("a{x}", "a{x}", true),
            ("a{2}", "aa", true),
            ("^a{1,}$", "aaa", true),
            ("a{,2}", "a{,2}", true),
            (r"a\Z", "ba", true),
            ("a$", "ba\n", true),
            ("a$", "ba\n\n", false),
            ("a$", "a\nb", false),
            ("^a$|b", "a\n", true),
            (r"a\$[$]", "a$$", true),
            ("(?m)a$", "a\nb", true),
            ("(?i-m:A$)", "a\n", true),
            ("(?<m>a)$", "a\n", true),
            (r"\d{3}-\p{Lu}", "123-Đ", true),
        ] {
            let regex = regex::Regex::new(&translated(pattern, false))
                .unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(text), want, "{pattern} {text}");
        }
    }
}
