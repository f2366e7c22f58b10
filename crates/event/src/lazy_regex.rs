//! A regular expression that is checked when it is read and compiled when it is first needed: thousands
//! are loaded, few are ever asked, and checking costs a hundredth of compiling.

use std::sync::{Arc, OnceLock};

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// An expression of at most so many steps never comes near a size limit of a MiB: a step takes some
/// hundred bytes compiled.
const STEPS_MAX: u32 = 2_000;

/// How an expression is read beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegexFlags {
    /// `i`: case does not matter.
    pub ignore_case: bool,
    /// `m`: `^` and `$` hold at every line.
    pub multi_line: bool,
    /// `s`: a dot is a line's end too.
    pub dot_all: bool,
}

/// A checked regular expression.
#[derive(Debug, Clone)]
pub struct LazyRegex {
    text: Box<str>,
    flags: RegexFlags,
    /// Position and name of the named groups.
    groups: Vec<(usize, Box<str>)>,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

impl LazyRegex {
    /// Checks an expression. One that may be larger than `bytes_max` (at least a MiB) is compiled at once.
    ///
    /// # Errors
    /// What is wrong with it, as `regex` says it.
    pub fn new(text: &str, flags: RegexFlags, bytes_max: usize) -> Result<Self, regex::Error> {
        let own = |groups, compiled| Self { text: text.into(), flags, groups, compiled };
        let parsed = ParserBuilder::new()
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .dot_matches_new_line(flags.dot_all)
            .build()
            .parse(text);
        if let Ok(hir) = parsed
            && steps(&hir) <= STEPS_MAX
        {
            let mut groups = Vec::new();
            named(&hir, &mut groups);
            return Ok(own(groups, Arc::default()));
        }
        let regex = build(text, flags, bytes_max)?;
        let names = regex.capture_names().enumerate();
        let groups = names.filter_map(|(at, name)| Some((at, name?.into()))).collect();
        Ok(own(groups, Arc::new(OnceLock::from(Some(regex)))))
    }

    /// Returns the text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how it is read.
    pub const fn flags(&self) -> RegexFlags {
        self.flags
    }

    /// Returns the named groups: position and name.
    pub fn groups(&self) -> &[(usize, Box<str>)] {
        &self.groups
    }

    /// Returns whether it matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// Returns the compiled expression. It is there: what could be too large was compiled when it was
    /// read.
    pub fn regex(&self) -> Option<&Regex> {
        let compile = || build(&self.text, self.flags, usize::MAX).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

impl PartialEq for LazyRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.flags == other.flags
    }
}

fn build(text: &str, flags: RegexFlags, bytes_max: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(flags.ignore_case)
        .multi_line(flags.multi_line)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(bytes_max)
        .build()
}

/// Returns about how many steps an expression compiles to.
fn steps(hir: &Hir) -> u32 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => u32::try_from(literal.0.len()).unwrap_or(u32::MAX),
        HirKind::Class(class) => {
            let ranges = match class {
                Class::Unicode(own) => own.ranges().len(),
                Class::Bytes(own) => own.ranges().len(),
            };
            u32::try_from(ranges).unwrap_or(u32::MAX)
        }
        HirKind::Repetition(own) => {
            steps(&own.sub).saturating_mul(own.max.unwrap_or(own.min.saturating_add(1)).max(1))
        }
        HirKind::Capture(own) => steps(&own.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(1, |sum, part| sum.saturating_add(steps(part)))
        }
    }
}

fn named(hir: &Hir, groups: &mut Vec<(usize, Box<str>)>) {
    match hir.kind() {
        HirKind::Capture(own) => {
            if let (Some(name), Ok(at)) = (&own.name, usize::try_from(own.index)) {
                groups.push((at, name.clone()));
            }
            named(&own.sub, groups);
        }
        HirKind::Repetition(own) => named(&own.sub, groups),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                named(part, groups);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn what_regex_refuses_is_refused_with_its_words() {
        for text in ["(", "(?=a)", r"(a)\1", r"(\w{100}){100}", "[z-a]", "a{5,2}"] {
            let want = RegexBuilder::new(text).size_limit(MIB).build().unwrap_err();
            let found = LazyRegex::new(text, RegexFlags::default(), MIB).unwrap_err();
            assert_eq!(found.to_string(), want.to_string(), "{text}");
        }
    }

    #[test]
    fn it_matches_and_names_groups_as_regex_does() {
        let every = [false, true].into_iter().flat_map(|ignore_case| {
            [false, true].into_iter().flat_map(move |multi_line| {
                [false, true].map(|dot_all| RegexFlags { ignore_case, multi_line, dot_all })
            })
        });
        for flags in every {
            for text in [r"(?P<user>\w+) from (?<ip>[\d.]+)(x(?<y>z))?", "^b.c$", r"\pL{300}b|b"] {
                let lazy = LazyRegex::new(text, flags, 16 * MIB).unwrap();
                let regex = build(text, flags, 16 * MIB).unwrap();
                let names = regex.capture_names().enumerate();
                let want: Vec<_> = names.filter_map(|(at, name)| Some((at, name?))).collect();
                let own: Vec<_> =
                    lazy.groups().iter().map(|(at, name)| (*at, name.as_ref())).collect();
                assert_eq!(own, want, "{text}");
                for value in ["An from 1.2.3.4", "a\nB\nC\n", "a\nb\rc", "b c", ""] {
                    assert_eq!(lazy.is_match(value), regex.is_match(value), "{text} {value}");
                }
            }
        }
    }

    #[test]
    fn only_what_may_be_large_is_compiled_at_once() {
        for (text, at_once) in
            [("(?i)power.*shell", false), (r"\w+\s\S{2,9}", false), (r"\w{50}", true)]
        {
            let lazy = LazyRegex::new(text, RegexFlags::default(), 16 * MIB).unwrap();
            assert_eq!(lazy.compiled.get().is_some(), at_once, "{text}");
        }
    }
}
